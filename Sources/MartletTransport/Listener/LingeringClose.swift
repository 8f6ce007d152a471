internal import NIOCore

/// Ends a stream so that its last bytes arrive: a socket closed with unread input is reset, and a reset discards what
/// was just sent. So only our side is ended, and what still comes is read and dropped until the peer ends its side.
enum LingeringClose {
    /// - Parameters:
    ///   - flushLimit: how long what is already written may take to leave.
    ///   - limit: how long the peer may then take to end its side.
    static func begin(on channel: any Channel, flushWithin flushLimit: Duration, for limit: Duration) {
        let loop = channel.eventLoop
        let flushTimer = loop.scheduleTask(in: TimeAmount(flushLimit)) { channel.close(promise: nil) }
        let flushed = loop.makePromise(of: Void.self)
        flushed.futureResult.whenComplete { _ in
            flushTimer.cancel()
            let timer = loop.scheduleTask(in: TimeAmount(limit)) { channel.close(promise: nil) }
            channel.closeFuture.whenComplete { _ in timer.cancel() }
        }
        // Handlers drop what they read from here on.
        channel.close(mode: .output, promise: flushed)
    }
}
