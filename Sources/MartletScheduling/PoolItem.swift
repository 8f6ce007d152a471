internal import MartletCore
internal import Synchronization

/// What stands in a pool's queue: its own kind of work, or a plain job.
enum PoolItem<Work: ScheduledWork>: ScheduledWork {
    case work(Work)
    case job(PlainJob)

    var costTokens: Int {
        switch self {
        case .work(let work): work.costTokens
        case .job(let job): job.costTokens
        }
    }

    /// All plain jobs wait in one lane, as one more key beside the models.
    var batchKey: ObjectIdentifier {
        switch self {
        case .work(let work): work.batchKey
        case .job: ObjectIdentifier(PlainJob.self)
        }
    }

    var sharesBatches: Bool {
        switch self {
        case .work(let work): work.sharesBatches
        case .job: false
        }
    }

    var priority: WorkPriority {
        switch self {
        case .work(let work): work.priority
        case .job(let job): job.priority
        }
    }

    var deadline: Deadline {
        switch self {
        case .work(let work): work.deadline
        case .job(let job): job.deadline
        }
    }

    var isCancelled: Bool {
        switch self {
        case .work(let work): work.isCancelled
        case .job(let job): job.cancelled.load(ordering: .relaxed)
        }
    }

    func refuse(_ error: MartletError) {
        switch self {
        case .work(let work): work.refuse(error)
        case .job(let job): job.end(error)
        }
    }
}

/// A closure in the queue; runs alone.
final class PlainJob: Sendable {
    let costTokens: Int
    let priority: WorkPriority
    let deadline: Deadline
    let cancelled = Atomic(false)
    /// Called once: with nil to run, with an error when dropped.
    let end: @Sendable (MartletError?) -> Void

    init(
        costTokens: Int, priority: WorkPriority, deadline: Deadline, end: @escaping @Sendable (MartletError?) -> Void
    ) {
        self.costTokens = costTokens
        self.priority = priority
        self.deadline = deadline
        self.end = end
    }
}
