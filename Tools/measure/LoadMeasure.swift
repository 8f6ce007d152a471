import Foundation
import MartletArtifact
import MartletConvert
import MartletCore
import MartletEncoder
import MartletText

/// `martlet-measure load`: the time from a version's folder to its first answer, by stages, and what stays in memory.
enum LoadMeasure {
    static let help = """
        Usage: martlet-measure load [FOLDER] [--json] [--quick]

        Loads the version in FOLDER (without one, converts .build-models/guard first) as a server does: reads and hashes
        every file, packs the weights, runs the golden examples, answers one text of 16 tokens. The page cache is warm.
        Prints the median of 15 loads (5 with --quick), its stages, and the memory that one loaded version holds.
        """

    /// Milliseconds.
    static let limit = 150.0
    private static let modelsFolder = ".build-models/guard"

    static func run(_ arguments: [String]) -> Int32 {
        if arguments.contains("--help") {
            print(help)
            return 0
        }
        let json = arguments.contains("--json")
        do {
            if let folder = arguments.first(where: { !$0.hasPrefix("--") }) {
                try measure(folder, loads: arguments.contains("--quick") ? 5 : 15, json: json)
                return 0
            }
            let models = FileManager.default.temporaryDirectory.appendingPathComponent(
                "martlet-measure-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: models, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: models) }
            var options = ConvertOptions(name: "guard", version: 1)
            options.force = true
            options.createdBy = "martlet-measure"
            _ = try Converter(source: SourceFolder(modelsFolder), options: options).run(into: models.path)
            // Its memory must not count as the loaded version's: a process of its own measures.
            let child = Process()
            child.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            child.arguments = ["load", models.appendingPathComponent("guard/1").path] + arguments
            try child.run()
            child.waitUntilExit()
            return child.terminationStatus
        } catch {
            FileHandle.standardError.write(Data("martlet-measure load: \(error)\n".utf8))
            return 2
        }
    }

    private struct Loaded {
        let tokenizer: BertTokenizer
        let encoder: EncoderModel
        let scratch: EncoderScratch
    }

    private static let stages = ["read and verify", "tokenizer", "pack", "scratch", "golden examples", "first answer"]

    private static func measure(_ folder: String, loads: Int, json: Bool) throws {
        let before = residentBytes()
        var (kept, first): (Loaded?, [Double]) = (nil, [])
        (kept, first) = try load(folder)
        let resident = Double(residentBytes() - before) / 1e6
        var times = [first]
        for _ in 1..<loads {
            kept = nil
            let (loaded, milliseconds) = try load(folder)
            (kept, times) = (loaded, times + [milliseconds])
        }
        func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
        let total = median(times.map { $0.reduce(0, +) })
        MeasuredCase.below(limit, "load to first answer", total, unit: "ms").print(json: json)
        for (index, stage) in stages.enumerated() {
            MeasuredCase.shown("load: \(stage)", median(times.map { $0[index] }), unit: "ms").print(json: json)
        }
        MeasuredCase.shown("load: resident memory of one version", resident, unit: "MB").print(json: json)
        if let kept {
            MeasuredCase.shown("load: of it weights and embeddings", Double(kept.encoder.memoryBytes) / 1e6, unit: "MB")
                .print(json: json)
            MeasuredCase.shown("load: of it one scratch", Double(kept.scratch.memoryBytes) / 1e6, unit: "MB")
                .print(json: json)
        }
    }

    /// One load and the milliseconds of its stages.
    private static func load(_ folder: String) throws -> (Loaded, [Double]) {
        var times: [Double] = []
        var start = ContinuousClock.now
        func lap() {
            let now = ContinuousClock.now
            times.append(start.duration(to: now) / .milliseconds(1))
            start = now
        }
        let artifact = try ArtifactReader().read(folder: folder)
        lap()
        let tokenizer = try BertTokenizer(tokenizerJSON: artifact.tokenizerJSON)
        lap()
        let encoder = try EncoderModel(
            configuration: artifact.manifest.configuration, tensors: artifact.tensors, kernels: .best(atMost: nil))
        lap()
        let scratch = try encoder.scratch(rowsMax: Limits().batchTokensMax)
        lap()
        let encodings = artifact.golden.map { tokenizer.encode($0.input) }
        let actual = try encodings.map { try run($0.ids, $0.typeIDs, encoder, scratch) }
        _ = try GoldenComparison.check(
            artifact.golden, actual: actual, tokens: encodings.map(\.ids), precision: artifact.manifest.precision)
        lap()
        let text = tokenizer.encode(TextInput("The quick brown fox jumps over the lazy dog in the morning."))
        _ = try run(text.ids, text.typeIDs, encoder, scratch)
        lap()
        return (Loaded(tokenizer: tokenizer, encoder: encoder, scratch: scratch), times)
    }

    private static func run(
        _ ids: [Int32], _ typeIDs: [Int32], _ encoder: EncoderModel, _ scratch: EncoderScratch
    ) throws -> [Float] {
        var batch = PackedBatch()
        batch.append(ids: ids, typeIDs: typeIDs)
        var logits: [Float] = []
        try encoder.run(batch, scratch: scratch, results: &logits)
        return logits
    }

    static func residentBytes() -> Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
        return (line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0) * 1024
    }
}
