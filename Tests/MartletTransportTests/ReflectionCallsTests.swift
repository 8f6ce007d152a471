import MartletCore
import MartletWire
import Testing

import MartletTransport

@Suite("Reflection")
struct ReflectionCallsTests {
    static let calls = ReflectionCalls(codec: MessageCodec(arenaBytesMax: 1 << 20), services: ["a.B", "c.D"])

    /// The name of the first file of an answer, and how many files came; the code and text of a failure.
    static func summary(_ answer: ReflectionAnswer) throws -> String {
        switch answer {
        case .services(let names): return names.joined(separator: " ")
        case .failure(let code, _): return "\(MartletError.Code(value: code))"
        case .files(let files):
            let first = try #require(Schema.embedded.files.first { $0.bytes == files.first })
            return "\(first.name) \(files.count)"
        }
    }

    @Test(
        "finds files by name and by every kind of symbol, with what they import",
        arguments: [
            (ReflectionRequest.services, "a.B c.D"),
            (.file(named: "martlet/v1/types.proto"), "martlet/v1/types.proto 1"),
            (.file(named: "martlet/v1/inference.proto"), "martlet/v1/inference.proto 2"),
            (.file(named: "types.proto"), "NOT_FOUND"),
            (.fileContaining(symbol: "martlet.v1.InferenceService"), "martlet/v1/inference.proto 2"),
            (.fileContaining(symbol: "martlet.v1.InferenceService.Classify"), "martlet/v1/inference.proto 2"),
            (.fileContaining(symbol: "martlet.v1.ClassifyRequest"), "martlet/v1/inference.proto 2"),
            (.fileContaining(symbol: "martlet.v1.ClassifyRequest.top_k"), "martlet/v1/inference.proto 2"),
            (.fileContaining(symbol: "martlet.v1.Overflow"), "martlet/v1/inference.proto 2"),
            (
                .fileContaining(symbol: "grpc.health.v1.HealthCheckResponse.ServingStatus"),
                "grpc/health/v1/health.proto 1"
            ),
            (
                .fileContaining(symbol: "grpc.reflection.v1alpha.ServerReflection"),
                "grpc/reflection/v1alpha/reflection.proto 1"
            ),
            (.fileContaining(symbol: "inference.GRPCInferenceService"), "inference/open_inference.proto 1"),
            (.fileContaining(symbol: "martlet.v1.Absent"), "NOT_FOUND"), (.fileContaining(symbol: ""), "NOT_FOUND"),
            (.fileExtending("martlet.v1.ClassifyRequest", number: 5), "NOT_FOUND"),
            (.extensionNumbers(of: "martlet.v1.ClassifyRequest"), "NOT_FOUND"), (.unknown, "INVALID_ARGUMENT"),
        ])
    func answers(request: ReflectionRequest, expected: String) throws {
        #expect(try Self.summary(Self.calls.answer(to: request)) == expected)
    }
}
