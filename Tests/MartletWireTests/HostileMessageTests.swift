import MartletCore
import MartletWire
import MartletTestSupport
import Testing

/// Bytes that no honest peer sends.
struct HostileMessageTests {
    private static let codec = MessageCodec(arenaBytesMax: 1 << 20)

    /// Every decode, so that each hostile input meets each message.
    private static let decoders: [@Sendable ([UInt8]) throws -> Void] = [
        { _ = try codec.decodeClassifyRequest($0) },
        { _ = try codec.decodeClassifyAnswer($0) },
        { _ = try codec.decodeDocumentChunk($0) },
        { _ = try codec.decodeDocumentEvent($0) },
        { _ = try codec.decodeListModelsRequest($0) },
        { _ = try codec.decodeListModelsResponse($0) },
        { _ = try codec.decodeGetModelRequest($0) },
        { _ = try codec.decodeModelStatus($0) },
        { _ = try codec.decodeInferRequest($0) },
        { _ = try codec.decodeModelReadyRequest($0) },
        { _ = try codec.decodeModelMetadataRequest($0) },
        { _ = try codec.decodeModelConfigurationRequest($0) },
        { _ = try codec.decodeModelStatisticsRequest($0) },
        { _ = try codec.decodeRepositoryIndexRequest($0) },
        { _ = try codec.decodeRepositoryModelLoadRequest($0) },
        { _ = try codec.decodeRepositoryModelUnloadRequest($0) },
        { _ = try codec.decodeTEIEmbedRequest($0) },
        { _ = try codec.decodeTEIEmbedAllRequest($0) },
        { _ = try codec.decodeTEIPredictRequest($0) },
        { _ = try codec.decodeTEIPredictPairRequest($0) },
        { _ = try codec.decodeTEIRerankRequest($0) },
        { _ = try codec.decodeTEIRerankStreamRequest($0) },
        { _ = try codec.decodeTEIEncodeRequest($0) },
        { _ = try codec.decodeTEIDecodeRequest($0) },
        { _ = try codec.decodeClassifyStreamItem($0) },
        { _ = try codec.decodeClassifyStreamAnswer($0) },
        { _ = try codec.decodeEmbedRequest($0) },
        { _ = try codec.decodeEmbedAnswer($0) },
        { _ = try codec.decodeTokenizeRequest($0) },
        { _ = try codec.decodeTokenizeAnswer($0) },
        { _ = try codec.decodeDetokenizeRequest($0) },
        { _ = try codec.decodeDetokenizeAnswer($0) },
        { _ = try codec.decodeWatchModelsRequest($0) },
        { _ = try codec.decodeLoadModelRequest($0) },
        { _ = try codec.decodeLoadModelResponse($0) },
        { _ = try codec.decodeUnloadModelRequest($0) },
        { try codec.decodeUnloadModelResponse($0) },
        { _ = try codec.decodeSetLabelRequest($0) },
        { try codec.decodeSetLabelResponse($0) },
        { _ = try codec.decodeGetStatisticsRequest($0) },
        { _ = try codec.decodeGetStatisticsResponse($0) },
        { try codec.decodeGetServerRequest($0) },
        { _ = try codec.decodeServerStatus($0) },
        { _ = try codec.decodeLoadVersionRequest($0) },
        { _ = try codec.decodeUnloadVersionRequest($0) },
        { try codec.decodeUnloadVersionResponse($0) },
        { _ = try codec.decodeClearQuarantineRequest($0) },
        { try codec.decodeClearQuarantineResponse($0) },
        { _ = try codec.decodeSetRouteRequest($0) },
        { try codec.decodeSetRouteResponse($0) },
        { _ = try codec.decodeListRoutesRequest($0) },
        { _ = try codec.decodeListRoutesResponse($0) },
        { _ = try codec.decodeRolloutSpec($0) },
        { _ = try codec.decodeRolloutPlan($0) },
        { _ = try codec.decodeRolloutStatus($0) },
        { _ = try codec.decodeListRolloutsRequest($0) },
        { _ = try codec.decodeListRolloutsResponse($0) },
        { _ = try codec.decodePromoteRolloutRequest($0) },
        { _ = try codec.decodeRollbackRequest($0) },
        { _ = try codec.decodePublishPart($0, inflatedBytesMax: 1 << 16) },
        { _ = try codec.decodePublishEvent($0) },
    ]

    /// Runs every decoder; only the two codes that PROTOCOL.md names may come out.
    private func survives(_ bytes: [UInt8], _ what: @autoclosure () -> String) {
        for (index, decode) in Self.decoders.enumerated() {
            do {
                try decode(bytes)
            } catch {
                let code = (error as? MartletError)?.code
                if code != .invalidArgument, code != .resourceExhausted {
                    Issue.record("decoder \(index) on \(what()): \(error)")
                }
            }
        }
    }

    private func error<Value>(_ body: () throws(MartletError) -> Value) -> MartletError? {
        do throws(MartletError) {
            _ = try body()
            return nil
        } catch {
            return error
        }
    }

    @Test("every prefix and every flipped bit of every golden message is read or refused")
    func mutatedGolden() throws {
        for (name, golden) in try Fixture.lines("messages.txt") {
            for count in 0..<golden.count { survives(Array(golden.prefix(count)), "\(name) cut at \(count)") }
            var bytes = golden
            for index in bytes.indices {
                for bit in 0..<8 {
                    bytes[index] ^= 1 << bit
                    survives(bytes, "\(name) byte \(index) bit \(bit)")
                    bytes[index] ^= 1 << bit
                }
            }
        }
    }

    @Test("random frames are read or refused within their memory")
    func randomFrames() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("random frames: seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let golden = try Fixture.lines("messages.txt").map(\.bytes)
        let budget = 1 << 16
        let arena = Arena(budget: budget)
        for round in 0..<100_000 {
            var body: [UInt8]
            if round % 2 == 0 {
                let count = Int.random(in: 0...200, using: &random)
                body = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            } else {
                body = golden[Int.random(in: 0..<golden.count, using: &random)]
                for _ in 0..<Int.random(in: 1...6, using: &random) where !body.isEmpty {
                    let at = Int.random(in: 0..<body.count, using: &random)
                    switch Int.random(in: 0..<4, using: &random) {
                    case 0: body[at] = UInt8.random(in: 0...255, using: &random)
                    case 1: body.insert(UInt8.random(in: 0...255, using: &random), at: at)
                    case 2: body.remove(at: at)
                    default: body.insert(contentsOf: body[at...].prefix(40), at: at)
                    }
                }
            }
            arena.reset(budget: budget)
            _ = try? body.withUnsafeBytes { try Frame(decoding: $0, arena: arena) }
            if arena.heldBytes > budget { Issue.record("seed \(seed) round \(round): \(arena.heldBytes) bytes held") }
            if round % 10 == 0 { survives(body, "seed \(seed) round \(round)") }
            _ = decode(framed(body, flags: UInt8(round & 1)) + body)
        }
    }

    @Test("200 kB of empty submessages stop at the memory budget")
    func emptySubmessages() {
        let inputs = Array([[0x12, 0x00]].cycled(100_000))
        let refused = error { () throws(MartletError) in try Self.codec.decodeClassifyRequest(inputs) }
        #expect(refused?.code == .resourceExhausted)
        #expect(refused?.message == "decoding the ClassifyRequest of 200000 bytes needs more than the 1048576 bytes of "
            + "memory it may take")
        // The same bytes are no more than a large list to a codec with the memory for it.
        let large = MessageCodec(arenaBytesMax: 64 << 20)
        let request = try? large.decodeClassifyRequest(inputs)
        #expect(request?.inputs.count == 100_000)
    }

    @Test("200 kB of unknown fields and of repeated scalar fields stop at the memory budget")
    func unknownFields() {
        let unknown = Array([[0xA0, 0x06, 0x00, 0xA0, 0x06]].cycled(40_000))
        let scalars = Array([[0x18, 0x01]].cycled(100_000))
        for bytes in [unknown, scalars] { survives(bytes, "many fields") }
        let metadata: [UInt8] = [0x08, 0x01, 0x1A, 0xC0, 0x9A, 0x0C] + Array([[0x1A, 0x00]].cycled(100_000))
        let result = decode(framed(metadata), frameBytesMax: 1 << 20)
        #expect(result.code == .resourceExhausted)
    }

    @Test("every budget is either enough or refused cleanly")
    func everyBudget() throws {
        let golden = try Fixture.message("ClassifyResponse")
        var enough = false
        for budget in stride(from: 0, through: 4_096, by: 8) {
            let codec = MessageCodec(arenaBytesMax: budget)
            let refused = error { () throws(MartletError) in try codec.decodeClassifyAnswer(golden) }
            #expect(refused == nil || refused?.code == .resourceExhausted, "budget \(budget)")
            #expect(!(enough && refused != nil), "budget \(budget) is refused although a smaller one was enough")
            enough = enough || refused == nil
        }
        #expect(enough)
    }

    @Test("varints of 11 bytes, length lies, bad wire types and field number 0 are refused")
    func malformedFields() {
        let bodies: [[UInt8]] = [
            [0x20] + Array(repeating: 0x80, count: 10) + [0x01],
            [0x20] + Array(repeating: 0xFF, count: 11),
            [0x12, 0x05, 0x0A],
            [0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F],
            [0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
            [0x12, 0x02, 0x0A, 0x7F],
            [0x16, 0x00], [0x17, 0x00], [0x13, 0x00],
            [0x00, 0x00], [0x02, 0x00],
            [0x80], [0x20],
        ]
        for body in bodies {
            let refused = error { () throws(MartletError) in try Self.codec.decodeClassifyRequest(body) }
            #expect(refused?.code == .invalidArgument, "\(body)")
            survives(body, "\(body)")
        }
    }

    @Test("deeply nested junk costs no stack")
    func nested() {
        var body: [UInt8] = []
        for _ in 0..<2_000 {
            var length = body.count
            var prefix: [UInt8] = [0x12]
            repeat {
                prefix.append(UInt8(length & 0x7F) | (length > 0x7F ? 0x80 : 0))
                length >>= 7
            } while length > 0
            body = prefix + body
        }
        survives(body, "2000 levels")
        _ = decode(framed(body))
    }
}

extension Array where Element == [UInt8] {
    /// The first element `count` times, end to end.
    fileprivate func cycled(_ count: Int) -> [UInt8] {
        Array<UInt8>(repeatElement(self, count: count).joined().joined())
    }
}
