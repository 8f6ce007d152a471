import Foundation
import MartletClient
import MartletCore

/// What callers notice while versions are swapped under them: nothing but the number of the version, it should be.
enum SwapMeasure {
    static let help = """
        Usage: martlet-measure swap [--swaps N] [--model guard|tiny] [--load PERCENT] [--pause MS] [--json] [--quick]

        Starts `martlet serve` with two versions of one model, different in weights, head and labels, and keeps it at
        half of what it can answer (--load 50), by calls that begin when they are due and not when the last has ended.
        Meanwhile it swaps the versions N times (default 10000; --quick 2000): loads the other one, moves the route to
        it, unloads the first, waits until its memory is returned, and rests for --pause milliseconds. Without --pause
        as long as the swap took: as many calls begin between swaps as during them, and a machine that others slow down
        slows both. guard has 22 million weights and needs .build-models; tiny has a few thousand. A load rests while
        the server is busy: at half load a swap of guard takes 2 to 6 seconds, with --load 10 half of one.

        Every answer must have the bits of the version it names. Prints failed calls, mixed answers, the 99th percentile
        of calls that began during a swap beside the others', and what grew: memory a swap, threads, descriptors.
        Ctrl-C ends it behind the swap that is going on, with the figures until then.
        """

    static func run(_ arguments: [String]) async -> Int32 {
        if arguments.contains("--help") {
            print(help)
            return 0
        }
        do {
            let options = try SwapOptions(arguments)
            let interruption = Interruption()
            let server = try SwapServer(model: options.model)
            defer { server.end() }
            let run = SwapRun(server: server, options: options, interruption: interruption)
            let figures = try await run.measure()
            for row in figures.cases(options) { row.print(json: options.json) }
            if let status = interruption.status { return status }
            return figures.failed == 0 && figures.mixed == 0 ? 0 : 1
        } catch {
            FileHandle.standardError.write(Data("martlet-measure swap: \(error)\n".utf8))
            return 1
        }
    }
}

struct SwapOptions {
    enum Model: String { case guardModel = "guard", tiny }

    var swaps = 10_000
    var model = Model.guardModel
    /// Per cent of what the server can answer.
    var load = 50
    /// Between swaps; nil: as long as the swap before took.
    var pause: Duration?
    var json = false

    init(_ arguments: [String]) throws(MartletError) {
        var rest = arguments[...]
        while let word = rest.popFirst() {
            switch word {
            case "--json": json = true
            case "--quick": swaps = 2_000
            case "--swaps": swaps = try Self.number(rest.popFirst(), word, 1...1_000_000)
            case "--load": load = try Self.number(rest.popFirst(), word, 1...100)
            case "--pause": pause = .milliseconds(try Self.number(rest.popFirst(), word, 0...60_000))
            case "--model":
                let name = rest.popFirst() ?? ""
                guard let known = Model(rawValue: name) else {
                    throw MartletError(.invalidArgument, "--model \(name): guard or tiny")
                }
                model = known
            default: throw MartletError(.invalidArgument, "unknown option \(word); see --help")
            }
        }
    }

    private static func number(
        _ text: String?, _ option: String, _ range: ClosedRange<Int>
    ) throws(MartletError) -> Int {
        guard let number = text.flatMap({ Int($0) }), range.contains(number) else {
            throw MartletError(.invalidArgument, "\(option) takes a number from \(range.lowerBound)")
        }
        return number
    }
}
