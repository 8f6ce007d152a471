import Foundation
import MartletCore
import MartletRollout
import MartletServing
import MartletTestSupport
import Testing

@Suite("Routes and rollouts of real models", .timeLimit(.minutes(5)))
struct RolloutServingTests {
    private let context = CallContext()

    private func twoVersions() throws -> ServedFolder {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        try folder.add("tiny", version: 2, seed: 2)
        return folder
    }

    /// Texts to which the two versions give different labels.
    private func disputed(_ server: InferenceServer) async throws -> [String] {
        var texts: [String] = []
        for text in sampleTexts(200, seed: 11) {
            let first = try await server.answer(text, model: "tiny@1").label
            if try await server.answer(text, model: "tiny@2").label != first { texts.append(text) }
        }
        return texts
    }

    @Test("a weighted split shares the calls, and every answer has the bits of the version it names")
    func split() async throws {
        let server = try await twoVersions().serve { $0.rollouts.defaults.selection = .all }
        let texts = sampleTexts(10)
        var expected: [Int: [[Float]]] = [:]
        for version in [1, 2] {
            for text in texts {
                expected[version, default: []].append(try await server.answer(text, model: "tiny@\(version)").logits)
            }
        }
        let route = ModelRoute(targets: [.init(version: 1, weight: 1), .init(version: 2, weight: 1)])
        try await server.setRoute(route, label: "canary", of: "tiny", context: context)
        var counts: [Int: Int] = [:]
        for turn in 0..<400 {
            let answer = try await server.answer(texts[turn % texts.count], model: "tiny:canary")
            #expect(answer.logits == expected[answer.version]?[turn % texts.count])
            counts[answer.version, default: 0] += 1
        }
        // Eight standard deviations.
        #expect(counts.values.allSatisfy { (120...280).contains($0) } && counts.count == 2, "\(counts)")
        await server.shutdown()
    }

    @Test("a sticky key keeps its version, in the metadata of every kind of call")
    func sticky() async throws {
        let server = try await twoVersions().serve { $0.rollouts.defaults.selection = .all }
        let route = ModelRoute(
            targets: [.init(version: 1, weight: 1), .init(version: 2, weight: 1)], stickyKey: "user")
        try await server.setRoute(route, label: "latest", of: "tiny", context: context)
        var versions: Set<Int> = []
        for user in 0..<40 {
            let metadata = CallMetadata([(name: "user", value: Array("user-\(user)".utf8))])
            let version = try await server.answer("the", metadata: metadata).version
            versions.insert(version)
            for _ in 0..<3 { #expect(try await server.answer("people", metadata: metadata).version == version) }
            let tokens = try await server.tokenize(
                TokenizeRequest(model: ModelReference(name: "tiny"), inputs: [TextInput("the")]),
                context: CallContext(metadata: metadata))
            #expect(tokens.model.version == version)
        }
        #expect(versions == [1, 2])
        await server.shutdown()
    }

    @Test("a rollout whose version answers differently is taken back by its shadow's disagreement, and its bytes stay out")
    func guarded() async throws {
        let clock = ManualClock()
        let log = EventLog()
        let server = try await twoVersions().serve(
            change: {
                $0.rollouts.defaults.selection = .routed
                $0.rollouts.labels = ["tiny": ["latest": 1, "both": 2]]
                $0.clock = clock
            }, onEvent: log.add)
        let texts = try await disputed(server)
        try #require(texts.count >= 5)
        var spec = RolloutSpec(model: "tiny", version: 2, steps: [.init(percent: 100, bake: .seconds(3_600))])
        spec.shadowPercent = 100
        spec.rules.errorRateMax = nil
        spec.rules.disagreementMax = 0.1
        spec.rules.callsMin = 20
        spec.rules.window = .seconds(600)
        let plan = try await server.planRollout(spec, context: context)
        #expect(plan.problems.isEmpty && plan.from == 1 && plan.to == 2, "\(plan)")
        let started = try await server.startRollout(spec, context: context)
        #expect(!started.phase.isOver)
        try await advance(clock) {
            let status = try await server.rollouts(named: "tiny", context: context).first
            if status?.phase == .shadowing {
                for text in texts { #expect(try await server.answer(text).version == 1) }
            }
            return status?.phase.isOver ?? false
        }
        let status = try #require(try await server.rollouts(named: "tiny", context: context).first)
        #expect(status.phase == .rolledBack && status.reason.hasPrefix("disagreement"), "\(status)")
        for text in texts.prefix(5) { #expect(try await server.answer(text).version == 1) }
        #expect(log.text.contains { $0.contains("rollout: rolled back to version 1: disagreement") })
        let quarantined = server.statuses().first { $0.version == 2 }
        #expect(quarantined?.isQuarantined == true)
        await server.shutdown()
    }

    @Test("a rollout whose version holds its rules goes through its steps to all calls")
    func completed() async throws {
        let clock = ManualClock()
        let server = try await twoVersions().serve {
            $0.rollouts.defaults.selection = .routed
            $0.rollouts.labels = ["tiny": ["latest": 1]]
            $0.clock = clock
        }
        #expect(server.statuses().first { $0.version == 2 }?.state != .ready)
        let steps = [10, 50, 100].map { RolloutSpec.Step(percent: $0, bake: .seconds(30)) }
        _ = try await server.startRollout(RolloutSpec(model: "tiny", version: 2, steps: steps), context: context)
        var seen: Set<Double> = []
        try await advance(clock) {
            let status = try await server.rollouts(named: "tiny", context: context).first
            if let status { seen.insert(status.percent) }
            #expect([1, 2].contains(try await server.answer("the").version))
            return status?.phase.isOver ?? false
        }
        #expect(try await server.rollouts(named: "tiny", context: context).first?.phase == .completed)
        #expect(seen.isSuperset(of: [10, 50, 100]), "\(seen)")
        #expect(try await server.answer("the").version == 2)
        // Back at once: the old version is kept.
        let back = try await server.rollback(label: "latest", of: "tiny", reason: "", context: context)
        #expect(back.phase == .rolledBack)
        #expect(try await server.answer("the").version == 1)
        await server.shutdown()
    }

    @Test("what operators decided holds in the next life of the server: routes, stopped models, single versions")
    func restored() async throws {
        let folder = try twoVersions()
        try folder.add("other", version: 1, seed: 3)
        let state = folder.root.appendingPathComponent("state").path
        var server = try await folder.serve { $0.stateFolder = state }
        _ = try await server.loadVersion(VersionID(model: "tiny", number: 1), context: context)
        let route = ModelRoute(targets: [.init(version: 1, weight: 3), .init(version: 2, weight: 1)])
        try await server.setRoute(route, label: "canary", of: "tiny", context: context)
        try await server.unloadModel(named: "other", context: context)
        await server.shutdown()

        server = try await folder.serve { $0.stateFolder = state }
        #expect(server.states() == [.ready, .ready] && server.states(of: "other") == [.unloaded])
        #expect(try await server.route("canary")?.route == route)
        #expect(try await server.answer("the", model: "tiny@1").version == 1)
        try await server.setRoute(nil, label: "canary", of: "tiny", context: context)
        try await server.unloadVersion(VersionID(model: "tiny", number: 1), context: context)
        _ = try await server.loadModel(named: "other", context: context)
        await server.shutdown()

        server = try await folder.serve { $0.stateFolder = state }
        #expect(try await server.route("canary") == nil)
        #expect(server.states()[1] == .ready && server.states()[0] != .ready)
        #expect(server.states(of: "other") == [.ready])
        await server.shutdown()
    }

    @Test("a state that cannot be saved stops no server; what operators ask is refused with the way out")
    func unwritableState() async throws {
        let folder = try twoVersions()
        // Nobody makes a folder there, root neither.
        let server = try await folder.serve { $0.stateFolder = "/proc/martlet-state" }
        #expect(try await server.answer("the").version == 2)
        let error = await #expect(throws: MartletError.self) {
            try await server.setLabel("stable", of: "tiny", to: 2, context: CallContext())
        }
        #expect(error?.message.contains("--state") == true, "\(String(describing: error))")
        #expect(try await server.route("stable") == nil)
        await server.shutdown()
    }

    @Test("a torn state stops the start, and says how to go on")
    func tornState() async throws {
        let folder = try twoVersions()
        let state = folder.root.appendingPathComponent("state")
        let server = try await folder.serve { $0.stateFolder = state.path }
        try await server.setLabel("stable", of: "tiny", to: 2, context: context)
        await server.shutdown()
        let file = state.appendingPathComponent(StateFile.name)
        let whole = try Data(contentsOf: file)
        try whole.prefix(whole.count / 2).write(to: file)
        chmod(file.path, 0o600)
        let error = await #expect(throws: MartletError.self) {
            _ = try await folder.serve { $0.stateFolder = state.path }
        }
        #expect(error?.message.contains("Move it away") == true, "\(String(describing: error))")
    }

    @Test("a load that the memory budget has no room for is refused with the missing bytes")
    func budget() async throws {
        let folder = try twoVersions()
        let bytes = 200_000
        let server = try await folder.serve { $0.rollouts.memoryBytesMax = bytes }
        #expect(server.states().count { $0 == .ready } == 1)
        let error = await #expect(throws: MartletError.self) {
            _ = try await server.loadVersion(VersionID(model: "tiny", number: 1), context: CallContext())
        }
        #expect(error?.code == .resourceExhausted, "\(String(describing: error))")
        #expect(try await server.answer("the").version == 2)
        await server.shutdown()
    }

    @Test("an idle model leaves memory, and the next calls load it once and are answered")
    func idle() async throws {
        let clock = ManualClock()
        let log = EventLog()
        let server = try await twoVersions().serve(
            change: {
                $0.rollouts.defaults.idleUnload = .seconds(60)
                $0.clock = clock
            }, onEvent: log.add)
        #expect(try await server.answer("the").version == 2)
        await advance(clock) { !server.states().contains(.ready) && !server.states().contains(.draining) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    let version = try await server.answer("the").version
                    #expect(version == 2)
                }
            }
            try await group.waitForAll()
        }
        #expect(log.text.count { $0 == "tiny/2 ready" } == 2)
        await server.shutdown()
    }

    @Test("a new configuration holds at once: more versions, then fewer, with labels")
    func configured() async throws {
        let server = try await twoVersions().serve()
        #expect(server.states().count { $0 == .ready } == 1)
        await server.configure(
            RolloutConfiguration(
                defaults: ModelPolicy(selection: .latest(2)), labels: ["tiny": ["stable": 1]]))
        await until { server.states() == [.ready, .ready] }
        #expect(try await server.answer("the", model: "tiny:stable").version == 1)
        await server.configure(
            RolloutConfiguration(models: ["tiny": ModelPolicy(selection: .specific([1]))]))
        await until { server.states().first == .ready && server.states().last != .ready }
        #expect(try await server.answer("the").version == 1)
        await server.shutdown()
    }
}
