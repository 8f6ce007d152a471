import MartletCore
import MartletRollout
import Testing

@Suite("Routes")
struct RolloutRouteTests {
    private static let all = RolloutConfiguration(defaults: ModelPolicy(selection: .all))

    @Test("lead to several versions, and refuse what cannot be, with the reason")
    func scripts() async throws {
        try await check(
            """
            > aspire a/1 a/2 a/3
            a/1 discovered
            a/2 discovered
            a/3 discovered
            a/3 verifying
            a/3 loading
            a/3 warming
            a/3 ready
            a/2 verifying
            a/2 loading
            a/2 warming
            a/2 ready
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 ready
            a → 3
            > route canary a 1=99 3=1 key=x-user shadow=2:50
            a:canary → 1 99 %, 3 1 % by x-user; 2 answers copies of 50 %
            > routes
            a:canary 1=99 3=1 shadow=2:50 agreed 0 of 0
            > status
            a/1 ready [canary] leases=0
            a/2 ready leases=0
            a/3 ready [canary latest] leases=0
            > route canary a
            INVALID_ARGUMENT: targets has 0 entries; a route has 1 to 16
            > route canary a 1=1 1=2
            INVALID_ARGUMENT: targets[1].version is 1 a second time; give it one weight
            > route canary a 1=0
            INVALID_ARGUMENT: targets[0].weight is 0, not 1 to 1000000
            > route canary a 1=1000001
            INVALID_ARGUMENT: targets[0].weight is 1000001, not 1 to 1000000
            > route canary a 0=1
            INVALID_ARGUMENT: targets[0].version is 0; versions are positive
            > route canary a 1=1 shadow=2:0
            INVALID_ARGUMENT: shadow.percent is 0.0, not above 0 up to 100
            > route canary a 1=1 shadow=2:100.5
            INVALID_ARGUMENT: shadow.percent is 100.5, not above 0 up to 100
            > route canary a 1=1 key=X-User
            INVALID_ARGUMENT: sticky_key must be the name of a metadata entry in lower case, such as x-user-id
            > route canary a 1=1 9=1
            NOT_FOUND: there is no version 9 to lead to; `martlet models` lists what is served
            > route canary a 1=1 shadow=9:1
            NOT_FOUND: there is no version 9 to lead to; `martlet models` lists what is served
            > route ca:nary a 1=1
            INVALID_ARGUMENT: a label is 1 to 128 of A-Z a-z 0-9 . _ -, the first a letter or a digit
            > route canary b 1=1
            NOT_FOUND: there is no version 1 to lead to; `martlet models` lists what is served
            > label canary a
            a:canary → nothing
            > routes
            """, Self.all)
    }

    @Test("a route named latest decides for calls by name alone; without it the highest ready version answers")
    func latest() async throws {
        try await check(
            """
            > aspire a/1 a/2
            a/1 discovered
            a/2 discovered
            a/2 verifying
            a/2 loading
            a/2 warming
            a/2 ready
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 ready
            a → 2
            > label latest a 1
            a:latest → 1
            a → 1
            > lease a
            leased a/1, sha-a
            > lease a:latest
            leased a/1 by latest, sha-a
            > label latest a
            a:latest → nothing
            a → 2
            > lease a
            leased a/2, sha-a
            """, Self.all)
    }

    private func manager(_ route: ModelRoute?) async throws -> RolloutManager<ScriptedLoader> {
        let manager = try RolloutManager(configuration: Self.all, loader: ScriptedLoader())
        await manager.aspire(to: Self.versions(1...3))
        await manager.settled()
        try await manager.setRoute(route, label: "latest", of: "a")
        return manager
    }

    private static func versions(_ numbers: ClosedRange<Int>) -> [AspiredVersion] {
        numbers.map { AspiredVersion(id: VersionID(model: "a", number: $0), location: "", fingerprint: "") }
    }

    /// Share of each version among `calls`.
    private func shares(
        _ manager: RolloutManager<ScriptedLoader>, calls: Int = 20_000
    ) throws -> [Int: Double] {
        var counts: [Int: Int] = [:]
        for _ in 0..<calls {
            let version = try manager.lease(ModelReference(name: "a")).lease.identity.version
            counts[version, default: 0] += 1
        }
        return counts.mapValues { Double($0) / Double(calls) }
    }

    private static func user(_ number: Int) -> CallMetadata {
        CallMetadata([(name: "x-user", value: Array("user \(number)".utf8))])
    }

    @Test("by chance each version gets its share of the calls", arguments: [false, true])
    func chance(sticky: Bool) async throws {
        // A call without the entry is decided by chance.
        let route = ModelRoute(
            targets: [.init(version: 1, weight: 70), .init(version: 2, weight: 29), .init(version: 3, weight: 1)],
            stickyKey: sticky ? "x-user" : "")
        let manager = try await manager(route)
        let shares = try shares(manager)
        // Five standard deviations of 20 000 draws.
        #expect(abs((shares[1] ?? 0) - 0.70) < 0.0162)
        #expect(abs((shares[2] ?? 0) - 0.29) < 0.0161)
        #expect(abs((shares[3] ?? 0) - 0.01) < 0.0036)
        await manager.shutdown()
    }

    @Test("a value sticks to its version; 10 000 of them spread by weight, and a growing share keeps those it had")
    func sticky() async throws {
        let manager = try await manager(nil)
        var before: Set<Int> = []
        for percent in [1, 5, 10, 25, 50, 90, 100] {
            var targets = [ModelRoute.Target(version: 3, weight: percent)]
            if percent < 100 { targets.append(.init(version: 1, weight: 100 - percent)) }
            try await manager.setRoute(
                ModelRoute(targets: targets, stickyKey: "x-user"), label: "latest", of: "a")
            var new: Set<Int> = []
            for user in 0..<10_000 {
                let reference = ModelReference(name: "a")
                let version = try manager.lease(reference, for: Self.user(user)).lease.identity.version
                #expect(try manager.lease(reference, for: Self.user(user)).lease.identity.version == version)
                if version == 3 { new.insert(user) }
            }
            // Five standard deviations at the widest.
            #expect(abs(Double(new.count) / 10_000 - Double(percent) / 100) < 0.025)
            #expect(new.isSuperset(of: before))
            before = new
        }
        await manager.shutdown()
    }

    @Test("the share of a version that is not ready goes to the others, and values of the others stay where they are")
    func missingTarget() async throws {
        let route = ModelRoute(
            targets: [.init(version: 1, weight: 1), .init(version: 2, weight: 1), .init(version: 3, weight: 2)],
            stickyKey: "x-user")
        let manager = try await manager(route)
        let reference = ModelReference(name: "a")
        var before: [Int: Int] = [:]
        for user in 0..<2_000 {
            before[user] = try manager.lease(reference, for: Self.user(user)).lease.identity.version
        }
        // Withdrawn: the route still names it.
        await manager.aspire(to: Self.versions(1...2))
        await manager.settled()
        var taken: [Int: Int] = [:]
        for user in 0..<2_000 {
            let version = try manager.lease(reference, for: Self.user(user)).lease.identity.version
            if before[user] == 3 { taken[version, default: 0] += 1 } else { #expect(before[user] == version) }
        }
        #expect(taken.keys.sorted() == [1, 2])
        // Half of a thousand each, within five standard deviations.
        #expect(taken.values.allSatisfy { abs($0 - 500) < 100 })
        let shares = try shares(manager)
        #expect(abs((shares[1] ?? 0) - 0.5) < 0.02 && shares[3] == nil)
        await manager.shutdown()
    }

    @Test("a shadow gets its share of the calls whatever answers them, and never the call that it answers itself")
    func shadow() async throws {
        let route = ModelRoute(
            targets: [.init(version: 1, weight: 1), .init(version: 2, weight: 1)],
            shadow: .init(version: 2, percent: 10))
        let manager = try await manager(route)
        var (copies, answered) = (0, 0)
        for _ in 0..<20_000 {
            let routed = try manager.lease(ModelReference(name: "a"))
            guard routed.lease.identity.version == 1 else {
                #expect(routed.shadow == nil)
                continue
            }
            answered += 1
            guard let shadow = routed.shadow else { continue }
            #expect(shadow.lease.identity.version == 2 && shadow.recorder.version == 2)
            copies += 1
        }
        #expect(abs(Double(copies) / Double(answered) - 0.1) < 0.015)
        await manager.shutdown()
    }

    @Test("a recorder stays for as long as the shadow is the same")
    func recorder() async throws {
        let manager = try await manager(ModelRoute(targets: [.init(version: 1, weight: 1)]))
        func compare() throws {
            let shadow = try #require(try manager.lease(ModelReference(name: "a")).shadow)
            shadow.recorder.compared([(agrees: true, drift: 0)], callerTime: .zero, shadowTime: .zero)
        }
        for (version, percent, expected) in [(2, 100.0, 1), (2, 100, 2), (3, 100, 1), (2, 100, 1)] {
            var route = ModelRoute(to: 1)
            route.shadow = .init(version: version, percent: percent)
            try await manager.setRoute(route, label: "latest", of: "a")
            try compare()
            #expect(manager.routeStatuses(named: "a").first?.comparison?.texts == expected)
        }
        #expect(manager.routeStatuses(named: "b").isEmpty)
        await manager.shutdown()
    }
}
