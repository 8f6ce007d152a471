import Foundation
import MartletCore
import MartletEncoder

/// `martlet-measure encoder-worker`: Martlet as one engine of several that take turns, driven over standard input.
///
/// Each line in is a JSON object, each line out its answer, as in Tools/peers/worker.py. A shape is "TOKENSxBATCH".
/// ```
/// {"run": "128x1", "graph": "mean", "seconds": 0.5, "runs": 3, "warm": 0.2}
///                                       -> {"ms": median, "runs": n, "peak": GMAC/s of all threads, just before}
/// {"mixed": [23, 41, ...]}              -> {"ms": total, "runs": 1}: packed in arrival order, a batch on each thread
/// {"profile": "128x8", "graph": "mean"} -> {"runs": n, "us": [["norm", 1.5], ...]}: us a token on one thread
/// {"level": true}                       -> {"level": "avx512vnni"}
/// ```
/// An order that cannot be done is answered by {"error": "..."}.
struct EncoderWorker {
    static let help = """
        Usage: martlet-measure encoder-worker [--model minilm|base] [--threads N] [--level scalar|avx2|avx512vnni]
          takes orders on standard input; see Tools/measure/EncoderWorker.swift
        """

    private struct Order: Decodable {
        var run: String?
        var mixed: [Int]?
        var profile: String?
        var level: Bool?
        var graph: EncoderTimer.Graph?
        var seconds: Double?
        var runs: Int?
        var warm: Double?
    }

    private let model: EncoderModel
    private let timer: EncoderTimer
    private let threads: Int

    /// - Returns: the exit code.
    static func serve(_ arguments: [String]) -> Int32 {
        var kind = MeasuredModel.minilm, threads = 1, level: CPULevel?
        var rest = arguments[...]
        while let option = rest.popFirst() {
            guard option != "--help" else {
                print(help)
                return 0
            }
            let value = rest.popFirst() ?? ""
            if option == "--model", let known = MeasuredModel(rawValue: value) {
                kind = known
            } else if option == "--threads", let number = Int(value), (1...1024).contains(number) {
                threads = number
            } else if option == "--level", let known = CPULevel(rawValue: value) {
                level = known
            } else {
                FileHandle.standardError.write(Data("martlet-measure encoder-worker: \(option) \(value)?\n".utf8))
                return 2
            }
        }
        do {
            try EncoderWorker(kind, level, threads: threads).answerAll()
            return 0
        } catch {
            FileHandle.standardError.write(Data("martlet-measure encoder-worker: \(error)\n".utf8))
            return 2
        }
    }

    private init(_ kind: MeasuredModel, _ level: CPULevel?, threads: Int) throws {
        model = try kind.load(precision: .int8, level: level)
        timer = try EncoderTimer(model: model, threads: threads)
        self.threads = threads
    }

    private func answerAll() {
        say(["ready": true])
        while let line = readLine() {
            do {
                say(try answer(JSONDecoder().decode(Order.self, from: Data(line.utf8))))
            } catch {
                say(["error": "\(error)"])
            }
        }
    }

    private func answer(_ order: Order) throws -> [String: Any] {
        let graph = order.graph ?? .mean
        let effort = EncoderTimer.Effort(
            warm: .seconds(order.warm ?? 0.2), atLeast: .seconds(order.seconds ?? 0.5),
            runsAtLeast: max(1, order.runs ?? 3))
        if let shape = order.run {
            let batch = try batch(shape)
            let peak = Int8Peak.measure(model.kernels.level, threads: threads)
            let (seconds, runs) = try timer.together(batch, graph, effort)
            return ["ms": seconds * 1e3, "runs": runs, "peak": peak]
        }
        if let lengths = order.mixed {
            guard !lengths.isEmpty, lengths.allSatisfy({ (1...model.configuration.maxPositions).contains($0) }) else {
                throw MartletError(.invalidArgument, "lengths are 1 to \(model.configuration.maxPositions)")
            }
            let batches = MeasuredBatches.packed(lengths)
            let (seconds, runs) = try timer.sideBySide(
                batches, graph, EncoderTimer.Effort(warm: .seconds(order.warm ?? 0.2), atLeast: .zero, runsAtLeast: 1))
            return ["ms": seconds * 1e3, "runs": runs]
        }
        if let shape = order.profile {
            let batch = try batch(shape)
            let (profile, runs) = try timer.profile(batch, graph, effort)
            let perToken = 1e6 / (Double(runs) * Double(batch.rows))
            let steps = EncoderStep.allCases.filter { profile[$0].duration > .zero }
            return ["runs": runs, "us": steps.map { [$0.name, profile[$0].duration / .seconds(1) * perToken] as [Any] }]
        }
        if order.level == true { return ["level": model.kernels.level.rawValue] }
        throw MartletError(.invalidArgument, "an order is run, mixed, profile or level")
    }

    private func batch(_ shape: String) throws(MartletError) -> PackedBatch {
        let parts = shape.split(separator: "x").compactMap { Int($0) }
        guard parts.count == 2, (1...model.configuration.maxPositions).contains(parts[0]), (1...4096).contains(parts[1])
        else { throw MartletError(.invalidArgument, "\(shape) is not a shape such as 128x8") }
        return MeasuredBatches.batch(of: repeatElement(parts[0], count: parts[1]))
    }

    private func say(_ answer: [String: Any]) {
        let data = (try? JSONSerialization.data(withJSONObject: answer)) ?? Data("{\"error\":\"not JSON\"}".utf8)
        FileHandle.standardOutput.write(data + Data("\n".utf8))
    }
}
