package import MartletCore

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Turns a model's logits into scores, as its `problem_type` says.
package struct ClassificationHead: Sendable {
    package let problemType: ProblemType
    /// Class labels in logit order.
    package let labels: [String]

    package init(problemType: ProblemType, labels: [String]) {
        self.problemType = problemType
        self.labels = labels
    }

    /// Scores in class order, shape [labels].
    ///
    /// Softmax subtracts the largest logit first, so no finite logits overflow.
    package func scores(of logits: ArraySlice<Float>) -> [Float] {
        switch problemType {
        case .regression:
            return Array(logits)
        case .multiLabel:
            return logits.map { 1 / (1 + exp(-$0)) }
        case .singleLabel:
            let largest = logits.max() ?? 0
            let exponentials = logits.map { exp($0 - largest) }
            let sum = exponentials.reduce(0, +)
            return exponentials.map { $0 / sum }
        }
    }

    /// The `topK` best of `scores`, best first, equal scores in class order; 0 means all.
    package func ranked(_ scores: [Float], topK: Int) -> [LabelScore] {
        let all = zip(labels, scores).enumerated().map { index, pair in
            LabelScore(label: pair.0, index: index, score: pair.1)
        }
        let sorted = all.sorted { ($0.score, $1.index) > ($1.score, $0.index) }
        return topK == 0 || topK >= sorted.count ? sorted : Array(sorted.prefix(topK))
    }
}
