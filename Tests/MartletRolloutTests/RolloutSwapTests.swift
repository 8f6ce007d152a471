import Foundation
import MartletCore
import MartletRollout
import Synchronization
import Testing

@Suite("Swapping under traffic")
struct RolloutSwapTests {
    @Test("200 swaps beside 8 threads that lease: no lease fails, every old version is freed", .timeLimit(.minutes(5)))
    func swaps() async throws {
        let loader = ScriptedLoader()
        let manager = try RolloutManager(loader: loader)
        let version = { number in
            AspiredVersion(id: VersionID(model: "a", number: number), location: "", fingerprint: "\(number)")
        }
        await manager.aspire(to: [version(1)])
        await manager.settled()

        let traffic = Traffic()
        for _ in 0..<8 {
            let thread = Thread { traffic.run(on: manager) }
            thread.start()
        }
        while traffic.leases == 0 { await Task.yield() }
        for swap in 1...200 {
            // Up and down in turns: `latest` must follow both ways.
            let number = swap.isMultiple(of: 2) ? 1 : 2
            await manager.aspire(to: [version(number)])
            // A thread that stands still with a lease keeps the version in memory, and its next load waits for it.
            while manager.routes().readyVersions(of: "a") != [number] { await Task.yield() }
        }
        traffic.stop()
        while traffic.running > 0 { await Task.yield() }
        await manager.settled()

        #expect(traffic.failures == [])
        #expect(traffic.leases > 1_000)
        #expect(loader.ledger.total <= 201)
        #expect(loader.ledger.living == 1)
        await manager.shutdown()
        #expect(loader.ledger.living == 0)
        #expect(loader.ledger.doubleFrees == 0)
    }
}

private final class Traffic: Sendable {
    private let stopping = Atomic(false)
    private let runningThreads = Atomic(8)
    private let leaseCount = Atomic(0)
    private let problems = Mutex<[String]>([])

    var running: Int { runningThreads.load(ordering: .acquiring) }
    var leases: Int { leaseCount.load(ordering: .relaxed) }
    var failures: [String] { problems.withLock { $0 } }
    func stop() { stopping.store(true, ordering: .relaxed) }

    func run(on manager: RolloutManager<ScriptedLoader>) {
        while !stopping.load(ordering: .relaxed) {
            do throws(MartletError) {
                let lease = try manager.lease(ModelReference(name: "a")).lease
                if !lease.loaded.isAlive { problems.withLock { $0.append("freed while leased") } }
                if lease.loaded.id != lease.identity.id { problems.withLock { $0.append("another version's bits") } }
                if lease.identity.digest != "sha-\(lease.identity.version)" {
                    problems.withLock { $0.append("another version's digest") }
                }
                leaseCount.add(1, ordering: .relaxed)
            } catch {
                problems.withLock { $0.append("\(error)") }
            }
        }
        runningThreads.subtract(1, ordering: .releasing)
    }
}
