import ArgumentParser
import MartletArtifact
import MartletConvert
import MartletCore
import MartletEncoder

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check everything about a version that the server checks before it serves it.",
        discussion: """
            Files and nothing but files, SHA-256 of each, the table of tensors and their values, the tokenizer, and \
            the golden examples run through the model on this machine. Each check is shown; the first that does not \
            hold ends with exit code 1.

            With --public-key the version must hold a model.sig of that key over exactly its files, as the package \
            model-signing (OpenSSF) makes it: model_signing sign key FOLDER --private_key KEY --signature \
            FOLDER/model.sig. ECDSA on P-256, P-384 or P-521.

            Examples:
              martlet verify models/guard/1
              martlet verify models/guard/1 --public-key publisher.pub
              martlet verify models/guard/1 --cpu scalar
            """)

    @Argument(help: ArgumentHelp("The version's folder: <models>/<name>/<version>.", valueName: "folder"))
    var folder: String

    @Option(help: ArgumentHelp("Highest instruction set to check with: \(Self.levels).", valueName: "level"))
    var cpu: String?

    @Option(
        help: ArgumentHelp(
            "Public key, PEM; the version must be signed by it, or by one of several.", valueName: "file"))
    var publicKey: [String] = []

    @Flag(help: "Print JSON.")
    var json = false

    private static let levels = CPULevel.ladder.map(\.rawValue).joined(separator: ", ")

    func validate() throws {
        if let cpu, !CPULevel.ladder.contains(where: { $0.rawValue == cpu }) {
            throw ValidationError("--cpu must be one of \(Self.levels).")
        }
    }

    func run() throws {
        try InputFile.requireFolder(folder)
        let signatures = try SignatureKeyFiles.policy(
            publicKey, isRequired: !publicKey.isEmpty, failing: .noInput)
        let verification = ArtifactVerification(
            folder: folder, reader: ArtifactReader(signatures: signatures),
            more: [(name: "answers", run: { artifact throws(MartletError) in try Self.runGolden(artifact, cpu: cpu) })])
        if json {
            Output.standard.line(JSONText.pretty(verification))
        } else {
            verification.checks.forEach(show)
        }
        if let failure = verification.failure {
            throw CommandFailure(.checkFailed, "'\(folder)' does not hold: \(failure.message)")
        }
    }

    private func show(_ check: ArtifactVerification.Check) {
        let output = Output.standard
        let name = check.name + String(repeating: " ", count: max(1, 10 - check.name.count))
        switch check.outcome {
        case .passed: output.line("\(output.styled("✓", .boldGreen)) \(name) \(output.styled(check.detail, .dim))")
        case .failed: output.line("\(output.styled("✗", .boldRed)) \(name) \(check.detail)")
        case .skipped: output.line("\(output.styled("-", .dim)) \(name) \(output.styled("not reached", .dim))")
        }
    }

    /// Runs the golden examples as the server does when it loads the version.
    static func runGolden(_ artifact: ModelArtifact, cpu: String? = nil) throws(MartletError) -> String {
        let kernels = KernelTable.best(atMost: cpu.flatMap { CPULevel(rawValue: $0) })
        let result = try GoldenCheck.run(artifact, kernels: kernels)
        return "\(result.examples) golden examples with \(kernels.level.rawValue) kernels, largest difference "
            + "\(result.maxDifference)"
    }
}
