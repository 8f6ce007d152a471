internal import CMartletKernels
internal import Synchronization

/// How the members of a team share the units of one phase after another: whoever is free takes the next unit, and a
/// phase begins when every unit of the one before is finished.
///
/// The leader opens phases, works on them and waits for their end; members join and leave as they like. Nobody waits
/// for a member, only for units that one has taken.
final class PhaseBoard: Sendable {
    /// Phase, units of it and the next unit to take, in one word: a unit is never taken from a phase that has passed.
    private let cursor = Atomic<UInt64>(0)
    // A cache line apart: the cursor is read all the time by who waits, the count is written by who works.
    private let gap: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)
    private let finished = Atomic<Int>(0)

    static let unitsMax = 1 << 24 - 1
    private static let unitBits: UInt64 = 24
    private static let unitMask: UInt64 = (1 << 24) - 1
    /// The phase that is none: members leave.
    private static let over: UInt64 = 0xffff
    /// Looks at the cursor before the core is offered to others.
    private static let spinsMax = 2_000

    /// Opens phase `phase` with `units` units, works until none is left to take, and waits for those taken by others.
    func lead(phase: Int, units: Int, _ run: (_ phase: Int, _ unit: Int) -> Void) {
        precondition(units <= Self.unitsMax && phase < Self.over, "phase \(phase) of \(units) units")
        finished.store(0, ordering: .relaxed)
        cursor.store(
            UInt64(phase) << (2 * Self.unitBits) | UInt64(units) << Self.unitBits, ordering: .releasing)
        while let taken = take() { work(taken, run) }
        var spins = 0
        while finished.load(ordering: .acquiring) < units { Self.pause(&spins) }
    }

    /// No more phases: members leave.
    func close() { cursor.store(Self.over << (2 * Self.unitBits), ordering: .releasing) }

    /// Works on whatever phase is open until the board is closed.
    func follow(_ run: (_ phase: Int, _ unit: Int) -> Void) {
        var spins = 0
        while cursor.load(ordering: .relaxed) >> (2 * Self.unitBits) != Self.over {
            guard let taken = take() else {
                Self.pause(&spins)
                continue
            }
            work(taken, run)
            spins = 0
        }
    }

    private func work(_ taken: (phase: Int, unit: Int), _ run: (_ phase: Int, _ unit: Int) -> Void) {
        run(taken.phase, taken.unit)
        finished.wrappingAdd(1, ordering: .acquiringAndReleasing)
    }

    /// The next unit of the open phase; nil when all are taken.
    private func take() -> (phase: Int, unit: Int)? {
        var seen = cursor.load(ordering: .acquiring)
        while true {
            let unit = seen & Self.unitMask
            guard unit < seen >> Self.unitBits & Self.unitMask else { return nil }
            let (exchanged, original) = cursor.weakCompareExchange(
                expected: seen, desired: seen + 1, ordering: .acquiringAndReleasing)
            if exchanged { return (Int(seen >> (2 * Self.unitBits)), Int(unit)) }
            seen = original
        }
    }

    private static func pause(_ spins: inout Int) {
        spins += 1
        if spins < spinsMax {
            martlet_spin_pause()
        } else {
            martlet_yield()
            spins = 0
        }
    }
}
