package import MartletCore

/// How urgent a work is. Classes are strict, but waiting raises a work by one class per `BatchQueue.Settings.ageing`.
package enum WorkPriority: Int, Sendable, CaseIterable, Comparable {
    /// Somebody waits for this single answer.
    case interactive
    case standard
    /// Long documents, warm-up, anything that may wait.
    case bulk
    /// A copy whose answer nobody waits for.
    case shadow

    package static func < (left: WorkPriority, right: WorkPriority) -> Bool { left.rawValue < right.rawValue }
}

/// One thing to compute. The pool knows its cost, its urgency and with what it may share a batch; nothing else.
///
/// Every work that was submitted ends in exactly one way: handed to a runner, or `refuse` called once.
package protocol ScheduledWork: Sendable {
    /// Estimated cost in tokens; taken as at least 1. Read once, when the work is submitted.
    var costTokens: Int { get }
    /// Only works of one key share a batch: the loaded version, usually.
    var batchKey: ObjectIdentifier { get }
    /// False for a work that always runs alone. Read once, when the work is submitted.
    var sharesBatches: Bool { get }
    var priority: WorkPriority { get }
    var deadline: Deadline { get }
    /// Looked at just before a batch is formed, with the pool's lock held: an atomic load, nothing slower.
    var isCancelled: Bool { get }
    /// Told once, on a pool thread and without any lock, when the work is dropped unrun: `.cancelled` or
    /// `.deadlineExceeded`.
    func refuse(_ error: MartletError)
}

extension ScheduledWork {
    package var sharesBatches: Bool { true }
    package var priority: WorkPriority { .standard }
}
