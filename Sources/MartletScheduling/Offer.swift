#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif
internal import Synchronization

/// What one thread offers to the others: its computation, open to a few of them while it lasts.
///
/// Opened and closed by the thread it belongs to, joined by any other. No lock is held but for the rare owner that
/// parks until its last helper has returned.
final class Offer: @unchecked Sendable {  // safe: `body` is written while closed, read by who joined only
    /// What an owner says and helpers poll, on cache lines that hold nothing else: polling takes no line away from
    /// anybody's work. Two lines, because processors fetch lines in pairs.
    private struct Board: ~Copyable {
        static var bytes: Int { 128 }

        let state = Atomic<UInt64>(0)
        /// Helpers that the owner's batch has work for.
        let wanted = Atomic<Int>(0)
        /// Nanoseconds that helpers spent since the owner last asked.
        let helpTime = Atomic<Int>(0)
        var body: ((Int) -> Void)?
    }

    /// The fields of `Board.state`.
    private enum State {
        static let open: UInt64 = 1
        /// The owner parks until `running` is 0.
        static let ownerParks: UInt64 = 2
        static let running: UInt64 = 1 << 2
        static let joined: UInt64 = 1 << 17
        static let call: UInt64 = 1 << 32

        static func runningCount(_ state: UInt64) -> Int { Int(state >> 2 & 0x7FFF) }
        static func joinedCount(_ state: UInt64) -> Int { Int(state >> 17 & 0x7FFF) }
        static func callNumber(_ state: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: state >> 32) }
    }

    /// A helper's place in one call.
    struct Seat {
        /// 1 for the first helper.
        let member: Int
        let call: UInt32
        /// True when one more could join.
        let leavesRoom: Bool
    }

    /// Most helpers of one call: what the state's fields can count.
    static let helpersMax = 0x7FFF
    /// Looks at the state before an owner or helper lets others run between two looks.
    private static let looksBeforeYield = 64
    /// An owner looks this often, giving its core to whoever wants it each time, before it parks. About 100 us: the
    /// helpers have begun and have as little left to do as the owner had.
    private static let yieldsBeforePark = 200

    private let board: UnsafeMutablePointer<Board>
    private let parking = Parking()

    init() {
        board = UnsafeMutableRawPointer.allocate(byteCount: Board.bytes, alignment: Board.bytes)
            .bindMemory(to: Board.self, capacity: 1)
        board.initialize(to: Board())
    }

    deinit {
        board.deinitialize(count: 1)
        board.deallocate()
    }

    // MARK: The owner

    /// Helpers that the owner's computation has work for: until it is 0 again, calls are about to come.
    var wanted: Int {
        get { board.pointee.wanted.load(ordering: .relaxed) }
        set { board.pointee.wanted.store(newValue, ordering: .relaxed) }
    }

    /// From now on others may run `body` too.
    func open(_ body: @escaping (Int) -> Void) {
        board.pointee.body = body
        let call = State.callNumber(board.pointee.state.load(ordering: .relaxed)) &+ 1
        board.pointee.state.store(UInt64(call) << 32 | State.open, ordering: .releasing)
    }

    /// Lets nobody in any more and returns when every helper has returned.
    func close() {
        var state = board.pointee.state.bitwiseAnd(~State.open, ordering: .acquiringAndReleasing).newValue
        var looks = 0
        while State.runningCount(state) > 0 {
            looks += 1
            if looks > Self.looksBeforeYield + Self.yieldsBeforePark {
                parkUntilAlone()
                break
            }
            if looks > Self.looksBeforeYield { sched_yield() }
            state = board.pointee.state.load(ordering: .acquiring)
        }
        board.pointee.body = nil
    }

    /// Time that helpers spent in the calls since this was asked last.
    func takeHelpTime() -> Duration { .nanoseconds(board.pointee.helpTime.exchange(0, ordering: .relaxed)) }

    private func parkUntilAlone() {
        parking.lock()
        while true {
            let state = board.pointee.state.bitwiseOr(State.ownerParks, ordering: .acquiringAndReleasing).newValue
            if State.runningCount(state) == 0 { break }
            parking.park()
        }
        parking.unlock()
    }

    // MARK: Helpers

    /// What `join` would find, without joining.
    func hasSeat(after seen: UInt32?) -> Bool {
        let state = board.pointee.state.load(ordering: .relaxed)
        return state & State.open != 0 && State.callNumber(state) != seen && State.joinedCount(state) < wanted
    }

    /// Takes the next member number of the call that is open.
    /// - Parameter seen: the call this helper joined last, which has nothing left for it.
    /// - Returns: nil when nothing is open, or no seat is left.
    func join(after seen: UInt32?) -> Seat? {
        var state = board.pointee.state.load(ordering: .relaxed)
        while state & State.open != 0, State.callNumber(state) != seen {
            let seats = min(wanted, Self.helpersMax)
            guard State.joinedCount(state) < seats else { return nil }
            let (exchanged, found) = board.pointee.state.compareExchange(
                expected: state, desired: state + State.joined + State.running, ordering: .acquiring)
            if exchanged {
                let member = State.joinedCount(state) + 1
                return Seat(member: member, call: State.callNumber(state), leavesRoom: member < seats)
            }
            state = found
        }
        return nil
    }

    /// Runs the offered computation as `seat` says, and leaves.
    func help(at seat: Seat) {
        let start = ContinuousClock.now
        run(as: seat.member)
        let time = start.duration(to: .now)
        board.pointee.helpTime.wrappingAdd(Int(time / .nanoseconds(1)), ordering: .relaxed)
        let state = board.pointee.state.wrappingSubtract(State.running, ordering: .acquiringAndReleasing).newValue
        guard State.runningCount(state) == 0, state & State.ownerParks != 0 else { return }
        // With the lock held the owner is either parked or has not looked yet.
        parking.lock()
        parking.wakeOne()
        parking.unlock()
    }

    /// On its own, so that its reference to the closure is given back when it returns: the owner's frame ends soon.
    @inline(never)
    private func run(as member: Int) { board.pointee.body?(member) }
}
