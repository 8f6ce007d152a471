internal import Synchronization
internal import MartletCore

/// A text that is all here already, read as a document.
final class WholeText: DocumentSource {
    private let rest: Mutex<[UInt8]?>

    init(_ text: String) { rest = Mutex(Array(text.utf8)) }

    func next() async throws(MartletError) -> [UInt8]? {
        rest.withLock { rest in
            defer { rest = nil }
            return rest
        }
    }
}

/// Keeps the final verdict of a document whose windows nobody asked to see.
final class VerdictSink: DocumentEventSink {
    private let kept = Mutex<FinalVerdict?>(nil)

    var verdict: FinalVerdict? { kept.withLock { $0 } }

    func send(_ event: DocumentEvent) async throws(MartletError) {
        if case .final(let verdict) = event { kept.withLock { $0 = verdict } }
    }
}

extension FinalVerdict {
    /// The verdict's scores in class order.
    func classOrder(of head: ClassificationHead) -> [Float] {
        var scores = Array(repeating: Float.zero, count: head.labels.count)
        for score in self.scores where scores.indices.contains(score.index) { scores[score.index] = score.score }
        return scores
    }
}
