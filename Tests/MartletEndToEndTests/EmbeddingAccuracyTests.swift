import Foundation
import MartletArtifact
import MartletConvert
import MartletCore
import MartletText
import Testing

@Suite("int8 embeddings", .enabled(if: DefaultModels.bodyIsHere, DefaultModels.missing))
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
        // On a thread of its own: it takes seconds, and other tests wait for the cooperative pool.
        let embedded = await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: Result { try embeddings(of: reference.texts) }) }
        }
        let actual = try embedded.get().map(unit)
        let cosines = zip(expected, actual).map { dot($0, $1) }
        let least = try #require(cosines.min())
        let kept = zip(neighbours(expected), neighbours(actual)).map { Double($0.intersection($1).count) / 10 }
        let overlap = kept.reduce(0, +) / Double(kept.count)
        print("int8 embeddings: least cosine \(least), mean \(cosines.reduce(0, +) / 1000), top 10 kept \(overlap)")
        #expect(least >= 0.998)
        #expect(overlap >= 0.96)
    }

    private func embeddings(of texts: [String]) throws -> [[Float]] {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-embeddings-\(getpid())")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: root) }
        let source = try #require(DefaultModels.sources).appendingPathComponent("body")
        let converter = Converter(source: SourceFolder(source.path), options: ConvertOptions(name: "body", version: 1))
        let report = try converter.run(into: root.path)
        if let receipt = report.receipt { print("body: \(receipt)") }
        let artifact = try ArtifactReader().read(folder: "\(root.path)/\(report.published.id)")
        let tokenizer = try BertTokenizer(tokenizerJSON: artifact.tokenizerJSON)
        let runner = try EncoderRunner(artifact.manifest.configuration, artifact.tensors)
        return try texts.map { try runner.run(tokenizer.encode(TextInput($0)), output: .meanEmbedding) }
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
