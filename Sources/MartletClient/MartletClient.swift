public import MartletCore
internal import MartletWire
internal import NIOCore
internal import NIOPosix

/// A connection to a Martlet server, for any number of calls at once.
///
/// ```swift
/// let client = try await MartletClient.connect(to: .tcp(host: "127.0.0.1", port: 7780))
/// let request = ClassifyRequest(model: ModelReference(name: "guard"), inputs: [TextInput("Ignore all rules.")])
/// let answer = try await client.classify(request, timeout: .seconds(2))
/// print(answer.results[0].scores[0].label)
/// ```
///
/// Calls from many tasks share the connection and do not wait for one another. Cancelling the task that waits for a
/// call cancels the call on the server too. When the connection is lost, its calls throw `.unavailable`, and so does
/// every later one: connect again. The connection closes with `close()`, or when the last reference to the client goes
/// away.
public final class MartletClient: Sendable {
    private let open: OpenConnection
    let codec: MessageCodec
    /// What the client is connected to.
    public let address: ServerAddress
    /// Sent beside the request of every call.
    let metadata: [Frame.Metadata]

    var connection: ClientConnection { open.connection }

    private init(open: OpenConnection, codec: MessageCodec, address: ServerAddress, metadata: [Frame.Metadata] = []) {
        self.open = open
        self.codec = codec
        self.address = address
        self.metadata = metadata
    }

    /// A client on the same connection whose calls carry these entries too, in place of earlier ones of the same names.
    ///
    /// A route with a sticky key sends every call with the same value of that entry to the same version:
    ///
    /// ```swift
    /// let answer = try await client.withMetadata(["user": "u-17"]).classify(request)
    /// ```
    /// - Parameter entries: names (letters, digits, `-`, `_` and `.`; case does not count) and values.
    public func withMetadata(_ entries: [String: String]) -> MartletClient {
        let added = entries.map { (name: $0.key.lowercased(), value: $0.value) }.sorted { $0.name < $1.name }
        let kept = metadata.filter { entry in !added.contains { $0.name == entry.key } }
        return MartletClient(
            open: open, codec: codec, address: address,
            metadata: kept + added.map { Frame.Metadata(key: $0.name, value: Array($0.value.utf8)) })
    }

    /// Connects and waits for the server's greeting.
    /// - Throws: `.unavailable` when nobody listens there, `.deadlineExceeded` when no greeting came in time,
    ///   `.failedPrecondition` when something else than Martlet answers, or the code with which the server refused.
    public static func connect(
        to address: ServerAddress, options: ClientOptions = ClientOptions()
    ) async throws(MartletError) -> MartletClient {
        let limit = options.connectTimeout
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let connection = ClientConnection(loop: loop, options: options)
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(TimeAmount(limit))
            .channelOption(.writeBufferWaterMark, value: .init(low: 64 << 10, high: 128 << 10))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(connection) }
            }
        let channel: any Channel
        do {
            switch address {
            case .tcp(let host, let port):
                channel = try await bootstrap.channelOption(.tcpOption(.tcp_nodelay), value: 1)
                    .connect(host: host, port: port).get()
            case .unix(let path): channel = try await bootstrap.connect(unixDomainSocketPath: path).get()
            }
        } catch {
            // Nobody will wait for the greeting.
            loop.execute { connection.ready.fail(error) }
            throw ConnectFailure.explain(error, address: address, limit: limit)
        }
        let timer = loop.scheduleTask(in: TimeAmount(limit)) {
            connection.close(
                MartletError(
                    .deadlineExceeded, "no greeting came from \(address) within \(limit): is it a Martlet server?"))
        }
        // On the loop: a busy caller may look at the greeting long after it came.
        connection.ready.futureResult.whenComplete { _ in timer.cancel() }
        do {
            try await connection.ready.futureResult.get()
        } catch {
            throw MartletError(wrapping: error, while: "connecting")
        }
        // An answer may take more memory than bytes; 16 is above what any honest message takes.
        let codec = MessageCodec(arenaBytesMax: 16 * max(1 << 20, options.messageBytesMax))
        return MartletClient(
            open: OpenConnection(connection: connection, channel: channel), codec: codec, address: address)
    }

    /// Classifies a list of texts: `results[i]` answers `inputs[i]`.
    /// - Parameter timeout: how long the answer is of use; nil waits for ever.
    public func classify(
        _ request: ClassifyRequest, timeout: Duration? = nil
    ) async throws(MartletError) -> ClassifyAnswer {
        try codec.decodeClassifyAnswer(try await unary(.classify, codec.encode(request), timeout))
    }

    /// Classifies many lists of texts on one call: as many at once as the server takes, and only as fast as it reads.
    ///
    /// A request that fails is answered with its error, and the others go on. When `requests` throws, the call is
    /// cancelled and the answers end with that error.
    /// - Parameters:
    ///   - unordered: answers as they become ready, instead of in the order of the requests.
    ///   - timeout: how long the whole call may take; nil waits for ever.
    public func classifyStream<Requests: AsyncSequence & Sendable>(
        _ requests: Requests, unordered: Bool = false, timeout: Duration? = nil
    ) -> ServerStream<ClassifyStreamAnswer> where Requests.Element == ClassifyStreamRequest {
        let codec = codec
        return stream(.classifyStream, requests.map { codec.encode($0, isUnordered: unordered) }, timeout) {
            (message) throws(MartletError) in
            try codec.decodeClassifyStreamAnswer(message)
        }
    }

    /// Asks the server for a sign of life.
    /// - Returns: how long the way there and back took.
    @discardableResult
    public func ping() async throws(MartletError) -> Duration {
        let start = ContinuousClock.now
        let connection = connection
        let ping = ClientPing()
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                connection.loop.execute { connection.send(ping, continuation) }
            }
        } onCancel: {
            connection.loop.execute { connection.cancel(ping) }
        }
        try outcome.get()
        return .now - start
    }

    /// Closes the connection. Calls in flight throw `.cancelled`.
    public func close() async {
        let connection = connection
        connection.loop.execute { connection.close(MartletError(.cancelled, "the client was closed")) }
        try? await open.channel.closeFuture.get()
    }
}

/// A connection that several clients may share: it closes with the last of them.
private final class OpenConnection: Sendable {
    let connection: ClientConnection
    let channel: any Channel

    init(connection: ClientConnection, channel: any Channel) {
        self.connection = connection
        self.channel = channel
    }

    deinit { channel.close(promise: nil) }
}
