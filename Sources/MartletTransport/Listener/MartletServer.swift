package import MartletCore
internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Serves an `InferenceHandler` on any number of addresses.
///
/// Every call runs as one task on its connection's event loop; the handler computes elsewhere. A server is used once:
/// after `drain` it stays closed.
package final class MartletServer: Sendable {
    package struct Options: Sendable {
        /// Name and version for Hello, such as `martlet/0.1.0`.
        package var software: String
        /// Event loop threads. They only move bytes: one serves tens of thousands of calls a second.
        package var eventLoops = 1
        /// Compress answers of 1 KiB and more for clients that accept it.
        package var compressesAnswers = false
        /// What an HTTP request means that names no model; nil: the only one that does its task.
        package var defaultModel: ModelReference?
        /// What a model's owner asks beside inference; nil: those calls are not there.
        package var rollouts: (any RolloutHandler)?
        /// With it every TCP address speaks TLS only; Unix sockets stay plain, their file's permissions guard them.
        package var tls: ServerTLS?
        /// What `GET /metrics` answers, in Prometheus' text form; nil: there is no such route.
        package var metrics: (@Sendable () -> [UInt8])?
        /// Told what belongs in the log, on an event loop: must not block.
        package var notice: @Sendable (TransportNotice) -> Void = { _ in }

        package init(software: String) { self.software = software }
    }

    private let group: MultiThreadedEventLoopGroup
    private let executors: [ObjectIdentifier: LoopExecutor]
    private let shared: ServerShared
    private let listeners = Mutex<[Listener]>([])
    private let draining = DrainSignal()

    package init(handler: any InferenceHandler, limits: Limits, options: Options) {
        group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, options.eventLoops))
        var executors: [ObjectIdentifier: LoopExecutor] = [:]
        for loop in group.makeIterator() { executors[ObjectIdentifier(loop)] = LoopExecutor(loop: loop) }
        self.executors = executors
        shared = ServerShared(
            contract: ServerContract(
                handler: handler, rollouts: options.rollouts, limits: limits, software: options.software,
                defaultModel: options.defaultModel, drain: draining, metrics: options.metrics),
            limits: limits, software: options.software, compressesAnswers: options.compressesAnswers, tls: options.tls,
            connections: ConnectionRegistry(limit: min(limits.connectionsMax, Self.descriptorLimit / 2)),
            notice: options.notice)
    }

    package convenience init(handler: any InferenceHandler, limits: Limits, software: String) {
        self.init(handler: handler, limits: limits, options: Options(software: software))
    }

    /// Starts to accept connections; may be called for several addresses.
    /// - Parameter mayManage: whether calls that change what is served are answered here.
    /// - Returns: the address with the port that was taken.
    /// - Throws: an error that names the address and the way out.
    @discardableResult
    package func listen(
        on address: ServerAddress, mayManage: Bool = true
    ) async throws(MartletError) -> ServerAddress {
        let shared = shared
        let executors = executors
        let tlsStage = shared.tlsStage(on: address)
        let listener = try await Listener.bind(
            to: address, on: group, limits: shared.limits, notice: shared.notice
        ) { channel in
            try Self.accept(channel, mayManage: mayManage, tlsStage, shared, executors)
        }
        listeners.withLock { $0.append(listener) }
        return listener.address
    }

    /// Stops accepting, tells every client, and waits for the calls in flight.
    /// - Parameter limit: calls that are not done by then end with UNAVAILABLE.
    /// - Returns: how many calls were ended so.
    @discardableResult
    package func drain(within limit: Duration) async -> Int {
        let closing = listeners.withLock { listeners in
            defer { listeners = [] }
            return listeners
        }
        draining.raise()
        for listener in closing { await listener.close() }
        shared.connections.drain()
        let loop = group.next()
        var cut = 0
        if await !shared.connections.waitUntilEmpty(atMost: limit, on: loop) {
            let error = MartletError(
                .unavailable, "the server shut down before the call was done", retryAfter: .milliseconds(1))
            cut = await shared.connections.cut(error)
            if await !shared.connections.waitUntilEmpty(atMost: shared.limits.lingerTimeout * 2, on: loop) {
                // Peers that read nothing: what is left for them is dropped.
                cut += await shared.connections.cut(error)
                _ = await shared.connections.waitUntilEmpty(atMost: shared.limits.lingerTimeout, on: loop)
            }
        }
        // A handler that ignores its cancellation would lose its thread with the group: the group then stays.
        let tasksDone = await shared.tasks.waitForZero { giveUp in
            loop.scheduleTask(in: TimeAmount(shared.limits.lingerTimeout), giveUp)
        }
        if tasksDone, shared.connections.count == 0 { try? await group.shutdownGracefully() }
        return cut
    }

    // MARK: Counters

    package var openConnections: Int { shared.connections.count }
    /// Tasks of calls, also of those that ended early and have not stopped yet.
    package var runningTasks: Int { shared.tasks.count }

    /// Returns once no connection is open and no task runs, at one instant each.
    package func untilUnused() async {
        _ = await shared.connections.waitUntilEmpty()
        _ = await shared.tasks.waitForZero { _ in }
    }

    // MARK: Accepting

    private static func accept(
        _ channel: any Channel, mayManage: Bool, _ tlsStage: TLSStage, _ shared: ServerShared,
        _ executors: [ObjectIdentifier: LoopExecutor]
    ) throws {
        let refusal: MartletError
        switch shared.connections.admit(channel) {
        case .admitted:
            guard let executor = executors[ObjectIdentifier(channel.eventLoop)] else {
                throw MartletError(.internalError, "a connection came on a foreign event loop")
            }
            return try channel.pipeline.syncOperations.addHandler(
                FirstBytesDetector(
                    setup: ConnectionSetup(
                        shared: shared, executor: executor, mayManage: mayManage, tlsStage: tlsStage,
                        accepted: .now)))
        case .full(let limit):
            shared.notice(.tooManyConnections(limit: limit))
            refusal = MartletError(.resourceExhausted, "the server has \(limit) connections, the most it takes")
        case .draining:
            refusal = .shuttingDown
        }
        try channel.pipeline.syncOperations.addHandler(Refusal(error: refusal))
    }

    private static var descriptorLimit: Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1_024 }
        return Int(clamping: limit.rlim_cur)
    }
}

/// Says once why a connection is not served, and ends it.
private final class Refusal: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let error: MartletError

    init(error: MartletError) { self.error = error }

    func channelActive(context: ChannelHandlerContext) {
        // Not for a second: a refused connection counts nowhere, so it must not stay.
        GoAwayBytes.send(error, on: context.channel, lingering: .milliseconds(50))
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}
}
