internal import MartletCore
internal import MartletWire
internal import NIOCore
internal import NIOHTTP1

/// What is written, and how a request ends.
extension HTTPConnection {
    func answer(_ response: HTTPResponse, of call: HTTPCall) {
        guard call === current, case .none = call.answered else { return }
        switch response.body {
        case .bytes(let bytes): 
            writeHead(response, body: bytes, of: call)
            finish(call)
        case .stream where call.request.isHead:
            writeHead(response, body: nil, of: call)
            finish(call)
        case .stream:
            call.answered = .streaming(response, isHeadSent: false)
            if !response.heartbeat.isEmpty { beat(response, of: call) }
        }
    }

    private func writeHead(_ response: HTTPResponse, body: [UInt8]?, of call: HTTPCall) {
        guard let context else { return }
        // What is left of a request's body would be taken for the next request. A stream reads on.
        let mayGoOn = call.bodyEnded || body == nil || call.isSmall && !call.waitsForContinue
        if isDraining || !call.keepsAlive || !mayGoOn { call.closes = true }
        if body == nil {
            call.isStreamed = true
            if call.request.isVersion1_0 { call.closes = true }
        }
        let (head, body) = output.answer(response, body: body, to: call.request, closes: call.closes)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if let body, !body.isEmpty { write(body, context) }
    }

    /// The head of a stream, before its first part.
    private func writeHeadOnce(_ call: HTTPCall) {
        guard case .streaming(let response, isHeadSent: false) = call.answered else { return }
        call.answered = .streaming(response, isHeadSent: true)
        writeHead(response, body: nil, of: call)
    }

    private func write(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.body(.byteBuffer(context.channel.allocator.buffer(bytes: bytes)))), promise: nil)
    }

    private func finish(_ call: HTTPCall) {
        guard call === current, let context else { return }
        call.answered = .done
        call.heartbeat?.cancel()
        leave()
        if call.request.isHead, call.isStreamed, !isStream {
            // The encoder would write a last chunk, and this answer has no body.
            context.flush()
        } else {
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
        arrived = []
        let now = ContinuousClock.now
        alarms.calls(open: 0, now: now)
        alarms.rearm(deadlines: EmptyCollection<ContinuousClock.Instant>())
        if call.closes, !isStream {
            current = nil
            close()
        } else if call.bodyEnded {
            current = nil
            if !isStream { proceed() }
            watchHead()
        } else {
            readMore()
        }
        setTimer()
    }

    private func beat(_ response: HTTPResponse, of call: HTTPCall) {
        let pause = TimeAmount(shared.limits.heartbeatInterval)
        call.heartbeat = loop.scheduleRepeatedTask(initialDelay: pause, delay: pause) { [weak self] _ in
            guard let self, call === self.current, let context = self.context, context.channel.isWritable
            else { return }
            guard !call.wasSending else {
                call.wasSending = false
                return
            }
            self.writeHeadOnce(call)
            self.write(response.heartbeat, context)
            context.flush()
        }
    }

    /// Ends the current exchange with an error, and the connection with it.
    func fail(_ error: MartletError) {
        let call = current ?? HTTPCall(id: 0, request: .init())
        current = call
        call.closes = true
        tell(error, of: call)
        call.running?.stop(error)
        close()
    }

    /// Says to the peer, in whatever way is left, that its request failed.
    func tell(_ error: MartletError, of call: HTTPCall) {
        switch call.answered {
        case .none: answer(call.failure(error), of: call)
        case .streaming(_, isHeadSent: false):
            call.heartbeat?.cancel()
            call.answered = .none
            answer(call.failure(error), of: call)
        case .streaming(let response, isHeadSent: true):
            if let event = response.failureEvent, let context {
                write(event(error), context)
                finish(call)
            } else {
                // No last chunk: the peer sees that the stream is not whole.
                close()
            }
        case .done: break
        }
    }
}

extension HTTPConnection: CallCarrier {
    func send(_ message: [UInt8], of call: RunningCall) -> SendOutcome {
        guard let current, current.running === call, case .streaming = current.answered, !isClosing, let context else {
            return .ended(MartletError(.cancelled, "the client closed the connection"))
        }
        guard context.channel.isWritable else { return .wait }
        current.wasSending = true
        writeHeadOnce(current)
        if !message.isEmpty { write(message, context) }
        context.flush()
        return .sent
    }

    func maySend(_ call: RunningCall) -> Bool {
        guard !isClosing, current?.running === call else { return true }
        return context?.channel.isWritable ?? true
    }

    func took(messageOf bytes: Int, by call: RunningCall) {
        guard let current, current.running === call else { return }
        current.bodyWaiting -= bytes
        readMore()
    }

    func ended(_ running: RunningCall, with error: MartletError?) {
        switch transport {
        case .socket: shared.tasks.decrement()
        case .stream(let connection): connection.taskEnded()
        }
        guard let current, current.running === running else { return }
        if let error { return tell(error, of: current) }
        switch current.answered {
        case .streaming:
            writeHeadOnce(current)
            finish(current)
        case .none: tell(MartletError(.internalError, "the route gave no answer"), of: current)
        case .done: break
        }
    }
}
