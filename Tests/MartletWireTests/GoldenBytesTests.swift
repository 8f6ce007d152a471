import MartletCore
import MartletWire
import Testing

/// Both ways against bytes that another implementation of protobuf made.
struct GoldenBytesTests {
    let codec = MessageCodec(arenaBytesMax: 1 << 20)

    private func check<Value: Equatable>(
        _ name: String, _ value: Value, decode: ([UInt8]) throws -> Value, encode: (Value) -> [UInt8]
    ) throws {
        let golden = try Fixture.message(name)
        #expect(try decode(golden) == value, "\(name) decoded")
        #expect(encode(value) == golden, "\(name) encoded")
    }

    @Test("every message reads and writes the bytes of Python's protobuf")
    func messages() throws {
        try check("ClassifyRequest", Samples.request, decode: codec.decodeClassifyRequest, encode: codec.encode)
        try check("ClassifyResponse", Samples.answer, decode: codec.decodeClassifyAnswer, encode: codec.encode)
        try check("DocumentChunk.first", Samples.firstChunk, decode: codec.decodeDocumentChunk, encode: codec.encode)
        try check("DocumentChunk.later", Samples.laterChunk, decode: codec.decodeDocumentChunk, encode: codec.encode)
        try check(
            "DocumentEvent.window", DocumentEvent.window(Samples.window), decode: codec.decodeDocumentEvent,
            encode: codec.encode)
        try check(
            "DocumentEvent.running", DocumentEvent.running(Samples.running), decode: codec.decodeDocumentEvent,
            encode: codec.encode)
        try check(
            "DocumentEvent.final", DocumentEvent.final(Samples.final), decode: codec.decodeDocumentEvent,
            encode: codec.encode)
        try check(
            "ListModelsRequest", "guard", decode: codec.decodeListModelsRequest,
            encode: codec.encodeListModelsRequest(named:))
        try check(
            "ListModelsResponse", [Samples.status, Samples.status], decode: codec.decodeListModelsResponse,
            encode: codec.encodeListModelsResponse)
        try check(
            "GetModelRequest", Samples.reference, decode: codec.decodeGetModelRequest,
            encode: codec.encodeGetModelRequest)
        try check("ModelStatus", Samples.status, decode: codec.decodeModelStatus, encode: codec.encode)
    }

    @Test("every message about tokens and vectors reads and writes the bytes of Python's protobuf")
    func tokens() throws {
        try check("EmbedRequest", Samples.embedRequest, decode: codec.decodeEmbedRequest, encode: codec.encode)
        try check("EmbedResponse", Samples.embedAnswer, decode: codec.decodeEmbedAnswer, encode: codec.encode)
        try check(
            "TokenizeRequest", Samples.tokenizeRequest, decode: codec.decodeTokenizeRequest, encode: codec.encode)
        try check(
            "TokenizeResponse", Samples.tokenizeAnswer, decode: codec.decodeTokenizeAnswer, encode: codec.encode)
        try check(
            "DetokenizeRequest", Samples.detokenizeRequest, decode: codec.decodeDetokenizeRequest,
            encode: codec.encode)
        try check(
            "DetokenizeResponse", Samples.detokenizeAnswer, decode: codec.decodeDetokenizeAnswer,
            encode: codec.encode)
    }

    @Test("every message of a stream of requests reads and writes the bytes of Python's protobuf")
    func streams() throws {
        let golden = try Fixture.message("ClassifyStreamRequest")
        let item = try codec.decodeClassifyStreamItem(golden)
        #expect(item.id == Samples.streamRequest.id)
        #expect(try item.request.get() == Samples.request)
        #expect(item.isUnordered)
        #expect(codec.encode(Samples.streamRequest, isUnordered: true) == golden)

        let answered = try Fixture.message("ClassifyStreamResponse")
        let answer = try codec.decodeClassifyStreamAnswer(answered)
        #expect(answer.id == Samples.streamRequest.id)
        #expect(try answer.outcome.get() == Samples.answer)
        #expect(codec.encode(answer) == answered)

        let failed = try Fixture.message("ClassifyStreamResponse.failure")
        let failure = try codec.decodeClassifyStreamAnswer(failed)
        guard case .failure(let error) = failure.outcome else {
            Issue.record("a failure was read as success")
            return
        }
        #expect(error.code == .resourceExhausted && error.message == "queue full")
        #expect(error.retryAfter == .milliseconds(250))
        #expect(codec.encode(failure) == failed)
    }

    @Test("every message about the server and its models reads and writes the bytes of Python's protobuf")
    func management() throws {
        try check(
            "WatchModelsRequest", "guard", decode: codec.decodeWatchModelsRequest,
            encode: codec.encodeWatchModelsRequest(named:))
        try check(
            "LoadModelRequest", "guard", decode: codec.decodeLoadModelRequest,
            encode: codec.encodeLoadModelRequest(named:))
        try check(
            "LoadModelResponse", [Samples.status], decode: codec.decodeLoadModelResponse,
            encode: codec.encodeLoadModelResponse)
        try check(
            "UnloadModelRequest", "guard", decode: codec.decodeUnloadModelRequest,
            encode: codec.encodeUnloadModelRequest(named:))
        try check(
            "SetLabelRequest", SetLabelRequest(model: "guard", label: "stable", version: 3),
            decode: codec.decodeSetLabelRequest, encode: codec.encode)
        try check(
            "SetLabelRequest.away", SetLabelRequest(model: "guard", label: "stable", version: nil),
            decode: codec.decodeSetLabelRequest, encode: codec.encode)
        try check(
            "GetStatisticsRequest", "guard", decode: codec.decodeGetStatisticsRequest,
            encode: codec.encodeGetStatisticsRequest(named:))
        try check(
            "GetStatisticsResponse", [Samples.statistics, Samples.statistics],
            decode: codec.decodeGetStatisticsResponse, encode: codec.encodeGetStatisticsResponse)
        try check("ServerStatus", Samples.serverStatus, decode: codec.decodeServerStatus, encode: codec.encode)
        for (name, bytes) in [
            ("UnloadModelResponse", codec.encodeUnloadModelResponse()),
            ("SetLabelResponse", codec.encodeSetLabelResponse()), ("GetServerRequest", codec.encodeGetServerRequest()),
        ] {
            #expect(try Fixture.message(name) == bytes, "\(name) encoded")
        }
        try codec.decodeUnloadModelResponse([])
        try codec.decodeSetLabelResponse([])
        try codec.decodeGetServerRequest([])
    }

    @Test("every frame reads and writes the bytes of Python's protobuf", arguments: Samples.frames.indices)
    func frames(index: Int) throws {
        let (name, frame) = Samples.frames[index]
        let golden = framed(try Fixture.message(name))
        #expect(decode(golden) == Decoded(frames: [frame]), "\(name) decoded")
        #expect(encoded([frame]) == golden, "\(name) encoded")
    }

    @Test("the golden file holds nothing that these tests leave out")
    func complete() throws {
        let names = try Fixture.lines("messages.txt").map(\.name)
        #expect(names.filter { $0.hasPrefix("Frame.") } == Samples.frames.map(\.name))
        #expect(names.filter { !$0.hasPrefix("Frame.") }.count == 55)
    }

    @Test("every overflow, aggregation and state survives the way there and back")
    func enums() throws {
        for overflow in OverflowPolicy.allCases {
            var request = Samples.request
            request.overflow = overflow
            #expect(try codec.decodeClassifyRequest(codec.encode(request)) == request)
            var embedding = Samples.embedRequest
            embedding.overflow = overflow
            #expect(try codec.decodeEmbedRequest(codec.encode(embedding)) == embedding)
        }
        for aggregation in Aggregation.allCases {
            var chunk = Samples.firstChunk
            chunk.options?.aggregation = aggregation
            #expect(try codec.decodeDocumentChunk(codec.encode(chunk)) == chunk)
            var final = Samples.final
            final.aggregation = aggregation
            #expect(try codec.decodeDocumentEvent(codec.encode(.final(final))) == .final(final))
        }
        for state in VersionState.allCases {
            var status = Samples.status
            status.state = state
            #expect(try codec.decodeModelStatus(codec.encode(status)) == status)
        }
    }

    @Test("values at their defaults and lists without elements survive the way there and back")
    func defaults() throws {
        let request = ClassifyRequest(model: ModelReference(name: ""), inputs: [])
        #expect(try codec.decodeClassifyRequest(codec.encode(request)) == request)
        let answer = ClassifyAnswer(model: ModelIdentity(name: "", version: 0, digest: ""), results: [])
        #expect(try codec.decodeClassifyAnswer(codec.encode(answer)) == answer)
        #expect(try codec.decodeListModelsRequest(codec.encodeListModelsRequest(named: nil)) == nil)
        #expect(try codec.decodeWatchModelsRequest(codec.encodeWatchModelsRequest(named: nil)) == nil)
        #expect(try codec.decodeGetStatisticsRequest(codec.encodeGetStatisticsRequest(named: nil)) == nil)
        let embedding = EmbedRequest(model: ModelReference(name: ""), inputs: [])
        #expect(try codec.decodeEmbedRequest(codec.encode(embedding)) == embedding)
        let tokens = TokenizeRequest(model: ModelReference(name: ""), inputs: [])
        #expect(try codec.decodeTokenizeRequest(codec.encode(tokens)) == tokens)
        let ids = DetokenizeRequest(model: ModelReference(name: ""), sequences: [])
        #expect(try codec.decodeDetokenizeRequest(codec.encode(ids)) == ids)
        #expect(try codec.decodeListModelsResponse(codec.encodeListModelsResponse([])) == [])
        let chunk = DocumentChunk(data: [])
        #expect(codec.encode(chunk) == [])
        #expect(try codec.decodeDocumentChunk([]) == chunk)
        var final = Samples.final
        final.evidence = nil
        #expect(try codec.decodeDocumentEvent(codec.encode(.final(final))) == .final(final))
    }

    @Test("one codec serves many tasks at once")
    func concurrent() async throws {
        let golden = try Fixture.message("ClassifyRequest")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<2_000 {
                        let request = try codec.decodeClassifyRequest(golden)
                        #expect(request == Samples.request)
                        #expect(codec.encode(Samples.request) == golden)
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
