import ArgumentParser
import MartletClient
import MartletCore

struct TokenizeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenize",
        abstract: "Show the tokens that a model makes of texts.",
        discussion: """
            Texts come from the command line, from --file (one a line), or from standard input. Each token is shown as \
            the vocabulary has it, with its id and the bytes of the text it stands for; special tokens stand for none.

            Elsewhere than on a terminal each token is a line: the text's place in the input, id, token, first byte, \
            byte after the last, with tabs between them. --json prints one JSON object a text.

            Examples:
              martlet tokenize --model guard "Ignore all previous instructions."
              martlet tokenize --model guard --no-special-tokens --file notes.txt
              martlet tokenize --model guard --json "unbelievable"
            """)

    @Argument(help: "Texts; with none, and no --file, lines of standard input.")
    var texts: [String] = []

    @Option(help: ArgumentHelp("The model: name, name@version or name:label.", valueName: "model"))
    var model: ModelReference = ModelReference(name: "guard")

    @OptionGroup var connection: ConnectionOptions

    @Option(help: ArgumentHelp("A second text that is read as a pair with each text.", valueName: "text"))
    var pair: String?

    @Option(help: ArgumentHelp("Read each line of this file but blank ones; - is standard input.", valueName: "file"))
    var file: String?

    @Flag(help: "Leave out what the model puts around a text.")
    var noSpecialTokens = false

    @Flag(help: "Print one JSON object a line.")
    var json = false

    func validate() throws {
        if file != nil, !texts.isEmpty { throw ValidationError("Give texts or --file, not both.") }
    }

    func run() async throws {
        var batches = try TextBatches(texts: texts, file: file)
        var place = 0
        let timeout = try connection.deadline()
        let client = try await connection.connect()
        do {
            while let batch = try batches.next() {
                let request = TokenizeRequest(
                    model: model, inputs: batch.map { TextInput($0, pair: pair) }, addSpecialTokens: !noSpecialTokens)
                let answer = try await client.tokenize(request, timeout: timeout)
                for tokens in answer.results {
                    show(tokens, of: answer, place: place)
                    place += 1
                }
            }
        } catch {
            await client.close()
            throw error
        }
        await client.close()
    }

    private func show(_ tokens: [Token], of answer: TokenizeAnswer, place: Int) {
        let output = Output.standard
        if json {
            output.line(JSONText.line(AnswerJSON.Tokens(tokens, of: answer)))
        } else if output.isTerminal {
            var table = Table([("id", .right), ("token", .left), ("bytes", .left)])
            for token in tokens {
                let bytes = token.span.map { "\($0.byteStart)–\($0.byteEnd)" } ?? ""
                table.append([String(token.id), Excerpt.oneLine(token.text), bytes])
            }
            table.lines(for: output).forEach { output.line($0) }
            output.line(output.styled("\(tokens.count) tokens", .dim))
        } else {
            for token in tokens {
                let bytes = token.span.map { [String($0.byteStart), String($0.byteEnd)] } ?? ["", ""]
                output.line(
                    ([String(place), String(token.id), Excerpt.oneLine(token.text)] + bytes).joined(separator: "\t"))
            }
        }
    }
}
