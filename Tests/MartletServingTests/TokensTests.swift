import MartletCore
import MartletServing
import MartletTestSupport
import Testing

@Suite("Tokenizing and detokenizing")
struct TokensTests {
    private static let reference = ModelReference(name: "tiny")

    private func served(
        change: (inout EngineConfiguration) -> Void = { _ in }
    ) async throws -> (folder: ServedFolder, server: InferenceServer) {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 2, seed: 3)
        return (folder, try await folder.serve(change: change))
    }

    @Test("tokens name their version, their texts and their places, and become the text again")
    func roundTrip() async throws {
        let (_, server) = try await served()
        let request = TokenizeRequest(
            model: Self.reference,
            inputs: [TextInput("The good, xyz"), TextInput(""), TextInput("new", pair: "old work")])
        let answer = try await server.tokenize(request, context: CallContext())
        #expect(answer.model.version == 2 && answer.model.digest.count == 64)
        #expect(answer.results[0].map(\.text) == ["[CLS]", "the", "good", ",", "x", "##y", "##z", "[SEP]"])
        #expect(answer.results[0].map { $0.span?.characterStart } == [nil, 0, 4, 8, 10, 11, 12, nil])
        #expect(answer.results[1].map(\.isSpecial) == [true, true])
        #expect(answer.results[2].map(\.typeID) == [0, 0, 0, 1, 1, 1])
        let bare = TokenizeRequest(model: Self.reference, inputs: request.inputs, addSpecialTokens: false)
        let tokens = try await server.tokenize(bare, context: CallContext()).results
        #expect(tokens.map(\.count) == [6, 0, 3])

        let sequences = answer.results.map { $0.map(\.id) }
        let texts = try await server.detokenize(
            DetokenizeRequest(model: Self.reference, sequences: sequences), context: CallContext())
        #expect(texts.texts == ["the good, xyz", "", "new old work"] && texts.model == answer.model)
        let kept = try await server.detokenize(
            DetokenizeRequest(model: Self.reference, sequences: sequences, skipSpecialTokens: false),
            context: CallContext())
        #expect(kept.texts == ["[CLS] the good, xyz [SEP]", "[CLS] [SEP]", "[CLS] new [SEP] old work [SEP]"])
        await server.shutdown()
    }

    @Test("a text far longer than the model reads is tokenized whole")
    func whole() async throws {
        let (_, server) = try await served()
        let text = Array(repeating: "the good people", count: 500).joined(separator: " ")
        let request = TokenizeRequest(model: Self.reference, inputs: [TextInput(text)])
        #expect(try await server.tokenize(request, context: CallContext()).results[0].count == 1_502)
        await server.shutdown()
    }

    @Test("bad requests are refused with the field, and answers that no message can hold with the numbers")
    func refusals() async throws {
        let (_, server) = try await served {
            $0.limits.messageBytesMax = 8 << 10
            $0.limits.textBytesMax = 4 << 10
            $0.limits.textsPerRequestMax = 8
        }
        @Sendable func tokenize(_ texts: [String]) async throws {
            _ = try await server.tokenize(
                TokenizeRequest(model: Self.reference, inputs: texts.map { TextInput($0) }), context: CallContext())
        }
        @Sendable func detokenize(_ sequences: [[Int32]]) async throws {
            _ = try await server.detokenize(
                DetokenizeRequest(model: Self.reference, sequences: sequences), context: CallContext())
        }
        let dots = String(repeating: ". ", count: 200)
        let cases: [(@Sendable () async throws -> Void, String)] = [
            ({ try await tokenize([]) }, "inputs is empty"),
            ({ try await tokenize(Array(repeating: "the", count: 9)) }, "inputs has 9 texts and 8 is the limit"),
            ({ try await tokenize(["the", String(repeating: "a", count: 5_000)]) }, "inputs[1] has 5000 bytes"),
            ({ try await tokenize([dots, dots]) }, "8192 is the limit (messageBytesMax)"),
            ({ try await detokenize([]) }, "sequences is empty"),
            ({ try await detokenize([[5], [5, 100_000]]) }, "sequences[1].ids[1] is 100000"),
            ({ try await detokenize([[-5]]) }, "sequences[0].ids[0] is -5"),
            ({ try await detokenize([Array(repeating: 100, count: 8_000)]) }, "8192 is the limit (messageBytesMax)"),
        ]
        for (call, words) in cases {
            let error = await #expect(throws: MartletError.self) { try await call() }
            #expect(error?.code == .invalidArgument, "\(String(describing: error))")
            #expect(error?.message.contains(words) == true, "\(String(describing: error))")
        }
        try await tokenize([dots])
        try await detokenize([[]])
        await server.shutdown()
    }
}
