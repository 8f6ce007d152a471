import MartletCore
import MartletRollout
import MartletTestSupport
import Testing

@Suite("RolloutManager")
struct RolloutManagerTests {
    @Test("loads the newest version and routes to it")
    func loadsNewest() async throws {
        try await check(
            """
            > aspire sentiment/7 sentiment/8
            sentiment/7 discovered
            sentiment/8 discovered
            sentiment/8 verifying
            sentiment/8 loading
            sentiment/8 warming
            sentiment/8 ready
            sentiment → 8
            > lease sentiment
            leased sentiment/8, sha-a
            > lease sentiment:latest
            leased sentiment/8 by latest, sha-a
            > lease sentiment@8
            leased sentiment/8, sha-a
            > status
            sentiment/7 discovered leases=0
            sentiment/8 ready [latest] leases=0
            """)
    }

    @Test("keeps version 7 answering while version 8 fails its golden answers")
    func keepsOldVersionWhenGoldenAnswersFail() async throws {
        try await check(
            """
            > aspire sentiment/7
            sentiment/7 discovered
            sentiment/7 verifying
            sentiment/7 loading
            sentiment/7 warming
            sentiment/7 ready
            sentiment → 7
            > fail sentiment/8 golden answer 3 differs by 0.4
            > aspire sentiment/7 sentiment/8
            sentiment/8 discovered
            sentiment/8 verifying
            sentiment/8 loading
            sentiment/8 warming
            sentiment/8 failed: golden answer 3 differs by 0.4
            > lease sentiment
            leased sentiment/7, sha-a
            > lease sentiment@8
            UNAVAILABLE: version 8 of model sentiment is failed: golden answer 3 differs by 0.4; ready versions: 7
            > status
            sentiment/7 ready [latest] leases=0
            sentiment/8 failed quarantined: golden answer 3 differs by 0.4 leases=0
            """)
    }

    @Test("answers with the old version for as long as the new one loads")
    func oldAnswersDuringLoad() async throws {
        try await check(
            """
            > aspire a/1
            a/1 discovered
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 ready
            a → 1
            > hold a/2
            > aspire a/2
            a/2 discovered
            a/2 verifying
            a/2 loading
            a/2 warming
            > status
            a/1 ready [latest] leases=0
            a/2 warming leases=0
            > lease a
            leased a/1, sha-a
            > lease a@2
            UNAVAILABLE: version 2 of model a is warming; ready versions: 1
            > release a/2
            a/2 ready
            a/1 draining
            a/1 unloaded
              objects in memory: 1
            a → 2
            """)
    }

    @Test("falls back to an older version at the start when the newest fails")
    func fallsBackAtStart() async throws {
        try await check(
            """
            > fail a/3 a tensor is cut short
            > aspire a/2 a/3
            a/2 discovered
            a/3 discovered
            a/3 verifying
            a/3 loading
            a/3 warming
            a/3 failed: a tensor is cut short
            a/2 verifying
            a/2 loading
            a/2 warming
            a/2 ready
            a → 2
            """)
    }

    @Test("tries a failed version again only when its fingerprint changes, or when asked to")
    func quarantine() async throws {
        try await check(
            """
            > fail a/1 the manifest is missing
            > aspire a/1#x
            a/1 discovered
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 failed: the manifest is missing
            > aspire a/1#x
            > lease a
            UNAVAILABLE: version 1 of model a is failed: the manifest is missing; no version is ready
            > aspire a/1#y
            a/1 discovered
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 failed: the manifest is missing
            > heal a/1
            > aspire a/1#y
            > clear a/1
            a/1 out of quarantine
            a/1 discovered
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 ready
            a → 1
            """)
    }

    @Test("warns once, and goes on with what it has, when a published version changes")
    func publishedVersionChanged() async throws {
        try await check(
            """
            > aspire a/1#x
            a/1 discovered
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 ready
            a → 1
            > aspire a/1#y
            a/1 changed on disk while loaded; ignored
            > aspire a/1#y
            > lease a
            leased a/1, sha-x
            """)
    }

    @Test("tries again at once when a version changed while its load failed")
    func changedDuringFailedLoad() async throws {
        try await check(
            """
            > fail a/1 a file is cut short
            > hold a/1
            > aspire a/1#half
            a/1 discovered
            a/1 verifying
            a/1 loading
            a/1 warming
            > aspire a/1#whole
            > release a/1
            a/1 failed: a file is cut short
            a/1 discovered
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 failed: a file is cut short
            """)
    }

    @Test("keeps models apart: one failing changes nothing for another")
    func modelsApart() async throws {
        try await check(
            """
            > fail b/1 not an artifact
            > aspire a/1 b/1 c/1
            a/1 discovered
            b/1 discovered
            c/1 discovered
            a/1 verifying
            a/1 loading
            a/1 warming
            a/1 ready
            b/1 verifying
            b/1 loading
            b/1 warming
            b/1 failed: not an artifact
            c/1 verifying
            c/1 loading
            c/1 warming
            c/1 ready
            a → 1
            c → 1
            """)
    }

    @Test("follows labels, from the configuration and set later, and keeps what they lead to")
    func labels() async throws {
        try await check(
            """
            > aspire a/3 a/4
            a/3 discovered
            a/4 discovered
            a/4 verifying
            a/4 loading
            a/4 warming
            a/4 ready
            a/3 verifying
            a/3 loading
            a/3 warming
            a/3 ready
            a → 4
            > lease a:stable
            leased a/3 by stable, sha-a
            > status
            a/3 ready [stable] leases=0
            a/4 ready [latest] leases=0
            > label canary a 4
            a:canary → 4
            > lease a:canary
            leased a/4 by canary, sha-a
            > lease a:none
            NOT_FOUND: model a has no label none; its labels are: latest, canary, stable
            > label stable a 4
            a:stable → 4
            a/3 draining
            a/3 unloaded
              objects in memory: 1
            > label stable a 3
            FAILED_PRECONDITION: version a/3 is unloaded; a label needs a ready version
            > label stable a 9
            NOT_FOUND: there is no version 9 to lead to; `martlet models` lists what is served
            > label stable a
            a:stable → nothing
            > lease a:stable
            NOT_FOUND: model a has no label stable; its labels are: latest, canary
            """, RolloutConfiguration(labels: ["a": ["stable": 3]]))
    }

    @Test("says which versions are ready when another is asked for")
    func errors() async throws {
        try await check(
            """
            > lease a
            NOT_FOUND: there is no model a; `martlet models` lists what is served
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
            > lease a@7
            NOT_FOUND: model a has no version 7; ready versions: 1, 2
            """, RolloutConfiguration(defaults: ModelPolicy(selection: .all)))
    }

    @Test("repeats no name that could not be a model's or a label's")
    func strangeNames() async throws {
        let manager = try RolloutManager(loader: ScriptedLoader())
        let strange = String(repeating: "x y\n", count: 1_000)
        do {
            _ = try manager.lease(ModelReference(name: strange))
            Issue.record("there is no such model")
        } catch {
            #expect(error.code == .notFound)
            #expect(error.message == "there is no model of that name; `martlet models` lists what is served")
        }
        await manager.aspire(to: [AspiredVersion(id: .init(model: "a", number: 1), location: "", fingerprint: "")])
        await manager.settled()
        do {
            _ = try manager.lease(ModelReference(name: "a", selector: .label(strange)))
            Issue.record("there is no such label")
        } catch {
            #expect(error.message == "model a has no label of that name; its labels are: latest")
        }
        await manager.shutdown()
    }
}
