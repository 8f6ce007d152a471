package import MartletCore
package import MartletWire

/// The messages of one call, as bytes, in order. One reader.
package protocol MessageSource: Sendable {
    /// Nil after the last. Asking is what lets the peer send more.
    func nextMessage() async throws(MartletError) -> [UInt8]?
}

/// Where the messages of one call go.
package protocol MessageSink: Sendable {
    /// Suspends while the peer does not read.
    func send(message: [UInt8]) async throws(MartletError)
}

/// From a method and its bytes to the handler and back. Knows no connection, so every framing can use it.
package struct CallDispatcher: Sendable {
    private let handler: any InferenceHandler
    private let codec: MessageCodec

    package init(handler: any InferenceHandler, limits: Limits) {
        self.handler = handler
        codec = MessageCodec(arenaBytesMax: limits.decodeArenaBytesMax)
    }

    /// Runs a method of one request and one answer.
    package func answer(
        _ method: Method, request: [UInt8], context: CallContext
    ) async throws(MartletError) -> [UInt8] {
        switch method {
        case .classify:
            let request = try codec.decodeClassifyRequest(request)
            return codec.encode(try await handler.classify(request, context: context))
        case .listModels:
            let name = try codec.decodeListModelsRequest(request)
            return codec.encodeListModelsResponse(try await handler.listModels(named: name, context: context))
        case .getModel:
            let reference = try codec.decodeGetModelRequest(request)
            return codec.encode(try await handler.model(reference, context: context))
        case .classifyDocument:
            throw MartletError(.internalError, "a stream was dispatched as a single request")
        }
    }

    /// Runs a method of many requests or many answers.
    package func stream(
        _ method: Method, requests: some MessageSource, answers: some MessageSink, context: CallContext
    ) async throws(MartletError) {
        guard method == .classifyDocument else {
            throw MartletError(.internalError, "a single request was dispatched as a stream")
        }
        guard let first = try await requests.nextMessage() else {
            throw MartletError(.invalidArgument, "the document ended before its first chunk, which holds the options")
        }
        let chunk = try codec.decodeDocumentChunk(first)
        guard let options = chunk.options else {
            throw MartletError(.invalidArgument, "options: the first chunk of a document must hold them")
        }
        let document = DecodingSource(first: chunk.data, messages: requests, codec: codec)
        let events = EncodingSink(messages: answers, codec: codec)
        try await handler.classifyDocument(options, document: document, events: events, context: context)
    }
}

/// A document out of chunk messages.
private final class DecodingSource<Messages: MessageSource>: DocumentSource {
    private let messages: Messages
    private let codec: MessageCodec
    private let first: OneTime<[UInt8]>

    init(first: [UInt8], messages: Messages, codec: MessageCodec) {
        self.first = OneTime(first.isEmpty ? nil : first)
        self.messages = messages
        self.codec = codec
    }

    func next() async throws(MartletError) -> [UInt8]? {
        if let data = first.take() { return data }
        while let message = try await messages.nextMessage() {
            let chunk = try codec.decodeDocumentChunk(message)
            guard chunk.options == nil else {
                throw MartletError(.invalidArgument, "options: only the first chunk of a document may hold them")
            }
            if !chunk.data.isEmpty { return chunk.data }
        }
        return nil
    }
}

private struct EncodingSink<Messages: MessageSink>: DocumentEventSink {
    let messages: Messages
    let codec: MessageCodec

    func send(_ event: DocumentEvent) async throws(MartletError) {
        try await messages.send(message: codec.encode(event))
    }
}
