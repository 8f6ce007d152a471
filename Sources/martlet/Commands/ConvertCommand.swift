import ArgumentParser
import Foundation
import MartletArtifact
import MartletConvert
import MartletCore

struct ConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Make a version to serve from a Hugging Face folder.",
        discussion: """
            Reads config.json, model.safetensors (whole or in parts) and tokenizer.json or vocab.txt of a BERT \
            sequence classifier, or of an encoder whose vectors are wanted, and publishes <models>/<name>/<version>/ \
            in one step: a running server sees it whole or not at all, and takes it over. No Python is needed.

            int8 is measured against the model's own float path on a set of texts, and the result goes into the \
            version's receipt: how many texts keep their best label, the largest change of a score, the lowest \
            cosine of a vector. Below the gate nothing is published without --force. Texts like your own traffic \
            make the receipt yours: --calibration FILE, one a line.

            Examples:
              martlet convert bert-folder --name guard --version 1 --positive-label INJECTION --aggregation max
              martlet convert body-folder --head head-folder --name topics
              martlet convert sentence-folder --name minilm
              martlet convert bert-folder --name vectors --task feature-extraction --pooling cls
              martlet convert bert-folder --name guard --precision float32
              martlet convert bert-folder --name guard --calibration texts.txt --gate 0.995 --json
            """)

    @Argument(help: ArgumentHelp("The Hugging Face folder.", valueName: "folder"))
    var folder: String

    @Option(help: ArgumentHelp("The model's name: letters, digits and . _ -.", valueName: "name"))
    var name: String

    @Option(help: ArgumentHelp("The version's number (default: one after the newest).", valueName: "number"))
    var version: Int?

    @Option(help: ArgumentHelp("The models folder to publish into, made if it is not there.", valueName: "folder"))
    var models = "models"

    @Option(help: ArgumentHelp("A folder whose head (and config.json) goes over the model's.", valueName: "folder"))
    var head: String?

    @Option(
        help: ArgumentHelp(
            "What the model is for: \(TaskChoice.list); auto takes what config.json says.", valueName: "task"))
    var task: TaskChoice = .auto

    @Option(
        help: ArgumentHelp(
            "How a text's rows become its vector: mean or cls (default: what the folder says, else mean).",
            valueName: "way"))
    var pooling: Pooling?

    @Option(help: ArgumentHelp("int8 or float32.", valueName: "precision"))
    var precision: Precision = .int8

    @Option(help: ArgumentHelp("The label whose presence anywhere in a document decides.", valueName: "label"))
    var positiveLabel: String?

    @Option(
        help: ArgumentHelp(
            "How windows of a document become a verdict unless the caller says: mean, max, noisy-or, first, vote.",
            valueName: "rule"))
    var aggregation: AggregationChoice?

    @Option(help: ArgumentHelp("Texts to calibrate and measure with, one a line.", valueName: "file"))
    var calibration: String?

    @Option(
        help: ArgumentHelp(
            "Least share of texts whose best label must stay the same (default: "
                + "\(ConvertOptions.defaultGate(.classification))), or least cosine of any vector (default: "
                + "\(ConvertOptions.defaultGate(.embedding))).",
            valueName: "share"))
    var gate: Double?

    @Option(help: ArgumentHelp("The model's licence, for the manifest.", valueName: "text"))
    var licence: String?

    @Option(help: ArgumentHelp("Where the weights come from, for the manifest.", valueName: "text"))
    var source: String?

    @Flag(help: "Publish although the gate does not hold.")
    var force = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        if !VersionID.isValidModelName(name) {
            throw ValidationError("--name: 1 to 128 letters, digits, '.', '_' or '-', the first a letter or a digit.")
        }
        if let version, version < 1 { throw ValidationError("--version must be at least 1.") }
        if let gate, !(0...1).contains(gate) { throw ValidationError("--gate must be from 0 to 1.") }
        if aggregation == .modelDefault { throw ValidationError("--aggregation must be a rule of its own here.") }
    }

    func run() throws {
        try InputFile.requireFolder(folder)
        if let head { try InputFile.requireFolder(head) }
        var options = ConvertOptions(name: name, version: version)
        options.precision = precision
        options.task = task.task
        options.pooling = pooling
        options.head = head.map { SourceFolder($0) }
        options.positiveLabel = positiveLabel
        options.documentAggregation = aggregation?.value
        options.gate = gate
        options.force = force
        options.createdBy = "martlet \(Martlet.version)"
        if let licence { options.licence = licence }
        if let source { options.source = source }
        if let calibration { options.calibrationTexts = try Self.lines(of: calibration) }
        do {
            try FileManager.default.createDirectory(atPath: models, withIntermediateDirectories: true)
        } catch {
            throw CommandFailure(
                .cannotCreate, "cannot make the models folder '\(models)': \(error.localizedDescription)")
        }

        let begun = ContinuousClock.now
        let line = ProgressLine(on: .error)
        let converter = Converter(source: SourceFolder(folder), options: options) { progress in
            line.show(Self.text(of: progress))
        }
        let report: ConvertReport
        do throws(MartletError) {
            report = try converter.run(into: models)
        } catch {
            line.clear()
            throw error
        }
        line.clear()
        show(report, took: begun.duration(to: .now))
    }

    private static func text(of progress: ConvertProgress) -> String {
        let doing =
            switch progress.stage {
            case .reading: "reading"
            case .measuringFloat: "measuring the float path"
            case .quantising: "quantising"
            case .measuringInt8: "measuring int8"
            case .writing: "writing"
            }
        return "\(ProgressLine.bar(progress.fraction, width: 30)) \(Quantity.percent(progress.fraction)) \(doing)"
    }

    private struct Described: Encodable {
        var name: String
        var version: Int
        var digest: String
        var folder: String
        var parameters: Int
        var task: String
        var classLabels: [String]
        /// Of a classifier.
        var problemType: String?
        /// Of a model that gives vectors.
        var pooling: String?
        var ignoredTensors: [String]
        var receipt: QualityReceipt?
    }

    private func show(_ report: ConvertReport, took: Duration) {
        let output = Output.standard
        let published = report.published
        let folder = "\(models)/\(published.id.model)/\(published.id.number)"
        if json {
            output.line(
                JSONText.pretty(
                    Described(
                        name: published.id.model, version: published.id.number, digest: published.digest,
                        folder: folder,
                        parameters: report.parameters,
                        task: (report.pooling == nil ? ModelTask.classification : .embedding).rawValue,
                        classLabels: report.classLabels, problemType: report.problemType?.rawValue,
                        pooling: report.pooling?.rawValue, ignoredTensors: report.ignoredTensors,
                        receipt: report.receipt)))
            return
        }
        output.line(
            "\(output.styled("✓", .boldGreen)) \(output.styled("\(published.id)", .bold)) published in \(folder), "
                + "\(Quantity.count(report.parameters)) parameters, \(precision.rawValue), in \(Quantity.time(took))")
        output.line("  digest  \(published.digest)")
        output.line("  task    \(report.taskSummary)")
        if !report.classLabels.isEmpty { output.line("  labels  \(report.classLabels.joined(separator: ", "))") }
        if !report.ignoredTensors.isEmpty {
            output.line("  ignored \(report.ignoredTensors.count) tensors that are no part of the encoder or its head")
        }
        if let receipt = report.receipt {
            output.line(output.styled("  quality against the float path", .bold))
            ReceiptTable.lines(receipt, output: output).forEach { output.line("  " + $0) }
        }
    }

    private static func lines(of path: String) throws(CommandFailure) -> [String] {
        var reader = try LineReader(path: path)
        var lines: [String] = []
        while let line = try reader.next() { lines.append(line) }
        return lines.filter { !$0.isEmpty }
    }
}

extension Precision: ExpressibleByArgument {}
extension Pooling: ExpressibleByArgument {}

/// `--task`.
enum TaskChoice: String, CaseIterable, ExpressibleByArgument {
    case auto
    case classification = "text-classification"
    case embedding = "feature-extraction"

    /// Nil for `auto`.
    var task: ModelTask? { ModelTask(rawValue: rawValue) }

    static let list = allCases.map(\.rawValue).joined(separator: ", ")
}
