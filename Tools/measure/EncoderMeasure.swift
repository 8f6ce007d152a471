import Foundation
import MartletCore
import MartletEncoder
import MartletTestSupport

/// `martlet-measure encoder`: times the encoder alone, on random weights, against this CPU's own int8 peak.
struct EncoderMeasure {
    static let help = """
        Usage: martlet-measure encoder [options]
          --shapes 16x1,128x1,512x1   length x batch of each case (default shown)
          --lengths-file FILE         one length a line: runs them packed in arrival order, at most 2048 tokens a batch
          --model minilm|base         6 x 384 (default) or 12 x 768
          --precision int8|float32    default int8
          --level LEVEL   highest instruction set to use: one that 'martlet info' lists
          --threads N                 independent encoders, one a thread (default 1)
          --json                      one JSON object a line
        """

    private var shapes: [(length: Int, batch: Int)] = [(16, 1), (128, 1), (512, 1)]
    private var lengthsFile: String?
    private var level: CPULevel?
    private var precision = ElementType.int8
    private var threads = 1
    private var json = false
    private var configuration = EncoderConfiguration(
        hiddenSize: 384, layers: 6, heads: 12, intermediateSize: 1536, vocabularySize: 30_522, maxPositions: 512,
        tokenTypes: 2, layerNormEpsilon: 1e-12, activation: .gelu, labels: 2)

    /// - Returns: the exit code.
    static func run(_ arguments: [String]) -> Int32 {
        do {
            var measure = EncoderMeasure()
            guard try measure.read(arguments) else {
                print(help)
                return 0
            }
            try measure.run()
            return 0
        } catch {
            FileHandle.standardError.write(Data("martlet-measure encoder: \(error)\n".utf8))
            return 2
        }
    }

    /// False when help was asked for.
    private mutating func read(_ arguments: [String]) throws(MartletError) -> Bool {
        var rest = arguments[...]
        while let option = rest.popFirst() {
            func value() throws(MartletError) -> String {
                guard let value = rest.popFirst() else {
                    throw MartletError(.invalidArgument, "\(option) needs a value")
                }
                return value
            }
            func refuse(_ text: String) -> MartletError {
                MartletError(.invalidArgument, "\(option) does not take \(text)")
            }
            switch option {
            case "--help", "-h": return false
            case "--json": json = true
            case "--shapes":
                let text = try value()
                shapes = []
                for shape in text.split(separator: ",") {
                    let parts = shape.split(separator: "x").compactMap { Int($0) }
                    guard parts.count == 2, parts[0] > 0, parts[0] <= configuration.maxPositions, parts[1] > 0 else {
                        throw refuse(text)
                    }
                    shapes.append((parts[0], parts[1]))
                }
            case "--lengths-file": lengthsFile = try value()
            case "--threads":
                let text = try value()
                guard let number = Int(text), (1...1024).contains(number) else { throw refuse(text) }
                threads = number
            case "--level":
                let text = try value()
                guard let known = CPULevel(rawValue: text), CPULevel.ladder.contains(known) else { throw refuse(text) }
                level = known
            case "--precision":
                let text = try value()
                guard text == "int8" || text == "float32" else { throw refuse(text) }
                precision = text == "int8" ? .int8 : .float32
            case "--model":
                let text = try value()
                guard text == "minilm" || text == "base" else { throw refuse(text) }
                if text == "base" {
                    configuration.hiddenSize = 768
                    configuration.layers = 12
                    configuration.intermediateSize = 3072
                }
            default: throw MartletError(.invalidArgument, "unknown option \(option)")
            }
        }
        return true
    }

    private func run() throws {
        let kernels = KernelTable.best(atMost: level)
        let model = try EncoderModel(
            configuration: configuration, tensors: RandomWeights(configuration, precision: precision, seed: 1),
            kernels: kernels)
        let peak = precision == .int8 ? (kernels.level.measuredPeak() ?? 0) / 1e9 : 0
        if !json {
            print(
                "level \(kernels.level.rawValue), \(precision), threads \(threads), "
                    + "int8 peak \(Int(peak)) GMAC/s a core")
        }
        if let lengthsFile {
            let text = try String(contentsOfFile: lengthsFile, encoding: .utf8)
            let lengths = text.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
                .filter { $0 > 0 && $0 <= configuration.maxPositions }
            try report("mixed", Self.batches(of: lengths), model, peak, isMixed: true)
        } else {
            for shape in shapes {
                let lengths = [Int](repeating: shape.length, count: shape.batch)
                try report(
                    "\(shape.length)x\(shape.batch)", [Self.batch(of: lengths[...])], model, peak, isMixed: false)
            }
        }
    }

    private func report(
        _ name: String, _ batches: [PackedBatch], _ model: EncoderModel, _ peak: Double, isMixed: Bool
    ) throws {
        let seconds = try EncoderTimer(model: model, batches: batches, threads: threads).median()
        let tokens = batches.reduce(0) { $0 + $1.rows }
        let gmacs = batches.reduce(0.0) { $0 + macs(of: $1) } / 1e9
        // Fixed shapes: every thread runs the batch; mixed: the threads share the batches.
        let copies = isMixed ? 1.0 : Double(threads)
        let rate = Double(tokens) * copies / seconds
        let share = peak > 0 ? gmacs * copies / seconds / (peak * Double(threads)) : 0
        func round(_ value: Double, _ digits: Double) -> Double { (value * digits).rounded() / digits }
        if json {
            var fields = [
                "\"case\":\"\(name)\"", "\"tokens\":\(tokens)", "\"threads\":\(threads)",
                "\"level\":\"\(model.kernels.level.rawValue)\"", "\"tokens_per_s\":\(round(rate, 1))",
                "\"gmac_per_s\":\(round(gmacs * copies / seconds, 10))", "\"peak_share\":\(round(share, 1000))",
            ]
            fields.insert(isMixed ? "\"seconds\":\(seconds)" : "\"ms\":\(round(seconds * 1000, 10000))", at: 1)
            print("{" + fields.joined(separator: ",") + "}")
        } else {
            print(
                "\(name)\t\(round(seconds * 1000, 1000)) ms\t\(Int(rate)) tokens/s\t"
                    + "\(Int(gmacs * copies / seconds)) GMAC/s\t\(round(share * 100, 10)) % of peak")
        }
    }

    /// All multiply-adds of a full encoder, attention included: also those that the last layer saves, so that the share
    /// compares with engines that compute them.
    private func macs(of batch: PackedBatch) -> Double {
        let hidden = Double(configuration.hiddenSize), inner = Double(configuration.intermediateSize)
        let squares = (0..<batch.sequences).reduce(0.0) {
            let length = Double(batch.offsets[$1 + 1] - batch.offsets[$1])
            return $0 + length * length
        }
        let linear = Double(batch.rows) * (4 * hidden * hidden + 2 * hidden * inner)
        return Double(configuration.layers) * (linear + 2 * squares * hidden)
    }

    private static func batch(of lengths: ArraySlice<Int>) -> PackedBatch {
        var batch = PackedBatch()
        var state: UInt64 = 7
        for length in lengths {
            let ids = (0..<length).map { _ -> Int32 in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Int32((state >> 33) % 30_000)
            }
            batch.append(ids: ids)
        }
        return batch
    }

    private static func batches(of lengths: [Int], tokensMax: Int = 2_048) -> [PackedBatch] {
        var batches: [PackedBatch] = []
        var start = 0
        while start < lengths.count {
            var end = start, tokens = 0
            while end < lengths.count, end == start || tokens + lengths[end] <= tokensMax {
                tokens += lengths[end]
                end += 1
            }
            batches.append(batch(of: lengths[start..<end]))
            start = end
        }
        return batches
    }
}
