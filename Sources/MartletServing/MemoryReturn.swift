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

    /// Also keeps the allocator, for the whole process, from raising two limits by itself: from which size on a piece
    /// is mapped alone, and how much a thread's heap keeps at its end. `malloc_trim` does not look at those ends, and
    /// after a tokenizer of a few megabytes each might have kept as much as two of them.
    init() {
        trim = dlsym(nil, "malloc_trim").map { unsafeBitCast($0, to: (@convention(c) (Int) -> Int32).self) }
        let set = dlsym(nil, "mallopt").map { unsafeBitCast($0, to: (@convention(c) (Int32, Int32) -> Int32).self) }
        _ = set?(Self.mapThreshold, 1 << 20)
        _ = set?(Self.trimThreshold, 256 << 10)
    }

    /// M_MMAP_THRESHOLD and M_TRIM_THRESHOLD of <malloc.h>.
    private static let mapThreshold: Int32 = -3, trimThreshold: Int32 = -1

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
