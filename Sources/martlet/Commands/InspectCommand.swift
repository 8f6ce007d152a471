import ArgumentParser
import MartletArtifact
import MartletCore
import MartletEncoder

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show what a version is, from its manifest.",
        discussion: """
            Reads the manifest alone: what the model answers, how it was made, what int8 cost, and the digest that \
            every answer of this version carries. 'martlet verify' checks the rest.

            Examples:
              martlet inspect models/guard/1
              martlet inspect models/guard/1 --json
            """)

    @Argument(help: ArgumentHelp("The version's folder: <models>/<name>/<version>.", valueName: "folder"))
    var folder: String

    @Flag(help: "Read and check the whole version, and list its tensors.")
    var tensors = false

    @Flag(help: "Print the manifest as JSON, with the digest.")
    var json = false

    func run() throws {
        try InputFile.requireFolder(folder)
        let output = Output.standard
        let (manifest, digest) = try ArtifactReader().readManifest(folder: folder)
        let inspection = tensors ? ArtifactInspection(try ArtifactReader().read(folder: folder)) : nil
        if json {
            output.line(
                inspection.map(JSONText.pretty)
                    ?? JSONText.pretty(
                        Described(digest: digest, manifest: manifest, memory: LoadedMemory(manifest))))
            return
        }
        output.line(output.styled("\(manifest.name)/\(manifest.version)", .bold))
        for (name, value) in Self.rows(manifest, digest: digest) {
            output.line(
                "  " + output.styled(name + String(repeating: " ", count: max(1, 15 - name.count)), .dim) + value)
        }
        if let receipt = manifest.receipt {
            output.line(output.styled("quality against the float path", .bold))
            ReceiptTable.lines(receipt, output: output).forEach { output.line("  " + $0) }
        }
        var files = Table([("file", .left), ("bytes", .right), ("sha-256", .left)])
        for file in manifest.files { files.append([file.name, Quantity.count(file.bytes), file.sha256]) }
        output.line(output.styled("files", .bold))
        files.lines(for: output).forEach { output.line("  " + $0) }
        if let inspection {
            var table = Table([("tensor", .left), ("type", .left), ("shape", .left), ("bytes", .right)])
            for tensor in inspection.tensors {
                let shape = tensor.shape.map(String.init).joined(separator: " x ")
                table.append([tensor.name, tensor.type, shape, Quantity.count(tensor.bytes)])
            }
            output.line(output.styled("tensors, \(Quantity.count(inspection.parameters)) parameters", .bold))
            table.lines(for: output).forEach { output.line("  " + $0) }
        }
    }

    private struct Described: Encodable {
        var digest: String
        var manifest: Manifest
        /// Bytes.
        var memory: LoadedMemory
    }

    /// What a server takes for a version, in bytes, computed from its configuration.
    private struct LoadedMemory: Encodable {
        var packedWeights: Int
        var embeddings: Int
        /// One for each batch that runs at the same time, at the default batch size.
        var scratch: Int
        var scratchPerHelper: Int

        init(_ manifest: Manifest) {
            let shape = manifest.configuration
            let precision: ElementType = manifest.precision == .int8 ? .int8 : .float32
            func scratch(_ members: Int) -> Int {
                EncoderModel.scratchBytes(
                    shape, precision: precision, rowsMax: Limits().batchTokensMax, members: members)
            }
            packedWeights = EncoderModel.layerBytes(shape, precision: precision)
            embeddings = EncoderModel.embeddingBytes(shape, words: precision)
            self.scratch = scratch(1)
            scratchPerHelper = scratch(2) - scratch(1)
        }
    }

    private static func rows(_ manifest: Manifest, digest: String) -> [(String, String)] {
        let shape = manifest.configuration
        var rows = [
            ("digest", digest),
            ("task", manifest.taskSummary),
            (
                "encoder",
                "\(manifest.architecture), \(shape.layers) layers, \(shape.hiddenSize) wide, \(shape.heads) heads, "
                    + "\(shape.intermediateSize) inner, \(manifest.precision.rawValue)"
            ),
            (
                "reads",
                "\(shape.maxPositions) tokens at once"
                    + (manifest.pooling == nil ? "; longer documents in windows" : "")
            ),
            (
                "tokenizer",
                "\(manifest.tokenizer.kind), \(Quantity.count(manifest.tokenizer.vocabularySize)) tokens, "
                    + (manifest.tokenizer.lowercase ? "lower case" : "cased")
            ),
        ]
        if !manifest.classLabels.isEmpty {
            rows.insert(("labels", manifest.classLabels.joined(separator: ", ")), at: 2)
        }
        if let label = manifest.positiveLabel { rows.append(("positive label", label)) }
        if let rule = manifest.documentAggregation { rows.append(("documents", "aggregated by \(rule)")) }
        let memory = LoadedMemory(manifest)
        rows.append(
            (
                "takes",
                "about \(Quantity.bytes(memory.packedWeights + memory.embeddings)) loaded "
                    + "(\(Quantity.bytes(memory.packedWeights)) of weights packed for this CPU, "
                    + "\(Quantity.bytes(memory.embeddings)) of embeddings), "
                    + "\(Quantity.bytes(memory.scratch)) for each batch at work and "
                    + "\(Quantity.bytes(memory.scratchPerHelper)) for each thread that helps with it"
            ))
        rows.append(("licence", manifest.licence.isEmpty ? "not stated" : manifest.licence))
        rows.append(("source", manifest.source.isEmpty ? "not stated" : manifest.source))
        rows.append(("made by", manifest.createdBy))
        return rows
    }
}
