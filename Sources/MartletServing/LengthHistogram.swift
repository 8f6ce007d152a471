internal import Synchronization

/// How many texts of which length: what a model's traffic looks like.
package struct LengthCounts: Sendable, Hashable {
    /// Tokens up to which a bucket counts, special tokens included; two for each doubling.
    package static let bounds = [
        8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1_024, 1_536, 2_048, 4_096, 8_192,
    ]
    /// Above this all counts are halved, so that what came lately says most.
    private static let totalMax = 1 << 20

    /// One for each bound, and one for what is longer than the last.
    package private(set) var counts = Array(repeating: 0, count: bounds.count + 1)
    package private(set) var total = 0

    package init() {}

    package mutating func add(_ length: Int) {
        counts[Self.bounds.firstIndex { length <= $0 } ?? Self.bounds.count] += 1
        total += 1
        guard total > Self.totalMax else { return }
        for index in counts.indices { counts[index] /= 2 }
        total = counts.reduce(0, +)
    }

    /// The bound of the bucket that holds the text at `share` (0 to 1) of all texts, shortest first; nil without texts.
    package func length(at share: Double) -> Int? {
        guard total > 0 else { return nil }
        let place = min(total - 1, max(0, Int(share * Double(total))))
        var seen = 0
        for (index, count) in counts.enumerated() {
            seen += count
            if seen > place { return index < Self.bounds.count ? Self.bounds[index] : Self.bounds.last }
        }
        return Self.bounds.last
    }
}

/// The lengths that a model's callers send; kept from one version to the next. Locked once a batch.
package final class LengthHistogram: Sendable {
    private let stored = Mutex(LengthCounts())

    package init() {}

    package var counts: LengthCounts { stored.withLock { $0 } }

    package func add(_ lengths: some Sequence<Int>) {
        stored.withLock { counts in
            for length in lengths { counts.add(length) }
        }
    }
}

/// A histogram for each model name that was ever loaded: as many as the models folder had names.
final class TrafficLengths: Sendable {
    private let histograms = Mutex<[String: LengthHistogram]>([:])

    func histogram(of model: String) -> LengthHistogram {
        histograms.withLock { histograms in
            if let known = histograms[model] { return known }
            let new = LengthHistogram()
            histograms[model] = new
            return new
        }
    }
}
