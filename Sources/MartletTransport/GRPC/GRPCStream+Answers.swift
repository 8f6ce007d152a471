internal import MartletCore
internal import MartletWire
internal import NIOCore
internal import NIOHTTP2

extension GRPCStream: CallCarrier {
    func took(messageOf bytes: Int, by call: RunningCall) {
        let cost = CreditCost.bytes(ofPayload: bytes)
        guard waitingBytes >= cost else { return }
        waitingBytes -= cost
        connection.letGo(cost)
        readMore()
    }

    func maySend(_ call: RunningCall) -> Bool { context?.channel.isWritable ?? true }

    func send(_ message: [UInt8], of running: RunningCall) -> SendOutcome {
        let call: Call
        switch state {
        case .open(let open): call = open
        case .ended(let error): return .ended(error)
        case .new, .handedOver: return .ended(MartletError(.internalError, "a call sends before it is open"))
        }
        guard let context else { return .ended(MartletError(.cancelled, "the call is over")) }
        let limit = shared.limits.answerBytesMax
        guard message.count <= limit else { return .ended(.answerTooLarge(message.count, limit: limit)) }
        guard context.channel.isWritable else { return .wait }
        writeHead(context)
        let compressed = answerEncoding.compressed(message)
        let payload = compressed ?? message
        var buffer = context.channel.allocator.buffer(capacity: MessageDeframer.prefixBytes + payload.count)
        buffer.writeInteger(compressed == nil ? UInt8(0) : 1)
        buffer.writeInteger(UInt32(clamping: payload.count))
        buffer.writeBytes(payload)
        context.write(wrapOutboundOut(.data(.init(data: .byteBuffer(buffer)))), promise: nil)
        // The answer of a method that sends one leaves with its status.
        if call.method.serverStreams { context.flush() }
        return .sent
    }

    func ended(_ call: RunningCall, with error: MartletError?) {
        connection.taskEnded()
        self.call = nil
        end(with: error)
    }
}

/// How a call ends.
extension GRPCStream {
    private func writeHead(_ context: ChannelHandlerContext) {
        guard !headSent else { return }
        headSent = true
        context.write(wrapOutboundOut(.headers(.init(headers: GRPCTrailers.head(answerEncoding)))), promise: nil)
    }

    /// Gives the call its status; nothing happens when it has one, or when the peer is gone.
    /// - Parameter error: nil for OK.
    func end(with error: MartletError?) {
        switch state {
        case .ended, .handedOver: return
        case .new, .open: break
        }
        close(MartletError(.cancelled, "the call is over"), stopping: error)
        guard let context else { return }
        // An answer without a message still has both lists where it succeeds: some clients insist.
        if error == nil { writeHead(context) }
        let trailers = GRPCTrailers.status(error, isWholeAnswer: !headSent)
        let frame = wrapOutboundOut(.headers(.init(headers: trailers, endStream: true)))
        guard !inputEnded else { return context.writeAndFlush(frame, promise: nil) }
        // Nobody wants what the client still sends. The reset must not overtake messages that wait for its window.
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenSuccess { [self] in
            guard !inputEnded, let context = self.context, context.channel.isActive else { return }
            context.writeAndFlush(wrapOutboundOut(.rstStream(.noError)), promise: nil)
        }
        context.writeAndFlush(frame, promise: sent)
    }

    /// The stream is gone: nothing can be sent.
    func lost(_ error: MartletError) {
        switch state {
        case .ended, .handedOver: return
        case .new, .open: close(error, stopping: error)
        }
    }

    private func close(_ reason: MartletError, stopping error: MartletError?) {
        state = .ended(error ?? reason)
        deadlineTimer?.cancel()
        deadlineTimer = nil
        connection.letGo(waitingBytes + partialBytes)
        waitingBytes = 0
        partialBytes = 0
        input = nil
        connection.forget(self)
        call?.stop(error ?? reason)
    }
}
