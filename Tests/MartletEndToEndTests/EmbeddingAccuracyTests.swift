import Foundation
import MartletCore
import Testing

@Suite("int8 embeddings", .enabled(if: DefaultModels.vectorsAreHere, DefaultModels.missing))
struct EmbeddingAccuracyTests {
    private struct Reference: Decodable {
        let texts: [String]
        /// Little-endian float32, [texts][hidden].
        let vectors: Data

        func rows() -> [[Float]] {
            let values = vectors.withUnsafeBytes { bytes in
                stride(from: 0, to: bytes.count - 3, by: 4).map {
                    Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self)))
                }
            }
            let width = values.count / max(texts.count, 1)
            return texts.indices.map { Array(values[($0 * width)..<(($0 + 1) * width)]) }
        }
    }

    @Test("on 1000 sentences the cosine to float32 is at least 0.998, and 96 % of ten nearest neighbours stay")
    func sentences() async throws {
        let reference = try DefaultModels.read(Reference.self, "embeddings")
        #expect(reference.texts.count == 1000)
        let expected = reference.rows().map(unit)
        let actual = try await embeddings(of: reference.texts)
        let cosines = zip(expected, actual).map { dot($0, $1) }
        let least = try #require(cosines.min())
        let kept = zip(neighbours(expected), neighbours(actual)).map { Double($0.intersection($1).count) / 10 }
        let overlap = kept.reduce(0, +) / Double(kept.count)
        print("int8 embeddings: least cosine \(least), mean \(cosines.reduce(0, +) / 1000), top 10 kept \(overlap)")
        #expect(least >= 0.998)
        #expect(overlap >= 0.96)
    }

    @Test("the vector of a real text is of length 1, and near that of a text that says the same")
    func meaning() async throws {
        let vectors = try await embeddings(of: [
            "A man is playing a guitar on stage.", "Someone performs guitar music for an audience.",
            "The central bank raised interest rates again.",
        ])
        #expect(vectors.allSatisfy { $0.count == 384 && abs(dot($0, $0) - 1) < 1e-5 })
        #expect(dot(vectors[0], vectors[1]) > 0.6)
        #expect(abs(dot(vectors[0], vectors[2])) < 0.2 && abs(dot(vectors[1], vectors[2])) < 0.2)
    }

    /// Of length 1, as the engine answers them.
    private func embeddings(of texts: [String]) async throws -> [[Float]] {
        let engine = try await DefaultModels.engine.value
        var vectors: [[Float]] = []
        for start in stride(from: 0, to: texts.count, by: 200) {
            let inputs = texts[start..<min(start + 200, texts.count)].map { EmbedInput.text($0) }
            let request = EmbedRequest(
                model: ModelReference(name: "minilm"), inputs: inputs, overflow: .truncateRight)
            vectors += try await engine.embed(request, context: CallContext()).results.map(\.values)
        }
        return vectors
    }

    private func dot(_ left: [Float], _ right: [Float]) -> Double {
        zip(left, right).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }

    private func unit(_ vector: [Float]) -> [Float] {
        let length = dot(vector, vector).squareRoot()
        return vector.map { Float(Double($0) / length) }
    }

    /// Of each unit vector, the ten others with the largest cosine.
    private func neighbours(_ vectors: [[Float]]) -> [Set<Int>] {
        vectors.indices.map { own in
            let cosines = vectors.indices.map { other in
                var sum: Float = 0
                for place in vectors[own].indices { sum += vectors[own][place] * vectors[other][place] }
                return sum
            }
            return Set(vectors.indices.filter { $0 != own }.sorted { cosines[$0] > cosines[$1] }.prefix(10))
        }
    }
}
