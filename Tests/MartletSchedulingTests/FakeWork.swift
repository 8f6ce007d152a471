import MartletCore
import MartletScheduling
import Synchronization

/// What a batch key stands for in tests; its identity is the key.
final class FakeModel: Sendable {}

/// A work that only remembers what became of it.
final class FakeWork: ScheduledWork {
    enum Fate: Hashable {
        case run
        case refused(Int32)
    }

    let name: String
    let costTokens: Int
    let batchKey: ObjectIdentifier
    let priority: WorkPriority
    let deadline: Deadline
    let sharesBatches: Bool
    private let cancelled = Atomic(false)
    private let fates = Mutex<[Fate]>([])
    private let onEnd: @Sendable () -> Void

    init(
        _ name: String = "", tokens: Int, model: FakeModel, priority: WorkPriority = .standard,
        deadline: Deadline = .none, sharesBatches: Bool = true, onEnd: @escaping @Sendable () -> Void = {}
    ) {
        self.name = name
        costTokens = tokens
        batchKey = ObjectIdentifier(model)
        self.priority = priority
        self.deadline = deadline
        self.sharesBatches = sharesBatches
        self.onEnd = onEnd
    }

    var isCancelled: Bool { cancelled.load(ordering: .relaxed) }
    var allFates: [Fate] { fates.withLock { $0 } }

    func cancel() { cancelled.store(true, ordering: .relaxed) }

    func run() {
        fates.withLock { $0.append(.run) }
        onEnd()
    }

    func refuse(_ error: MartletError) {
        fates.withLock { $0.append(.refused(error.code.value)) }
        onEnd()
    }
}
