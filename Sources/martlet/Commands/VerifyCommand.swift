import ArgumentParser
import MartletArtifact
import MartletCore
import MartletEncoder
import MartletText

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check everything about a version that the server checks before it serves it.",
        discussion: """
            Files and nothing but files, SHA-256 of each, the table of tensors and their values, the tokenizer, and \
            the golden examples run through the model on this machine. Each check is shown; the first that does not \
            hold ends with exit code 1.

            Examples:
              martlet verify models/guard/1
              martlet verify models/guard/1 --cpu scalar
            """)

    @Argument(help: ArgumentHelp("The version's folder: <models>/<name>/<version>.", valueName: "folder"))
    var folder: String

    @Option(help: ArgumentHelp("Highest instruction set to check with: scalar, avx2, avx512vnni.", valueName: "level"))
    var cpu: String?

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        if let cpu, CPULevel(rawValue: cpu) == nil {
            throw ValidationError("--cpu must be one of \(CPULevel.allCases.map(\.rawValue).joined(separator: ", ")).")
        }
    }

    private struct Check: Encodable {
        var check: String
        var holds: Bool
        var detail: String
    }

    func run() throws {
        var checks: [Check] = []
        func note(_ check: Check) {
            checks.append(check)
            guard !json else { return }
            let output = Output.standard
            let mark = check.holds ? output.styled("✓", .boldGreen) : output.styled("✗", .boldRed)
            let name = check.check + String(repeating: " ", count: max(1, 10 - check.check.count))
            output.line("\(mark) \(name) \(output.styled(check.detail, check.holds ? .dim : .red))")
        }
        var failed: MartletError?
        do throws(MartletError) {
            let artifact = try ArtifactReader().read(folder: folder) { step, detail in
                note(Check(check: step.rawValue, holds: true, detail: detail))
            }
            try runGolden(artifact) { note(Check(check: $0, holds: true, detail: $1)) }
        } catch {
            failed = error
            let passed = Set(checks.map(\.check))
            let steps = ArtifactReader.Step.allCases.map(\.rawValue) + ["tokenizer", "encoder", "answers"]
            note(Check(check: steps.first { !passed.contains($0) } ?? "version", holds: false, detail: error.message))
        }
        if json {
            struct Report: Encodable {
                var checks: [Check]
                var holds: Bool
            }
            Output.standard.line(JSONText.pretty(Report(checks: checks, holds: failed == nil)))
        }
        if let failed {
            // A folder that is not there is another mistake than a version that is broken.
            let isMissing = failed.code == .notFound && checks.count == 1
            throw CommandFailure(isMissing ? .noInput : .checkFailed, "'\(folder)' does not hold: \(failed.message)")
        }
    }

    /// Runs the golden examples as the server does when it loads the version.
    private func runGolden(
        _ artifact: ModelArtifact, passed: (String, String) -> Void
    ) throws(MartletError) {
        let tokenizer = try BertTokenizer(tokenizerJSON: artifact.tokenizerJSON)
        passed("tokenizer", "\(Quantity.count(tokenizer.vocabularySize)) tokens")
        let kernels = KernelTable.best(atMost: cpu.flatMap { CPULevel(rawValue: $0) })
        let encoder = try EncoderModel(
            configuration: artifact.manifest.configuration, tensors: artifact.tensors, kernels: kernels)
        passed("encoder", "packed for \(kernels.level.rawValue), \(Quantity.bytes(encoder.memoryBytes))")
        let encodings = artifact.golden.map { tokenizer.encode($0.input) }
        let scratch = try encoder.scratch(rowsMax: encodings.map(\.ids.count).max() ?? 1)
        var actual: [[Float]] = []
        for encoding in encodings {
            var batch = PackedBatch()
            batch.append(ids: encoding.ids, typeIDs: encoding.typeIDs)
            var logits: [Float] = []
            try encoder.run(batch, scratch: scratch, isCancelled: { false }, logits: &logits)
            actual.append(logits)
        }
        let result = try GoldenComparison.check(
            artifact.golden, actual: actual, tokens: encodings.map(\.ids), precision: artifact.manifest.precision)
        passed(
            "answers",
            "\(result.examples) golden examples, largest difference \(result.maxDifference) of \(result.tolerance) allowed"
        )
    }
}
