import Foundation
import MartletCore
import MartletRollout
import Testing

@Suite("RolloutManager under chance")
struct RolloutSeedsTests {
    /// `MARTLET_SEEDS=10000` plays that many, for the nightly run.
    private static let seeds = ProcessInfo.processInfo.environment["MARTLET_SEEDS"].flatMap(Int.init) ?? 200
    private static let parts = 8

    @Test("holds its promises in 200 random lives, in which everything happens that can")
    func randomLives() async throws {
        let happened = EventLog()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in 0..<Self.parts {
                group.addTask {
                    for seed in stride(from: part, to: Self.seeds, by: Self.parts) {
                        try await RolloutScenario(seed: UInt64(seed), happened: happened).play()
                    }
                }
            }
            try await group.waitForAll()
        }
        let counts = Dictionary(happened.take().map { ($0, 1) }, uniquingKeysWith: +)
        for kind in [
            "ready", "returned", "draining", "drain_overdue", "unloaded", "failed", "abandoned", "changed_while_loaded",
            "quarantined", "quarantine_cleared", "memory_refused", "wished", "idle", "waking", "routed", "rolled_back",
            "rollout_failed", "rollout_completed", "rollout_step", "state_not_saved",
        ] {
            #expect(counts[kind, default: 0] > 0, "none of \(Self.seeds) lives has met \(kind): \(counts)")
        }
        #expect(counts["step_ignored"] == nil)
    }
}
