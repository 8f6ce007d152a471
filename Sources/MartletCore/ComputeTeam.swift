/// Threads that may lend a hand to one computation: offered by whoever owns threads, used by whoever has work to split.
package protocol ComputeTeam: Sendable {
    /// Threads that `together` runs on at most, the caller's included.
    var width: Int { get }
    /// Other threads that would begin at once: a guess, out of date as soon as it is read.
    var idleThreads: Int { get }

    /// Runs `body` on the calling thread with member number 0 and, as they become idle, on other threads with numbers
    /// 1 ..< `width`, each number at most once at a time. Returns when every call of `body` has returned.
    ///
    /// Nobody is waited for who has not begun: `body` must get everything done on the caller's thread alone, and a call
    /// of it returns when it finds nothing left to do.
    func together(_ body: (_ member: Int) -> Void)
}
