import Foundation
import MartletArtifact
import MartletCore
import Testing

@Suite("Golden comparison and reports")
struct ReportTests {
    private let golden = [
        GoldenExample(text: "a", answer: [1, -1], floatAnswer: [1, -1], tokens: [2, 5, 3]),
        GoldenExample(text: "b", answer: [0, 4], floatAnswer: [0, 4], tokens: [2, 6, 3]),
    ]

    private func failure(_ actual: [[Float]], tokens: [[Int32]] = [], _ precision: Precision = .int8) -> String? {
        do throws(MartletError) {
            _ = try GoldenComparison.check(golden, actual: actual, tokens: tokens, precision: precision)
            return nil
        } catch {
            return error.message
        }
    }

    @Test("accepts answers within the tolerance and tells the worst")
    func accepts() throws {
        let result = try GoldenComparison.check(golden, actual: [[1, -1], [0.01, 4]], precision: .int8)
        #expect(result.examples == 2)
        #expect(result.maxDifference == 0.01)
    }

    @Test("refuses answers off by more than the tolerance, NaN, wrong counts and other tokens, with figures")
    func refuses() throws {
        #expect(failure([[1, -1], [0, 4.2]])?.contains("example 1, logit 1 is 4.2, expected 4.0 within") == true)
        #expect(failure([[1, .nan], [0, 4]])?.contains("logit 1 is nan") == true)
        #expect(failure([[1, -1], [0, .infinity]])?.contains("logit 1 is inf") == true)
        #expect(failure([[1, -1, 0], [0, 4]])?.contains("gives 3 logits, expected 2") == true)
        #expect(failure([[1, -1]])?.contains("2 examples, 1 answers") == true)
        let other = failure([[1, -1], [0, 4]], tokens: [[2, 5, 3], [2, 7, 3]])
        #expect(other?.contains("example 1 becomes other tokens") == true)
        #expect(failure([[1, -1], [0, 4.01]], .float32)?.contains("expected 4.0 within") == true)
    }

    @Test("allows a vector's values what they are large for")
    func vectors() throws {
        let golden = [
            GoldenExample(text: "a", answer: [0.03, -0.04], floatAnswer: [0.03, -0.04], tokens: [2, 3], isVector: true)
        ]
        _ = try GoldenComparison.check(golden, actual: [[0.0305, -0.0405]], precision: .int8)
        let error = #expect(throws: MartletError.self) {
            try GoldenComparison.check(golden, actual: [[0.033, -0.04]], precision: .int8)
        }
        #expect(error?.message.contains("example 0, value 0 is 0.033") == true)
    }

    @Test("describes a version for people and as JSON")
    func inspection() throws {
        let tiny = try TinyArtifact()
        let artifact = try ArtifactReader().read(folder: try tiny.published().path)
        let inspection = ArtifactInspection(artifact)
        #expect(inspection.text().contains("labels          SAFE, INJECTION"))
        #expect(inspection.text().contains("100.00 % of the 3 with a clear one (gate 99.00 %)"))
        #expect(inspection.text(listsTensors: true).contains("pooler.dense.weight"))
        #expect(inspection.digest == artifact.digest)
        let json = try JSONEncoder().encode(inspection)
        #expect(try JSONDecoder().decode(ArtifactInspection.self, from: json).tensors == inspection.tensors)
    }

    @Test("lists every check with its outcome")
    func verification() throws {
        let tiny = try TinyArtifact()
        let folder = try tiny.published()
        let good = ArtifactVerification(
            folder: folder.path, more: [(name: "answers", run: { artifact in "\(artifact.golden.count) examples" })])
        #expect(good.holds)
        #expect(good.checks.map(\.name) == [
            "folder", "manifest", "files", "digests", "weights", "tensors", "golden", "answers",
        ])
        try folder.put("golden.json", [UInt8](repeating: 0x20, count: try folder.bytes("golden.json").count))
        let bad = ArtifactVerification(folder: folder.path, more: [(name: "answers", run: { _ in "" })])
        #expect(!bad.holds)
        #expect(
            bad.checks.map(\.outcome)
                == [.passed, .passed, .passed, .failed, .skipped, .skipped, .skipped, .skipped])
        #expect(bad.text.contains("FAILED  digests         golden.json: has SHA-256"))
    }
}
