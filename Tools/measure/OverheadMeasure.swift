import Foundation
import MartletClient
import MartletCore
import MartletTestSupport

/// What a native unary call costs the server in CPU time.
///
/// The model is real but as small as one can be, and its encoder and tokenizer are counted in: the figure is above the
/// overhead alone, never below.
enum OverheadMeasure {
    static let help = """
        Usage: martlet-measure overhead [--json] [--quick]

        Starts a server with a tiny model on one CPU and calls it from another over a Unix socket: first 8 connections
        with 16 calls in flight each, then one call at a time. Prints the server's CPU time a call (the tiny encoder and
        the tokenizer counted in), calls a second and the median latency.
        """

    /// About 30 tokens of the tiny vocabulary, 200 bytes.
    static let text = String(
        ("the good people of the world may see new work and then make much of it for some time after all that came "
            + "before them under the great old state of their own way and here is more that each one must know well"
        ).prefix(200))

    static func run(_ arguments: [String]) async -> Int32 {
        if arguments.contains("--help") {
            print(help)
            return 0
        }
        let json = arguments.contains("--json"), quick = arguments.contains("--quick")
        var model = TinyModelFolder(seed: 1)
        model.hiddenSize = 16
        model.layers = 1
        model.heads = 1
        model.intermediateSize = 16
        do {
            let cores = ProcessInfo.processInfo.activeProcessorCount
            let child = try ServerChild(model: model, cpu: cores > 1 ? 0 : nil)
            defer { child.end() }
            if cores > 1 { CPUAffinity.pinThisProcess(to: 1) }
            let address = ServerAddress.unix(path: child.socketPath)
            try await load(address, connections: 8, inFlight: 16, calls: 5_000)

            let calls = quick ? 40_000 : 200_000
            let (cpu, seconds) = try await measured(child) {
                try await load(address, connections: 8, inFlight: 16, calls: calls)
            }
            let alone = quick ? 3_000 : 20_000
            var latencies: [Double] = []
            // On the server's clock; it runs on one CPU, so this is CPU time too.
            var inModel = 0.0
            let client = try await MartletClient.connect(to: address)
            let (aloneCPU, _) = try await measured(child) {
                for _ in 0..<alone {
                    let start = ContinuousClock.now
                    let timing = try await client.classify(request).timing
                    inModel += microseconds(timing.tokenize + timing.compute)
                    latencies.append(microseconds(start.duration(to: .now)))
                }
            }
            await client.close()
            latencies.sort()
            MeasuredCase.below(
                40, "native unary, 8 connections x 16 calls", cpu / Double(calls) / 1_000, unit: "us CPU a call"
            ).print(json: json)
            MeasuredCase.shown("native unary, 8 x 16: rate", Double(calls) / seconds, unit: "calls/s").print(json: json)
            MeasuredCase.shown(
                "native unary, one at a time, less the model", (aloneCPU / 1_000 - inModel) / Double(alone),
                unit: "us CPU a call"
            ).print(json: json)
            MeasuredCase.shown("native unary, one at a time: in the model", inModel / Double(alone), unit: "us")
                .print(json: json)
            MeasuredCase.shown("native unary, one at a time: p50", latencies[latencies.count / 2], unit: "us")
                .print(json: json)
            return 0
        } catch {
            FileHandle.standardError.write(Data("martlet-measure overhead: \(error)\n".utf8))
            return 1
        }
    }

    private static var request: ClassifyRequest {
        ClassifyRequest(model: ModelReference(name: ServerChild.modelName), inputs: [TextInput(text)])
    }

    private static func load(_ address: ServerAddress, connections: Int, inFlight: Int, calls: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<connections {
                let client = try await MartletClient.connect(to: address)
                for _ in 0..<inFlight {
                    group.addTask {
                        for _ in 0..<calls / (connections * inFlight) { _ = try await client.classify(request) }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private static func measured(
        _ child: ServerChild, _ body: () async throws -> Void
    ) async throws -> (cpuNanoseconds: Double, seconds: Double) {
        let cpu = child.measured.cpuNanoseconds(), start = ContinuousClock.now
        try await body()
        return (child.measured.cpuNanoseconds() - cpu, microseconds(start.duration(to: .now)) / 1e6)
    }

    static func microseconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) * 1e6 + Double(duration.components.attoseconds) / 1e12
    }
}
