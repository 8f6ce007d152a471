package import MartletCore

/// Makes one verdict out of a document's windows, in memory that does not grow with their number.
package struct DocumentJudge: Sendable {
    /// What to aggregate by, with every default resolved.
    package struct Rule: Sendable, Hashable {
        package var aggregation: Aggregation
        /// Index of the label whose presence anywhere decides; nil without one.
        package var focus: Int?

        package init(aggregation: Aggregation, focus: Int?) {
            self.aggregation = aggregation
            self.focus = focus
        }
    }

    private struct Best: Sendable {
        var score: Float
        var window: WindowResult
    }

    package let head: ClassificationHead
    package let rule: Rule
    package private(set) var windows = 0
    package private(set) var tokens = 0
    private var weight: Double = 0
    private var weightedSum: [Double]
    private var votes: [Double]
    private var first: [Float]?
    private var largest: [Float]
    /// Sum of log(1 - score) per label.
    private var absence: [Double]
    /// The window that speaks most for each label.
    private var best: [Best?]

    package init(head: ClassificationHead, rule: Rule) {
        self.head = head
        self.rule = rule
        let count = head.labels.count
        weightedSum = Array(repeating: 0, count: count)
        votes = Array(repeating: 0, count: count)
        largest = Array(repeating: -.infinity, count: count)
        absence = Array(repeating: 0, count: count)
        best = Array(repeating: nil, count: count)
    }

    /// The rule for `options` on a model, or why there is none.
    package static func rule(
        for options: DocumentOptions, head: ClassificationHead, positiveLabel: String?, defaultAggregation: Aggregation?
    ) throws(MartletError) -> Rule {
        let focusLabel = options.focusLabel.isEmpty ? positiveLabel : options.focusLabel
        var focus: Int?
        if let focusLabel {
            guard let index = head.labels.firstIndex(of: focusLabel) else {
                throw MartletError(
                    .invalidArgument,
                    "focus_label is not a label of this model; its labels are "
                        + head.labels.prefix(20).joined(separator: ", "))
            }
            focus = index
        }
        var aggregation = options.aggregation
        if aggregation == .modelDefault { aggregation = defaultAggregation ?? .mean }
        if aggregation == .modelDefault { aggregation = .mean }
        if aggregation == .noisyOr, focus == nil, head.problemType == .singleLabel {
            throw MartletError(
                .invalidArgument, "aggregation noisy_or needs focus_label: the label whose presence anywhere decides")
        }
        if head.problemType == .regression, aggregation == .noisyOr || aggregation == .vote {
            throw MartletError(
                .invalidArgument,
                "aggregation \(aggregation) needs class scores, and this model answers with a value; "
                    + "use mean, max or first")
        }
        return Rule(aggregation: aggregation, focus: focus)
    }

    /// Takes the next window's scores, in class order, with the number of text tokens no earlier window had.
    package mutating func add(_ scores: [Float], newTokens: Int, window: WindowResult) {
        windows += 1
        tokens += newTokens
        let share = Double(max(1, newTokens))
        weight += share
        if first == nil { first = scores }
        var winner = 0
        for (index, score) in scores.enumerated() where index < largest.count {
            weightedSum[index] += share * Double(score)
            if score > scores[winner] { winner = index }
            largest[index] = max(largest[index], score)
            if head.problemType != .regression {
                // A score of exactly 1 would make the sum -infinity; the product is then 0 either way.
                absence[index] += Self.logOfComplement(score)
            }
            if score > (best[index]?.score ?? -.infinity) { best[index] = Best(score: score, window: window) }
        }
        if winner < votes.count { votes[winner] += share }
    }

    /// The verdict on the windows so far, in class order; all zero before the first window.
    package func scores() -> [Float] {
        guard windows > 0 else { return Array(repeating: 0, count: head.labels.count) }
        switch rule.aggregation {
        case .first: return first ?? []
        case .mean, .modelDefault: return mean()
        case .vote: return votes.map { Float($0 / weight) }
        case .max:
            if head.problemType != .singleLabel { return largest }
            if let focus = rule.focus { return decided(by: focus, probability: largest[focus]) }
            let sum = largest.reduce(0, +)
            return largest.map { $0 / sum }
        case .noisyOr:
            let present = absence.map { Float(1 - Self.exponential($0)) }
            if head.problemType == .singleLabel, let focus = rule.focus {
                return decided(by: focus, probability: present[focus])
            }
            return present
        }
    }

    /// The strongest evidence that reading on can no longer take back, compared with `minConfidence`.
    package func isDecided(minConfidence: Float) -> Bool {
        guard windows > 0, minConfidence > 0, head.problemType != .regression else { return false }
        switch rule.aggregation {
        case .max, .noisyOr:
            // Only presence can be certain early: absence needs the whole document.
            if head.problemType == .singleLabel, let focus = rule.focus { return scores()[focus] >= minConfidence }
            return scores().contains { $0 >= minConfidence }
        case .mean, .vote, .first, .modelDefault:
            return scores().contains { $0 >= minConfidence }
        }
    }

    /// The window that speaks most for the label with index `label`.
    package func evidence(for label: Int) -> WindowResult? {
        best.indices.contains(label) ? best[label]?.window : nil
    }

    private func mean() -> [Float] { weightedSum.map { Float($0 / weight) } }

    /// `probability` for the focus label; the others share the rest in proportion to their means.
    private func decided(by focus: Int, probability: Float) -> [Float] {
        var scores = mean()
        scores[focus] = 0
        let others = scores.reduce(0, +)
        let rest = max(0, 1 - probability)
        for index in scores.indices {
            scores[index] = others > 0 ? scores[index] / others * rest : rest / Float(max(1, scores.count - 1))
        }
        scores[focus] = probability
        return scores
    }
}
