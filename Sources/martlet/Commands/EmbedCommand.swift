import ArgumentParser
import MartletClient
import MartletCore

struct EmbedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "embed",
        abstract: "Ask a server for the vectors of texts.",
        discussion: """
            Texts come from the command line, from --file (one a line), or from standard input. Vectors have length 1 \
            unless --raw is given. A text longer than the model reads is refused unless --overflow says otherwise.

            On a terminal each text is shown with the first values of its vector; elsewhere each line is a vector, its \
            values with tabs between them; --json prints one JSON object a line.

            Examples:
              martlet embed --model minilm "A striker scored twice."
              martlet embed --model minilm --file headlines.txt > vectors.tsv
              martlet embed --model minilm --dimensions 128 --json < headlines.txt
            """)

    @Argument(help: "Texts; with none, and no --file, lines of standard input.")
    var texts: [String] = []

    @Option(help: ArgumentHelp("The model: name, name@version or name:label.", valueName: "model"))
    var model: ModelReference

    @OptionGroup var connection: ConnectionOptions

    @Option(help: ArgumentHelp("Embed each line of this file but blank ones; - is standard input.", valueName: "file"))
    var file: String?

    @Option(help: ArgumentHelp("Keep only the first values of each vector; 0 keeps all.", valueName: "count"))
    var dimensions = 0

    @Option(help: ArgumentHelp("A text that is too long: error, truncate-right or truncate-left.", valueName: "policy"))
    var overflow: VectorOverflowChoice = .error

    @Flag(help: "Leave the vectors as the model gives them, of any length.")
    var raw = false

    @Flag(help: "Print one JSON object a line.")
    var json = false

    func validate() throws {
        if file != nil, !texts.isEmpty { throw ValidationError("Give texts or --file, not both.") }
        if dimensions < 0 { throw ValidationError("--dimensions must be at least 0.") }
    }

    func run() async throws {
        var batches = try TextBatches(texts: texts, file: file)
        let timeout = try connection.deadline()
        let client = try await connection.connect()
        do {
            while let batch = try batches.next() {
                let request = EmbedRequest(
                    model: model, inputs: batch.map { .text($0) }, overflow: overflow.value, normalize: !raw,
                    dimensions: dimensions)
                let answer = try await client.embed(request, timeout: timeout)
                for (text, result) in zip(batch, answer.results) { show(result, of: answer, text: text) }
            }
        } catch {
            await client.close()
            throw error
        }
        await client.close()
    }

    private func show(_ result: EmbedResult, of answer: EmbedAnswer, text: String) {
        let output = Output.standard
        if json {
            output.line(JSONText.line(AnswerJSON.Vector(result, of: answer)))
        } else if output.isTerminal {
            let first = result.values.prefix(4).map { Quantity.fixed(Double($0), 4) }.joined(separator: " ")
            let line = "\(result.values.count) values: \(first) …  \(Excerpt.oneLine(text))"
            output.line(ProgressLine.cut(line, to: output.columns))
        } else {
            output.line(result.values.map { "\($0)" }.joined(separator: "\t"))
        }
    }
}

/// `OverflowPolicy` as it is written on the command line, without windows: a vector of several has no agreed meaning.
enum VectorOverflowChoice: String, ExpressibleByArgument, CaseIterable {
    case error
    case truncateRight = "truncate-right"
    case truncateLeft = "truncate-left"

    var value: OverflowPolicy {
        switch self {
        case .error: .error
        case .truncateRight: .truncateRight
        case .truncateLeft: .truncateLeft
        }
    }
}
