internal import MartletCore
internal import NIOCore

/// The side of an HTTP connection that faces its socket: what is written in one turn of the event loop leaves in one
/// write, call tasks of one read run together, a peer that does not read is dropped, and a close lingers.
final class SocketEdge: ChannelDuplexHandler,
    @unchecked Sendable // safe: every member is touched on the event loop only
{
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private let shared: ServerShared
    private let executor: LoopExecutor
    private var context: ChannelHandlerContext?
    private var isReading = false
    private var isFlushDue = false
    private var isFlushScheduled = false
    private var isClosing = false
    private var stallTimer: Scheduled<Void>?
    /// The last bytes written were an HTTP/2 GOAWAY with an error: nio-http2 tells nobody which errors are fatal.
    private(set) var saidGoodbye = false

    init(setup: ConnectionSetup) {
        shared = setup.shared
        executor = setup.executor
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        stallTimer?.cancel()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        stallTimer?.cancel()
        context.fireChannelInactive()
    }

    // MARK: Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing else { return }
        isReading = true
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        // Jobs of the calls that came in this read: their answers join one write.
        executor.runJobs()
        isReading = false
        if isFlushDue { flushAfterTurn() }
    }

    // MARK: Writing

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .byteBuffer(let bytes) = unwrapOutboundIn(data) { saidGoodbye = Self.endsInGoAway(bytes) }
        context.write(data, promise: promise)
    }

    func flush(context: ChannelHandlerContext) {
        isFlushDue = true
        guard !isReading, !isFlushScheduled else { return }
        if executor.afterJobs({ [self] in
            isFlushScheduled = false
            flushNow()
        }) {
            isFlushScheduled = true
        } else {
            flushNow()
        }
    }

    /// Once every socket that is readable in this turn of the loop has been read: the first of their writes wakes the
    /// client, and the others find it awake, which costs the kernel a fraction.
    private func flushAfterTurn() {
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        executor.loop.execute { [self] in
            isFlushScheduled = false
            if isFlushDue { flushNow() }
        }
    }

    private func flushNow() {
        isFlushDue = false
        guard let context else { return }
        context.flush()
        guard !context.channel.isWritable, !isClosing,
            let waiting = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes),
            waiting > shared.limits.outboundBytesMax
        else { return }
        stalled()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        stallTimer?.cancel()
        stallTimer = nil
        if !context.channel.isWritable {
            stallTimer = context.eventLoop.scheduleTask(in: TimeAmount(shared.limits.frameTimeout)) { [weak self] in
                self?.stalled()
            }
        }
        context.fireChannelWritabilityChanged()
    }

    private func stalled() {
        guard let context else { return }
        if !isClosing { shared.notice(.closedStalledReader) }
        isClosing = true
        context.close(promise: nil)
    }

    // MARK: Closing

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all, !isClosing, context.channel.isActive else {
            return context.close(mode: mode, promise: promise)
        }
        promise?.succeed()
        closeLingering()
    }

    /// Writes what waits, ends our side and drops what still comes, until the peer ends its side.
    func closeLingering() {
        guard !isClosing, let context else { return }
        isClosing = true
        context.flush()
        LingeringClose.begin(
            on: context.channel, flushWithin: shared.limits.frameTimeout, for: shared.limits.lingerTimeout)
    }

    /// Closes at once.
    func abort() {
        isClosing = true
        context?.close(promise: nil)
    }

    private static func endsInGoAway(_ bytes: ByteBuffer) -> Bool {
        // A frame head of 9 bytes (length 8, type 7, no flags, stream 0), a last stream, a code that is not NO_ERROR.
        let start = bytes.writerIndex - 17
        guard start >= bytes.readerIndex, bytes.getInteger(at: start + 3, as: UInt8.self) == 7,
            let head = bytes.getInteger(at: start, as: UInt64.self), head == 0x0000_0807_0000_0000,
            let code = bytes.getInteger(at: start + 13, as: UInt32.self)
        else { return false }
        return code != 0
    }
}
