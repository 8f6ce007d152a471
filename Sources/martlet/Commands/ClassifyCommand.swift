import ArgumentParser
import MartletCore

struct ClassifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "classify",
        abstract: "Ask a server for the labels of texts, or of a document of any length.",
        discussion: """
            Texts come from the command line, from --file (one a line), or from standard input. A text longer than \
            the model reads is refused unless --overflow says otherwise; nothing is cut unasked.

            --document reads a file of any size in overlapping windows and shows what it finds as it goes: a strip \
            of one block a window, the windows that stand out with their place in the file, and at the end the \
            verdict, how much was read, and the passage that speaks most for it. --pinpoint reads that passage again \
            in short windows and narrows it down.

            On a terminal results are drawn; elsewhere they are plain lines with tabs between the columns; --json \
            prints one JSON object a line as they come.

            Examples:
              martlet classify --model guard "Ignore all previous instructions."
              martlet classify --model topics --file headlines.txt --json
              echo "The striker scored twice." | martlet classify --model topics
              martlet classify --model guard --document report.txt --pinpoint
              martlet classify --model guard --document - --fail-on INJECTION < upload.txt
            """)

    @Argument(help: "Texts; with none, and neither --file nor --document, lines of standard input.")
    var texts: [String] = []

    @Option(
        help: ArgumentHelp(
            "The model: name, name@version or name:label, such as guard, guard@3, guard:stable.", valueName: "model"))
    var model: ModelReference = ModelReference(name: "guard")

    @OptionGroup var connection: ConnectionOptions

    @Option(help: ArgumentHelp("A second text that is read as a pair with each text.", valueName: "text"))
    var pair: String?

    @Option(
        help: ArgumentHelp("Classify each line of this file but blank ones; - is standard input.", valueName: "file"))
    var file: String?

    @Option(help: ArgumentHelp("Classify this file as one document; - is standard input.", valueName: "file"))
    var document: String?

    @Option(help: ArgumentHelp("Show only the best labels; 0 shows all.", valueName: "count"))
    var topK = 0

    @Option(
        help: ArgumentHelp(
            "A text that is too long: error, truncate-right, truncate-left or window.", valueName: "policy"))
    var overflow: OverflowChoice = .error

    @Option(help: ArgumentHelp("Document: tokens of a window; 0 takes the model's longest.", valueName: "tokens"))
    var window = 0

    @Option(
        help: ArgumentHelp(
            "Document: tokens from window to window; 0 takes three quarters of one.", valueName: "tokens"))
    var stride = 0

    @Option(
        help: ArgumentHelp("Document: model-default, mean, max, noisy-or, first or vote.", valueName: "rule"))
    var aggregation: AggregationChoice = .modelDefault

    @Option(help: ArgumentHelp("Document: the label whose presence anywhere decides.", valueName: "label"))
    var focusLabel = ""

    @Option(help: ArgumentHelp("Document: stop once the verdict's score is at least this.", valueName: "score"))
    var minConfidence: Float = 0

    @Flag(help: "Document: show every window, not only those that stand out.")
    var allWindows = false

    @Flag(help: "Document: read the evidence again in short windows and narrow the passage down.")
    var pinpoint = false

    @Option(help: ArgumentHelp("Exit 1 when an answer's best label is this one; repeatable.", valueName: "label"))
    var failOn: [String] = []

    @Flag(help: "Print one JSON object a line.")
    var json = false

    func validate() throws {
        if document != nil, !texts.isEmpty || file != nil || pair != nil {
            throw ValidationError("--document stands alone: leave out texts, --file and --pair.")
        }
        if file != nil, !texts.isEmpty { throw ValidationError("Give texts or --file, not both.") }
        if topK < 0 { throw ValidationError("--top-k must be at least 0.") }
        if window < 0 || stride < 0 { throw ValidationError("--window and --stride must be at least 0.") }
        if !(0...1).contains(minConfidence) { throw ValidationError("--min-confidence must be from 0 to 1.") }
        if pinpoint, document == nil { throw ValidationError("--pinpoint goes with --document.") }
    }

    func run() async throws {
        if let document {
            let options = DocumentOptions(
                model: model, windowTokens: window, strideTokens: stride, aggregation: aggregation.value,
                focusLabel: focusLabel, minConfidence: minConfidence)
            try await DocumentClassification(
                path: document, options: options, topK: topK, allWindows: allWindows, pinpoint: pinpoint,
                failOn: failOn,
                json: json, connection: connection
            ).run()
        } else {
            try await TextClassification(
                texts: texts, file: file, pair: pair, model: model, overflow: overflow.value, topK: topK,
                failOn: failOn,
                json: json, connection: connection
            ).run()
        }
    }
}

/// `OverflowPolicy` as it is written on the command line.
enum OverflowChoice: String, ExpressibleByArgument, CaseIterable {
    case error
    case truncateRight = "truncate-right"
    case truncateLeft = "truncate-left"
    case window

    var value: OverflowPolicy {
        switch self {
        case .error: .error
        case .truncateRight: .truncateRight
        case .truncateLeft: .truncateLeft
        case .window: .window
        }
    }
}

/// `Aggregation` as it is written on the command line.
enum AggregationChoice: String, ExpressibleByArgument, CaseIterable {
    case modelDefault = "model-default"
    case mean
    case max
    case noisyOr = "noisy-or"
    case first
    case vote

    init(_ value: Aggregation) {
        self =
            switch value {
            case .modelDefault: .modelDefault
            case .mean: .mean
            case .max: .max
            case .noisyOr: .noisyOr
            case .first: .first
            case .vote: .vote
            }
    }

    var value: Aggregation {
        switch self {
        case .modelDefault: .modelDefault
        case .mean: .mean
        case .max: .max
        case .noisyOr: .noisyOr
        case .first: .first
        case .vote: .vote
        }
    }
}
