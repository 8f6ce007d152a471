internal import NIOCore

/// Ends a stream so that its last bytes arrive: a socket closed with unread input is reset, and a reset discards what was
/// just sent. So only our side is ended, and what still comes is read and dropped until the peer ends its side.
enum LingeringClose {
    /// - Parameter limit: after this the connection is closed whatever the peer does.
    static func begin(on channel: any Channel, for limit: Duration) {
        let timer = channel.eventLoop.scheduleTask(in: TimeAmount(limit)) { channel.close(promise: nil) }
        channel.closeFuture.whenComplete { _ in timer.cancel() }
        // Handlers drop what they read from here on.
        channel.close(mode: .output, promise: nil)
    }
}
