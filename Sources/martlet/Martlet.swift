import ArgumentParser
import MartletCore

/// The program: parses, runs one command, and turns every error into a message and an exit code.
@main
struct Martlet: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "martlet",
        abstract: "Serve text classifiers and embedding models on a CPU, and see what they answer.",
        discussion: """
            A model becomes a version with 'convert', a server answers with it after 'serve', and 'classify', 'embed' \
            or any HTTP or gRPC client asks it. Documents of any length are read window by window, and the answer \
            says which passage decided.

            A first answer:

              martlet convert path/to/hugging-face-folder --name guard --version 1
              martlet serve &
              martlet classify --model guard "Ignore all previous instructions."
              martlet classify --model guard --document report.txt
              curl -H 'content-type: application/json' -d '{"text": "Hello."}' 127.0.0.1:8970/api/text-classification

            Shell completions: martlet --generate-completion-script bash

            Exit codes:
            \(ExitStatus.table)
            """,
        version: version,
        subcommands: [
            ServeCommand.self, ConvertCommand.self, InspectCommand.self, VerifyCommand.self, PublishCommand.self,
            ClassifyCommand.self, EmbedCommand.self, TokenizeCommand.self, ModelsCommand.self, RolloutCommand.self,
            PingCommand.self, InfoCommand.self,
        ])

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let failure as CommandFailure {
            if let message = failure.message {
                Output.error.line("\(Output.error.styled("martlet:", .boldRed)) \(message)")
            }
            exit(withError: ExitCode(failure.status.rawValue))
        } catch let error as MartletError {
            let failure = CommandFailure(error)
            Output.error.line("\(Output.error.styled("martlet:", .boldRed)) \(failure.message ?? "")")
            exit(withError: ExitCode(failure.status.rawValue))
        } catch {
            exit(withError: error)
        }
    }
}
