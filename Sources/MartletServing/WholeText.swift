package import MartletCore
internal import Synchronization

/// A text that is all here already, read as a document.
package struct WholeText: DocumentSource {
    private let text: OneTime<[UInt8]>

    package init(_ text: String) { self.text = OneTime(Array(text.utf8)) }

    package func next() async throws(MartletError) -> [UInt8]? { text.take() }
}

/// Keeps the final verdict of a document whose windows nobody asked to see.
package final class VerdictSink: DocumentEventSink {
    private let kept = Mutex<FinalVerdict?>(nil)

    package init() {}

    package var verdict: FinalVerdict? { kept.withLock { $0 } }

    package func send(_ event: DocumentEvent) async throws(MartletError) {
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
