import Foundation
import MartletCore
import MartletEncoder

/// `martlet-measure encoder`: times the encoder alone, on random weights, against this CPU's own int8 peak.
struct EncoderMeasure: MeasureCommand {
    static let name = "encoder"
    static let help = """
        Usage: martlet-measure encoder [options]
          --shapes 16x1,128x1,512x1   length x batch of each case (default shown)
          --lengths-file FILE         one length a line: runs them packed in arrival order, at most 2048 tokens a batch
          --model minilm|base         6 x 384 (default) or 12 x 768
          --precision int8|float32    default int8
          --level LEVEL               highest instruction set to use: one that 'martlet info' lists
          --output mean|logits        mean of every row of the last layer (default), or the classifier's logits
          --threads N                 on one batch of a shape, or on packed batches side by side (default 1)
          --profile                   also what each step takes on one thread
          --json                      one JSON object a line
        """

    private var shapes: [(length: Int, batch: Int)] = [(16, 1), (128, 1), (512, 1)]
    private var lengthsFile: String?
    private var atMost: CPULevel?
    private var precision = ElementType.int8
    private var threads = 1
    private var json = false
    private var kind = MeasuredModel.minilm
    private var graph = EncoderTimer.Graph.mean
    private var profile = false

    /// False when help was asked for.
    mutating func read(_ arguments: [String]) throws(MartletError) -> Bool {
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
                    guard parts.count == 2, (1...kind.configuration.maxPositions).contains(parts[0]), parts[1] > 0
                    else { throw refuse(text) }
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
                atMost = known
            case "--precision":
                let text = try value()
                guard text == "int8" || text == "float32" else { throw refuse(text) }
                precision = text == "int8" ? .int8 : .float32
            case "--model":
                let text = try value()
                guard let known = MeasuredModel(rawValue: text) else { throw refuse(text) }
                kind = known
            case "--output":
                let text = try value()
                guard let known = EncoderTimer.Graph(rawValue: text) else { throw refuse(text) }
                graph = known
            case "--profile": profile = true
            default: throw MartletError(.invalidArgument, "unknown option \(option)")
            }
        }
        return true
    }

    func run() throws {
        let model = try kind.load(precision: precision, level: atMost)
        let level = model.kernels.level
        let peak = precision == .int8 ? Int8Peak.measure(level, threads: threads) : 0
        if !json {
            print("level \(level.rawValue), \(precision), threads \(threads), int8 peak \(Int(peak)) GMAC/s")
        }
        let timer = try EncoderTimer(model: model, threads: threads)
        if let lengthsFile {
            let text = try String(contentsOfFile: lengthsFile, encoding: .utf8)
            let lengths = text.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
                .filter { $0 > 0 && $0 <= model.configuration.maxPositions }
            let batches = MeasuredBatches.packed(lengths)
            let seconds = try timer.sideBySide(batches, graph, EncoderTimer.Effort()).0
            report("mixed", seconds, batches, model, peak)
        } else {
            for shape in shapes {
                let batch = MeasuredBatches.batch(of: repeatElement(shape.length, count: shape.batch))
                let seconds = try timer.together(batch, graph, EncoderTimer.Effort()).0
                report("\(shape.length)x\(shape.batch)", seconds, [batch], model, peak)
                if profile { try reportSteps(timer, batch) }
            }
        }
    }

    private func report(
        _ name: String, _ seconds: Double, _ batches: [PackedBatch], _ model: EncoderModel, _ peak: Double
    ) {
        let tokens = batches.reduce(0) { $0 + $1.rows }
        let gmacs = batches.reduce(0.0) { $0 + model.configuration.macs(of: $1) } / 1e9
        let share = peak > 0 ? gmacs / seconds / peak : 0
        func round(_ value: Double, _ digits: Double) -> Double { (value * digits).rounded() / digits }
        if json {
            let fields = [
                "\"case\":\"\(name)\"", "\"ms\":\(round(seconds * 1000, 10000))", "\"tokens\":\(tokens)",
                "\"threads\":\(threads)", "\"level\":\"\(model.kernels.level.rawValue)\"",
                "\"tokens_per_s\":\(round(Double(tokens) / seconds, 1))",
                "\"gmac_per_s\":\(round(gmacs / seconds, 10))", "\"peak_share\":\(round(share, 1000))",
            ]
            print("{" + fields.joined(separator: ",") + "}")
        } else {
            print(
                "\(name)\t\(round(seconds * 1000, 1000)) ms\t\(Int(Double(tokens) / seconds)) tokens/s\t"
                    + "\(Int(gmacs / seconds)) GMAC/s\t\(round(share * 100, 10)) % of peak")
        }
    }

    /// A line a step: microseconds a token and the share of their sum.
    private func reportSteps(_ timer: EncoderTimer, _ batch: PackedBatch) throws {
        let (profile, runs) = try timer.profile(batch, graph, EncoderTimer.Effort())
        let sum = profile.duration / .seconds(1)
        for step in EncoderStep.allCases where profile[step].duration > .zero {
            let seconds = profile[step].duration / .seconds(1)
            let perToken = seconds * 1e6 / (Double(runs) * Double(batch.rows))
            if json {
                print("{\"step\":\"\(step.name)\",\"us_per_token\":\(perToken),\"share\":\(seconds / sum)}")
            } else {
                print(String(format: "  %8.3f us a token  %5.1f %%  ", perToken, 100 * seconds / sum) + step.name)
            }
        }
    }
}
