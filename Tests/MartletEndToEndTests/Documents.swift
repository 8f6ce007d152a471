import MartletCore
import Synchronization

/// A document that is all here.
final class WholeDocument: DocumentSource {
    private let rest: Mutex<[UInt8]?>
    init(_ text: String) { rest = Mutex(Array(text.utf8)) }
    func next() async throws(MartletError) -> [UInt8]? {
        rest.withLock { rest in
            defer { rest = nil }
            return rest
        }
    }
}

/// Keeps the final verdict.
final class Events: DocumentEventSink {
    private let kept = Mutex<FinalVerdict?>(nil)
    var final: FinalVerdict? { kept.withLock { $0 } }
    func send(_ event: DocumentEvent) async throws(MartletError) {
        if case .final(let verdict) = event { kept.withLock { $0 = verdict } }
    }
}
