import MartletCore
import MartletRollout
import MartletTestSupport
import Testing

@Suite("Watching models")
struct ListWatchersTests {
    private func versions(_ words: String...) -> [AspiredVersion] {
        words.map { word in
            let parts = word.split(separator: "/")
            return AspiredVersion(
                id: VersionID(model: String(parts[0]), number: Int(parts[1]) ?? 0), location: word, fingerprint: "a")
        }
    }

    @Test("the list comes now and after a change; of changes that nobody read only the last is kept")
    func newest() async throws {
        let manager = try RolloutManager(loader: ScriptedLoader())
        var watch = manager.watch().makeAsyncIterator()
        #expect(await watch.next()?.isEmpty == true)
        await manager.aspire(to: versions("a/1"))
        await manager.settled()
        await manager.aspire(to: versions("a/1", "a/2"))
        await manager.settled()
        // Some twenty changes went by.
        let list = await watch.next()
        #expect(list?.map(\.state) == [.discovered, .ready] || list?.map(\.state) == [.unloaded, .ready])
        await manager.shutdown()
    }

    @Test("a watch of one model hears of no other, and of an unknown one nothing until it is there")
    func named() async throws {
        let manager = try RolloutManager(loader: ScriptedLoader())
        var a = manager.watch(named: "a").makeAsyncIterator()
        var b = manager.watch(named: "b").makeAsyncIterator()
        #expect(await a.next()?.isEmpty == true)
        #expect(await b.next()?.isEmpty == true)
        await manager.aspire(to: versions("a/1"))
        await manager.settled()
        #expect(await a.next()?.map(\.name) == ["a"])
        await manager.aspire(to: versions("a/1", "b/1"))
        await manager.settled()
        #expect(await b.next()?.map(\.state) == [.ready])
        await manager.shutdown()
        // What came last for a was its shutdown, not b.
        #expect(await a.next()?.contains { $0.name == "b" } != true)
    }

    @Test("a watch ends when its reader goes, when its task is cancelled, and at the shutdown; none is left over")
    func ends() async throws {
        let manager = try RolloutManager(loader: ScriptedLoader())
        await manager.aspire(to: versions("a/1"))
        await manager.settled()
        do {
            var dropped = manager.watch().makeAsyncIterator()
            _ = await dropped.next()
            #expect(manager.watcherCount == 1)
        }
        while manager.watcherCount > 0 { await Task.yield() }

        let reader = Task { for await _ in manager.watch() {} }
        while manager.watcherCount == 0 { await Task.yield() }
        reader.cancel()
        await reader.value
        #expect(manager.watcherCount == 0)

        let readers = (0..<50).map { _ in
            Task {
                var lists = 0
                for await _ in manager.watch() { lists += 1 }
                return lists
            }
        }
        while manager.watcherCount < 50 { await Task.yield() }
        await manager.shutdown()
        for reader in readers { #expect(await reader.value >= 1) }
        #expect(manager.watcherCount == 0)
        var late = 0
        for await _ in manager.watch() { late += 1 }
        #expect(late == 1)
    }

    @Test("watchers that come and go while versions change are all told in order, and leave nothing")
    func manyWatchers() async throws {
        let loader = ScriptedLoader()
        let manager = try RolloutManager(loader: loader)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    for _ in 0..<20 {
                        var newest = 0
                        for await list in manager.watch(named: "a") {
                            let ready = list.last { $0.state == .ready }?.version ?? 0
                            #expect(ready >= newest || ready == 0)
                            newest = max(newest, ready)
                            if newest > 0 { break }
                        }
                    }
                }
            }
            group.addTask {
                for version in 1...30 {
                    await manager.aspire(
                        to: [
                            AspiredVersion(
                                id: VersionID(model: "a", number: version), location: "a", fingerprint: "a")
                        ])
                    await manager.settled()
                }
            }
        }
        while manager.watcherCount > 0 { await Task.yield() }
        await manager.shutdown()
    }

    @Test("rollouts are watched in the same way: the list now, after each change, of one model or of all")
    func rollouts() async throws {
        let configuration = RolloutConfiguration(
            defaults: ModelPolicy(selection: .routed), labels: ["a": ["latest": 1]])
        let manager = try RolloutManager(configuration: configuration, loader: ScriptedLoader())
        let (all, other) = (manager.watchRollouts(), manager.watchRollouts(named: "b"))
        await manager.aspire(to: versions("a/1", "a/2"))
        await manager.settled()
        let spec = RolloutSpec(model: "a", version: 2)
        _ = try await manager.start(spec)
        await manager.settled()
        #expect(manager.rollouts().map(\.phase) == [.baking])
        #expect(manager.rollouts(named: "b").isEmpty)
        var iterator = all.makeAsyncIterator()
        #expect(await iterator.next()?.map(\.spec) == [spec])
        _ = try await manager.rollback(label: "latest", of: "a", reason: "")
        #expect(await iterator.next()?.map(\.phase) == [.rolledBack])
        await manager.shutdown()
        #expect(await iterator.next() == nil)
        var lists: [[RolloutStatus]] = []
        for await list in other { lists.append(list) }
        #expect(lists == [[]])
        #expect(manager.watcherCount == 0)
    }

    @Test("a lease for looking is given on a version that drains, and not once its last call has ended")
    func inspects() async throws {
        let manager = try RolloutManager(loader: ScriptedLoader())
        await manager.aspire(to: versions("a/1"))
        await manager.settled()
        var held: Lease<FakeVersion>? = try manager.lease(ModelReference(name: "a")).lease
        try await manager.unload(model: "a")
        #expect(manager.leasesOnLoaded().map(\.identity.version) == [1])
        #expect(held?.loaded.isAlive == true)
        held = nil
        await manager.settled()
        #expect(manager.leasesOnLoaded().isEmpty && manager.leasesOnLoaded(named: "a").isEmpty)
        await manager.shutdown()
    }
}
