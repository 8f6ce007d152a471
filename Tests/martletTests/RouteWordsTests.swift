import MartletCore
import Testing
import martlet

@Suite("The words of a route on the command line") struct RouteWordsTests {
    private func failure<Value>(_ body: () throws(CommandFailure) -> Value) -> String? {
        do throws(CommandFailure) {
            _ = try body()
            return nil
        } catch {
            return error.status == .usage ? error.message : "\(error)"
        }
    }

    @Test(
        "a label may come first, then one version or several with weights",
        arguments: [
            ([], "latest", []), (["8"], "latest", [(8, 1)]), (["stable", "7"], "stable", [(7, 1)]),
            (["7=90", "8=10"], "latest", [(7, 90), (8, 10)]), (["canary"], "canary", []),
            (["v2", "8=5"], "v2", [(8, 5)]),
        ] as [([String], String, [(Int, Int)])])
    func words(words: [String], label: String, targets: [(Int, Int)]) throws {
        let read = try RouteWords(parsing: words)
        #expect(read.label == label)
        #expect(read.targets == targets.map { ModelRoute.Target(version: $0.0, weight: $0.1) })
    }

    @Test(
        "what is neither is refused with the word",
        arguments: [
            (["a b", "1"], "'a b' is neither a version label nor a version such as 8 or 8=10"),
            (
                ["stable", "seven"],
                "'seven' must be a version, or a version and its weight from 1 to 1000000: 8 or 8=10"
            ),
            (["7=0"], "'7=0' must be a version"), (["7="], "'7=' must be a version"),
            (["7=1", "8"], "give every version a weight, as in 8=50: a split has no default"),
            (["7=2000000"], "'7=2000000' must be a version"), (["stable=7"], "'stable=7' must be a version"),
        ] as [([String], String)])
    func mistakes(words: [String], expected: String) {
        let message = failure { () throws(CommandFailure) in try RouteWords(parsing: words) }
        #expect(message?.hasPrefix(expected) == true, "\(message ?? "it was read")")
    }

    @Test("a shadow is a version and a share")
    func shadow() throws {
        #expect(try RouteWords.shadow("9=5%") == ModelRoute.Shadow(version: 9, percent: 5))
        #expect(try RouteWords.shadow("9=0.5") == ModelRoute.Shadow(version: 9, percent: 0.5))
        for text in ["9", "9=", "9=0", "x=5", "9=101", "=5"] {
            #expect(
                failure { () throws(CommandFailure) in try RouteWords.shadow(text) }
                    == "--shadow '\(text)' must be a version and a share of the calls, as in 9=5%")
        }
    }
}
