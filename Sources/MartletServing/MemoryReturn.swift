internal import Dispatch
internal import Glibc
internal import MartletRollout
internal import Synchronization

/// Gives what the allocator keeps of a version that left memory back to the system.
///
/// Weights and scratches are mapped and return by themselves; tokenizer tables, manifests and golden answers are
/// allocated, and of freed pieces the allocator keeps what lies below one that is still in use.
final class MemoryReturn: Sendable {
    // Not the loader's thread: the allocator's locks are held meanwhile, and a thread that gives way to all others
    // would hold them for as long as those are busy.
    private let queue = DispatchQueue(label: "martlet-memory")
    private let isAsked = Atomic(false)
    /// `malloc_trim` of glibc, whose header Swift does not show; nil with another C library.
    private let trim: (@convention(c) (Int) -> Int32)?

    /// Parameters of <malloc.h> and their values in bytes. While nobody sets them glibc raises both after a mapped
    /// piece was freed (mallopt(3), M_MMAP_THRESHOLD), and the end of a thread's heap, which `malloc_trim` does not
    /// look at, keeps up to the second.
    private static let allocatorSettings: [(parameter: Int32, bytes: Int32)] = [
        // M_MMAP_THRESHOLD: what is as large has a mapping of its own. Most calls stay below it, a version's files do
        // not.
        (-3, 1 << 20),
        // M_TRIM_THRESHOLD: what the end of a heap keeps.
        (-1, 256 << 10),
    ]

    /// Sets the allocator of the whole process.
    init() {
        trim = dlsym(nil, "malloc_trim").map { unsafeBitCast($0, to: (@convention(c) (Int) -> Int32).self) }
        let set = dlsym(nil, "mallopt").map { unsafeBitCast($0, to: (@convention(c) (Int32, Int32) -> Int32).self) }
        for (parameter, bytes) in Self.allocatorSettings { _ = set?(parameter, bytes) }
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
