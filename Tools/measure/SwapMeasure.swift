import Foundation
import MartletClient
import MartletConvert
import MartletCore
import MartletTestSupport
import Synchronization

/// `martlet-measure swap`: what callers notice while a model's version is changed under them, again and again.
enum SwapMeasure {
    static let help = """
        Usage: martlet-measure swap [--swaps N] [--json] [--quick]

        Starts `martlet serve` on two versions A and B of a tiny model that answer differently, finds how many calls a
        second it answers, and sends half as many over the native protocol, at fixed times whatever the answers take.
        Meanwhile it swaps: load B, point the route at it, unload A, and back; 2000 times (200 with --quick, 10 000 for
        the whole proof). Between two swaps it waits as long as one takes. Every answer is compared bit by bit with
        what the version it names answered before. Exits 1 when something does not hold.
        """

    static func run(_ arguments: [String]) async -> Int32 {
        if arguments.contains("--help") {
            print(help)
            return 0
        }
        var swaps = arguments.contains("--quick") ? 200 : 2_000
        if let place = arguments.firstIndex(of: "--swaps") {
            guard place + 1 < arguments.count, let count = Int(arguments[place + 1]), count >= 2 else {
                FileHandle.standardError.write(Data("martlet-measure swap: --swaps needs a number from 2\n".utf8))
                return 2
            }
            swaps = count
        }
        do {
            let cases = try await measure(swaps: swaps)
            for line in cases { line.print(json: arguments.contains("--json")) }
            return cases.contains { $0.holds == false } ? 1 : 0
        } catch {
            FileHandle.standardError.write(Data("martlet-measure swap: \(error)\n".utf8))
            return 2
        }
    }

    private static func measure(swaps: Int) async throws -> [MeasuredCase] {
        let server = try SwappedServer()
        defer { server.end() }
        let client = try await MartletClient.connect(to: .unix(path: server.socketPath))
        let owner = try await MartletClient.connect(to: .unix(path: server.socketPath))
        _ = try await owner.loadVersion(SwappedServer.version(2))
        let load = SwapLoad(client: client, truth: try await SwapLoad.truth(client))
        try await owner.unloadVersion(SwappedServer.version(2))

        let capacity = try await load.capacity()
        // A few swaps bring code, connections and threads that stay.
        for number in 0..<10 { try await swap(number, owner) }
        let before = server.resources()
        let sender = Task { await load.send(callsPerSecond: capacity / 2) }
        var windows: [Range<ContinuousClock.Instant>] = []
        var resident: [Double] = []
        for number in 0..<swaps {
            let start = ContinuousClock.now
            try await swap(number, owner)
            let end = ContinuousClock.now
            windows.append(start..<end)
            resident.append(Double(server.resources().residentBytes))
            try await Task.sleep(for: max(.milliseconds(5), start.duration(to: end)))
        }
        load.stop()
        await sender.value
        try await Task.sleep(for: .seconds(2))
        let after = server.resources()
        let outcome = load.outcome(windows)
        await client.close()
        await owner.close()

        let swapTimes = windows.map { $0.lowerBound.duration(to: $0.upperBound) / .milliseconds(1) }.sorted()
        let settled = Array(resident.dropFirst(min(500, resident.count / 4)))
        let limit = max(1.25 * outcome.outside, outcome.outside + 10)
        return [
            .shown("swap: swaps", Double(swaps), unit: "swaps"),
            .shown("swap: calls", Double(outcome.calls), unit: "calls"),
            .shown("swap: load, half of what the server answers", capacity / 2, unit: "calls/s"),
            .shown("swap: one swap, median", swapTimes[swapTimes.count / 2], unit: "ms"),
            atMost(0, "swap: failed calls", Double(outcome.failed), unit: "calls"),
            atMost(0, "swap: answers with other bits than their version's", Double(outcome.mixed), unit: "answers"),
            .shown("swap: p50 outside of swaps", outcome.outsideMedian, unit: "ms"),
            .shown("swap: p99 outside of swaps", outcome.outside, unit: "ms"),
            .shown("swap: p99 in swaps over outside", outcome.inside / max(outcome.outside, 1e-9), unit: "times"),
            atMost(limit, "swap: p99 in swaps", outcome.inside, unit: "ms"),
            atMost(1_024, "swap: memory a swap", slope(settled), unit: "bytes"),
            atMost(0, "swap: threads more at the end", Double(after.threads - before.threads), unit: "threads"),
            atMost(
                0, "swap: descriptors more at the end", Double(after.descriptors - before.descriptors),
                unit: "descriptors"),
        ]
    }

    /// From the version that answers to the other one.
    private static func swap(_ number: Int, _ owner: MartletClient) async throws {
        let (old, new) = number.isMultiple(of: 2) ? (1, 2) : (2, 1)
        _ = try await owner.loadVersion(SwappedServer.version(new))
        try await owner.setRoute(ModelRoute(to: new), label: "latest", of: SwappedServer.modelName)
        try await owner.unloadVersion(SwappedServer.version(old))
        // Out of memory before it is wanted again: otherwise it would only return.
        while try await owner.listModels(named: SwappedServer.modelName).contains(where: {
            $0.version == old && ($0.state == .ready || $0.state == .draining)
        }) {
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    private static func atMost(_ limit: Double, _ name: String, _ value: Double, unit: String) -> MeasuredCase {
        MeasuredCase(
            case: name, martlet: value, peer: "limit", peerValue: limit, unit: unit, ratio: nil, target: nil,
            holds: value <= limit)
    }

    /// By least squares, a step.
    private static func slope(_ values: [Double]) -> Double {
        let count = Double(values.count)
        guard count > 1 else { return 0 }
        let middle = (count - 1) / 2, mean = values.reduce(0, +) / count
        var product = 0.0, square = 0.0
        for (index, value) in values.enumerated() {
            product += (Double(index) - middle) * (value - mean)
            square += (Double(index) - middle) * (Double(index) - middle)
        }
        return product / square
    }
}

/// `martlet serve` as a child, on a folder with two versions of one model.
struct SwappedServer {
    static let modelName = "tiny"
    let folder: URL
    let socketPath: String
    private let process = Process()

    struct Resources {
        var residentBytes: Int
        var threads: Int
        var descriptors: Int
    }

    static func version(_ number: Int) -> VersionID { VersionID(model: modelName, number: number) }

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-swap-\(UUID().uuidString)")
        let models = folder.appendingPathComponent("models")
        try FileManager.default.createDirectory(at: models, withIntermediateDirectories: true)
        for number in [1, 2] {
            let source = folder.appendingPathComponent("source-\(number)")
            var model = TinyModelFolder(seed: UInt64(number))
            (model.hiddenSize, model.intermediateSize, model.layers) = (128, 512, 4)
            try model.write(to: source)
            var options = ConvertOptions(name: Self.modelName, version: number)
            options.force = true
            options.createdBy = "martlet-measure"
            _ = try Converter(source: SourceFolder(source.path), options: options).run(into: models.path)
        }
        let configuration = folder.appendingPathComponent("models.yaml")
        try Data("models: {\(Self.modelName): {versions: routed, labels: {latest: 1}}}\n".utf8).write(to: configuration)
        socketPath = folder.appendingPathComponent("s").path
        let ready = folder.appendingPathComponent("ready")
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.executableURL = program.deletingLastPathComponent().appendingPathComponent("martlet")
        process.arguments = [
            "serve", "--models", models.path, "--models-config", configuration.path, "--listen",
            "unix:\(socketPath)", "--ready-file", ready.path, "--log-level", "error",
        ]
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        while !FileManager.default.fileExists(atPath: ready.path) {
            guard process.isRunning else { throw MartletError(.unavailable, "martlet serve did not start") }
            usleep(20_000)
        }
    }

    func end() {
        process.terminate()
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }

    func resources() -> Resources {
        let proc = "/proc/\(process.processIdentifier)"
        func entries(_ name: String) -> Int {
            (try? FileManager.default.contentsOfDirectory(atPath: "\(proc)/\(name)").count) ?? 0
        }
        let text = (try? String(contentsOfFile: "\(proc)/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
        let kilobytes = line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0
        return Resources(residentBytes: kilobytes * 1_024, threads: entries("task"), descriptors: entries("fd"))
    }
}
