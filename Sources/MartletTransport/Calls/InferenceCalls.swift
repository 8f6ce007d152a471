internal import MartletCore
internal import MartletWire

/// `martlet.v1.InferenceService`.
struct InferenceCalls: Sendable {
    let handler: any InferenceHandler
    let codec: MessageCodec
    let limits: Limits

    var calls: [Call] {
        [
            .unary(.classify) { (request, context) throws(MartletError) in
                codec.encode(try await handler.classify(try codec.decodeClassifyRequest(request), context: context))
            },
            .stream(.classifyStream) { (requests, answers, context) throws(MartletError) in
                try await ClassifyStream(handler: handler, codec: codec, limits: limits)
                    .run(requests, answers, context)
            },
            .stream(.classifyDocument) { (requests, answers, context) throws(MartletError) in
                try await classifyDocument(requests, answers, context)
            },
            .unary(.embed) { (request, context) throws(MartletError) in
                codec.encode(try await handler.embed(try codec.decodeEmbedRequest(request), context: context))
            },
            .unary(.tokenize) { (request, context) throws(MartletError) in
                codec.encode(try await handler.tokenize(try codec.decodeTokenizeRequest(request), context: context))
            },
            .unary(.detokenize) { (request, context) throws(MartletError) in
                let request = try codec.decodeDetokenizeRequest(request)
                return codec.encode(try await handler.detokenize(request, context: context))
            },
        ]
    }

    private func classifyDocument(
        _ requests: any MessageSource, _ answers: any MessageSink, _ context: CallContext
    ) async throws(MartletError) {
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
private final class DecodingSource: DocumentSource {
    private let messages: any MessageSource
    private let codec: MessageCodec
    private let first: OneTime<[UInt8]>

    init(first: [UInt8], messages: any MessageSource, codec: MessageCodec) {
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

private struct EncodingSink: DocumentEventSink {
    let messages: any MessageSink
    let codec: MessageCodec

    func send(_ event: DocumentEvent) async throws(MartletError) {
        try await messages.send(message: codec.encode(event))
    }
}
