package import MartletCore
internal import Synchronization

/// A fixed set of threads that help whoever calls, for programs that have no pool.
///
/// Between calls the helpers look for the next one for 100 us, since such a program often calls again at once, and then
/// park. One caller at a time has them: another thread that calls meanwhile runs alone.
package final class ThreadTeam: ComputeTeam {
    package let width: Int
    private let core: PoolCore<NoWork>
    private let helpers: [ComputeThread]
    private let isTaken = Atomic(false)

    /// - Parameter threads: the caller's included; 1 to `ComputeThreads.teamMax`, and taken as the nearest of these.
    /// - Throws: `.resourceExhausted` when the system gives no thread.
    package init(threads: Int) throws(MartletError) {
        width = min(max(1, threads), ComputeThreads.teamMax)
        let settings = BatchQueue<PoolItem<NoWork>>.Settings(batchTokensMax: 1, queueTokensMax: 0, workers: width - 1)
        let core = PoolCore<NoWork>(settings: settings, helperTokensMin: 1, hasOutsider: true)
        core.want(width - 1, as: core.outsider)
        self.core = core
        helpers = try ComputeThread.start(count: width - 1, name: "martlet-team") { number in
            core.work(as: number) { _ in }
        } whenNoneIsLeft: {
            core.close()
        }
    }

    deinit {
        core.close()
        for helper in helpers { helper.join() }
    }

    package var idleThreads: Int { isTaken.load(ordering: .relaxed) ? 0 : core.idleThreads(for: core.outsider) }

    package func together(_ body: (_ member: Int) -> Void) {
        guard !isTaken.exchange(true, ordering: .acquiring) else { return body(0) }
        core.together(as: core.outsider, body)
        isTaken.store(false, ordering: .releasing)
    }
}

/// Never made: a team has no queue.
private enum NoWork: ScheduledWork {
    var costTokens: Int { 0 }
    var batchKey: ObjectIdentifier { ObjectIdentifier(ThreadTeam.self) }
    var deadline: Deadline { .none }
    var isCancelled: Bool { true }
    func refuse(_ error: MartletError) {}
}
