internal import MartletCore
internal import MartletWire

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// TEI's rule for scores, which does not look at the model's problem type: the softmax of several logits, the sigmoid
/// of a single one, or the logits themselves.
enum TEIScores {
    /// Best first; equal scores in class order.
    static func predictions(of result: TextResult, raw: Bool) -> [TEI.Prediction] {
        let scores = scores(of: result.logits, raw: raw)
        return zip(result.classOrder, scores).enumerated()
            .sorted { ($0.element.1, $1.offset) > ($1.element.1, $0.offset) }
            .map { TEI.Prediction(score: $0.element.1, label: $0.element.0.label) }
    }

    /// In class order.
    static func scores(of logits: [Float], raw: Bool) -> [Float] {
        if raw { return logits }
        if logits.count == 1 { return logits.map { 1 / (1 + exp(-$0)) } }
        let largest = logits.max() ?? 0
        let exponentials = logits.map { exp($0 - largest) }
        let sum = exponentials.reduce(0, +)
        return exponentials.map { $0 / sum }
    }
}
