internal import Dispatch
internal import Glibc
internal import MartletRollout
internal import Synchronization

/// Gives what the allocator keeps of a version that left memory back to the system.
///
/// Weights and scratches are mapped and return by themselves; tokenizer tables, manifests and golden answers are
/// allocated, and of freed pieces the allocator keeps what lies below one that is still in use.
final class MemoryReturn: Sendable {
    // Not the loader's thread: the allocator's locks are held meanwhile, and a thread that gives way to all others would
    // hold them for as long as those are busy.
    private let queue = DispatchQueue(label: "martlet-memory")
    private let isAsked = Atomic(false)
    /// `malloc_trim` of glibc, whose header Swift does not show; nil with another C library.
    private let trim: (@convention(c) (Int) -> Int32)?

    init() {
        trim = dlsym(nil, "malloc_trim").map { unsafeBitCast($0, to: (@convention(c) (Int) -> Int32).self) }
    }

    /// Soon, once however often it is asked for until then.
    func soon() {
        guard !isAsked.exchange(true, ordering: .relaxed) else { return }
        queue.async { [self] in
            isAsked.store(false, ordering: .relaxed)
            _ = trim?(0)
        }
    }

    /// Returns when all that was asked for is done.
    func done() async {
        await withCheckedContinuation { continuation in queue.async { continuation.resume() } }
    }
}

extension RolloutEvent {
    /// True at the end of a load, which leaves what it read, and of a version's time in memory.
    var leavesMemoryBehind: Bool {
        switch kind {
        case .ready, .unloaded, .failed, .abandoned: true
        default: false
        }
    }
}
