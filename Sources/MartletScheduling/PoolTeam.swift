internal import MartletCore

/// A pool's other threads, as one of its workers sees them.
struct PoolTeam<Work: ScheduledWork>: ComputeTeam {
    let core: PoolCore<Work>
    /// The worker's.
    let number: Int

    var width: Int { core.teamWidth }
    var idleThreads: Int { core.idleThreads(for: number) }

    func together(_ body: (_ member: Int) -> Void) { core.together(as: number, body) }
}
