import ArgumentParser
import MartletArtifact
import MartletCore

struct PublishCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Bring a finished version to a server, or to a models folder, whole or not at all.",
        discussion: """
            Checks the version as 'martlet verify' does and sends it to a server, compressed where that helps; or, \
            with --models, copies it into that folder. Either way it is written into a hidden folder beside the \
            model's versions, forced to the disk, read back, and renamed once: a running server sees nothing of it, \
            and then all of it. A publish that was killed, or whose connection broke, goes on where it stopped when it \
            is run again. The same version with the same bytes once more is a success and changes nothing; with other \
            bytes it is refused, because a version never changes.

            A model.sig in the folder goes with it. With --models a version may get another name or number: its \
            manifest is made again, so that the signature stays behind, and the published folder is to be signed.

            Examples:
              martlet publish build/guard/4
              martlet publish build/guard/4 --address unix:/run/martlet-manage.sock
              martlet publish build/guard/4 --models /var/lib/martlet/models
              martlet publish models/guard/4 --models models --name guard-eu --version 1
              martlet publish build/guard/4 --public-key publisher.pub --json
            """)

    @Argument(help: ArgumentHelp("The version's folder: <models>/<name>/<version>.", valueName: "folder"))
    var folder: String

    @Option(
        help: ArgumentHelp(
            "A models folder to publish into instead of a server, made if it is not there.", valueName: "folder"))
    var models: String?

    @Option(
        help: ArgumentHelp(
            "With --models: publish under this name (default: the version's own).", valueName: "name"))
    var name: String?

    @Option(
        help: ArgumentHelp(
            "With --models: publish as this version (default: the version's own).", valueName: "number"))
    var version: Int?

    @Option(
        help: ArgumentHelp(
            "Public key, PEM; the version must be signed by it, or by one of several.", valueName: "file"))
    var publicKey: [String] = []

    @OptionGroup var connection: ConnectionOptions

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        if let name, !VersionID.isValidModelName(name) {
            throw ValidationError("--name: 1 to 128 letters, digits, '.', '_' or '-', the first a letter or a digit.")
        }
        if let version, version < 1 { throw ValidationError("--version must be at least 1.") }
        if models == nil, name != nil || version != nil {
            throw ValidationError("--name and --version go with --models: a server gets the version as it is.")
        }
        if models != nil, connection.address != nil || connection.timeout != nil {
            throw ValidationError("--models goes with neither --address nor --timeout: give one place to publish to.")
        }
    }

    func run() async throws {
        try InputFile.requireFolder(folder)
        let begun = ContinuousClock.now
        let signatures = try SignatureKeyFiles.policy(publicKey, isRequired: !publicKey.isEmpty, failing: .noInput)
        let source = try verified(signatures)
        guard let models else {
            let upload = try await send()
            return show(upload, took: begun.duration(to: .now))
        }
        // Under another name or number the signature, which signs the old manifest, stays behind.
        let keepsManifest =
            (name ?? source.manifest.name, version ?? source.manifest.version)
            == (source.manifest.name, source.manifest.version)
        let published = try copy(into: models, keepsManifest ? signatures : SignaturePolicy())
        show(published, in: models, of: source, took: begun.duration(to: .now))
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

    private func copy(into models: String, _ signatures: SignaturePolicy) throws(MartletError) -> PublishedVersion {
        let line = ProgressLine(on: .error)
        defer { line.clear() }
        let publisher = VersionPublisher(root: models, signatures: signatures)
        return try publisher.copy(from: folder, name: name, version: version) { done, total in
            line.show(force: done == total, Self.progress(done, of: total))
        }
    }

    static func progress(_ done: Int, of total: Int) -> String {
        let fraction = total > 0 ? Double(done) / Double(total) : 1
        return "\(ProgressLine.bar(fraction, width: 30)) \(Quantity.percent(fraction)) of \(Quantity.bytes(total))"
            + (done == total ? ", checking what was written" : "")
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

    private func show(
        _ published: PublishedVersion, in models: String, of source: ModelArtifact, took: Duration
    ) {
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
