import Foundation
import MartletCore
import MartletRollout
import MartletTestSupport
import Testing

@Suite("RolloutManager under chance")
struct RolloutSeedsTests {
    /// `MARTLET_SEEDS=10000` plays that many, for the nightly run.
    private static let seeds = ProcessInfo.processInfo.environment["MARTLET_SEEDS"].flatMap(Int.init) ?? 200
    private static let parts = 8

    @Test("holds its promises in 200 random lives", arguments: 0..<parts)
    func randomScenarios(part: Int) async throws {
        for seed in stride(from: part, to: Self.seeds, by: Self.parts) {
            try await RolloutScenario(seed: UInt64(seed)).play()
        }
    }
}
