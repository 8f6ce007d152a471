import ArgumentParser
import MartletArtifact
import MartletCore

struct PublishCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Bring a finished version to where servers find it, whole or not at all.",
        discussion: """
            Checks the version as 'martlet verify' does, copies it into a hidden folder beside the model's versions, \
            forces it to the disk, reads it back, and renames it once: a running server sees nothing of it, and then \
            all of it. A publish that was killed goes on where it stopped when it is run again. The same version with \
            the same bytes once more is a success and changes nothing; with other bytes it is refused, because a \
            version never changes.

            A model.sig in the folder goes with it. Under another name or number the manifest is made again, so that \
            the signature stays behind: sign the published folder.

            Examples:
              martlet publish build/guard/4 --models /var/lib/martlet/models
              martlet publish models/guard/4 --models models --name guard-eu --version 1
              martlet publish build/guard/4 --public-key publisher.pub --json
            """)

    @Argument(help: ArgumentHelp("The version's folder: <models>/<name>/<version>.", valueName: "folder"))
    var folder: String

    @Option(help: ArgumentHelp("The models folder to publish into, made if it is not there.", valueName: "folder"))
    var models = "models"

    @Option(help: ArgumentHelp("Publish under this name (default: the version's own).", valueName: "name"))
    var name: String?

    @Option(help: ArgumentHelp("Publish as this version (default: the version's own).", valueName: "number"))
    var version: Int?

    @Option(
        help: ArgumentHelp(
            "Public key, PEM; the version must be signed by it, or by one of several.", valueName: "file"))
    var publicKey: [String] = []

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        if let name, !VersionID.isValidModelName(name) {
            throw ValidationError("--name: 1 to 128 letters, digits, '.', '_' or '-', the first a letter or a digit.")
        }
        if let version, version < 1 { throw ValidationError("--version must be at least 1.") }
    }

    func run() async throws {
        try InputFile.requireFolder(folder)
        let begun = ContinuousClock.now
        let signatures = try SignatureKeyFiles.policy(publicKey, isRequired: !publicKey.isEmpty, failing: .noInput)
        let source = try verified(signatures)
        // Under another name or number the signature, which signs the old manifest, stays behind.
        let keepsManifest =
            (name ?? source.manifest.name, version ?? source.manifest.version)
            == (source.manifest.name, source.manifest.version)
        let published = try copy(keepsManifest ? signatures : SignaturePolicy())
        show(published, of: source, took: begun.duration(to: .now))
    }

    /// Everything that a server checks before it serves the version, so that none is published that none would take.
    private func verified(_ signatures: SignaturePolicy) throws -> ModelArtifact {
        do throws(MartletError) {
            let artifact = try ArtifactReader(signatures: signatures).read(folder: folder)
            _ = try VerifyCommand.runGolden(artifact)
            return artifact
        } catch {
            throw CommandFailure(.checkFailed, "'\(folder)' does not hold: \(error.message)")
        }
    }

    private func copy(_ signatures: SignaturePolicy) throws(MartletError) -> PublishedVersion {
        let line = ProgressLine(on: .error)
        defer { line.clear() }
        let publisher = VersionPublisher(root: models, signatures: signatures)
        return try publisher.copy(from: folder, name: name, version: version) { done, total in
            let fraction = total > 0 ? Double(done) / Double(total) : 1
            line.show(
                force: done == total,
                "\(ProgressLine.bar(fraction, width: 30)) \(Quantity.percent(fraction)) of \(Quantity.bytes(total))"
                    + (done == total ? ", checking what was written" : ""))
        }
    }

    private struct Described: Encodable {
        var name: String
        var version: Int
        var digest: String
        var folder: String
        var bytes: Int
        /// It existed with these bytes before.
        var wasThere: Bool
    }

    private func show(_ published: PublishedVersion, of source: ModelArtifact, took: Duration) {
        let output = Output.standard
        let place = "\(models)/\(published.id)"
        if json {
            output.line(
                JSONText.pretty(
                    Described(
                        name: published.id.model, version: published.id.number, digest: published.digest,
                        folder: place, bytes: published.bytes, wasThere: published.wasThere)))
            return
        }
        let id = output.styled("\(published.id)", .bold)
        output.line(
            "\(output.styled("✓", .boldGreen)) \(id) "
                + (published.wasThere
                    ? "is in \(place) already, with these bytes"
                    : "published in \(place), \(Quantity.bytes(published.bytes)) in \(Quantity.time(took))"))
        output.line("  digest  \(published.digest)")
        if published.digest != source.digest {
            output.line("  made again for its new name from digest \(source.digest)")
        }
    }
}
