import Foundation
import MartletCore
import MartletRollout
import Testing
import martlet

@Suite("The file of modelsConfig")
struct ModelsFileTests {
    private let whole = """
        memory: 8GiB
        defaults: { versions: latest 2, idleUnload: 1h }
        models:
          guard:
            versions: [3, 4]
            order: memory
            idleUnload: never
            pin: true
            labels: { stable: 3, latest: 4 }
          topics: { versions: all }
          quiet: { versions: routed, order: availability }
          newest: { versions: latest }
        """

    @Test("says what is wanted of each model; what it leaves out is as the defaults say")
    func parsed() throws {
        let configuration = try ModelsFile.parse(whole, file: "models.yaml", memoryBytesMax: 5)
        let hour = Duration.seconds(3_600)
        #expect(configuration.memoryBytesMax == 8 << 30)
        #expect(configuration.defaults == ModelPolicy(selection: .latest(2), idleUnload: hour))
        #expect(
            configuration.models == [
                "guard": ModelPolicy(
                    selection: .specific([3, 4]), order: .memoryFirst, idleUnload: nil, isPinned: true),
                "topics": ModelPolicy(selection: .all, idleUnload: hour),
                "quiet": ModelPolicy(selection: .routed, idleUnload: hour),
                "newest": ModelPolicy(selection: .latest(1), idleUnload: hour),
            ])
        #expect(configuration.labels == ["guard": ["stable": 3, "latest": 4]])
    }

    @Test("JSON is read as well; an empty file wants what no file wants")
    func forms() throws {
        let json = #"{"memory": 0, "models": {"a": {"versions": [1], "pin": true, "labels": {"x": 1}}}}"#
        let configuration = try ModelsFile.parse(json, file: "models.json", memoryBytesMax: 5)
        #expect(configuration.memoryBytesMax == nil)
        #expect(configuration.models["a"] == ModelPolicy(selection: .specific([1]), isPinned: true))
        for text in ["", " \n", "\n\n"] {
            #expect(
                try ModelsFile.parse(text, file: "models.yaml", memoryBytesMax: 5)
                    == RolloutConfiguration(memoryBytesMax: 5))
        }
    }

    @Test(
        "names the file and the field that does not hold, and what it must be",
        arguments: [
            ("memry: 1", "memry is no key of a modelsConfig; did you mean 'memory'?"),
            ("memory: much", "memory is 'much' and must be a size"),
            ("defaults: 3", "defaults must be keys with values"),
            ("defaults: {order: random}", "defaults.order is 'random' and must be availability or memory"),
            ("defaults: {labels: {a: 1}}", "defaults.labels is no key"),
            ("models: [a]", "models must be keys with values"),
            ("models: {a: {version: all}}", "models.a.version is no key of a modelsConfig; did you mean 'versions'?"),
            ("models: {a: {versions: latest 0}}", "models.a.versions is 'latest 0' and must be latest"),
            ("models: {a: {versions: newest}}", "models.a.versions is 'newest'"),
            ("models: {a: {versions: []}}", "models.a.versions is ''"),
            ("models: {a: {versions: [1, x]}}", "models.a.versions is '1, x'"),
            ("models: {a: {versions: [0]}}", "models.a.versions is '0'"),
            ("models: {a: {versions: [[1]]}}", "models.a.versions is 'a list of lists'"),
            ("models: {a: {idleUnload: 0s}}", "models.a.idleUnload is '0s' and must be a time above zero"),
            ("models: {a: {pin: maybe}}", "models.a.pin is 'maybe' and must be true or false"),
            ("models: {a: {labels: {x: latest}}}", "models.a.labels.x is 'latest' and must be a version's number"),
            ("models: {a: {labels: {'../x': 1}}}", "must be a label"),
            ("models: {'../a': {}}", "is no model's name"),
            ("models: {a: {versions: all}, a: {versions: all}}", "is not YAML or JSON"),
            ("models: {a: [", "is not YAML or JSON"),
        ])
    func refused(text: String, message: String) throws {
        let failure = #expect(throws: CommandFailure.self) { try ModelsFile.parse(text, file: "models.yaml") }
        #expect(failure?.status == .configuration)
        let told = failure?.message ?? ""
        #expect(told.contains(message) && told.contains("models.yaml"), "\(told)")
    }

    private func withFile<R>(_ body: (URL) throws -> R) throws -> R {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try body(folder.appendingPathComponent("models.yaml"))
    }

    @Test("a file that is absent, too large or no text is told by its name")
    func unreadable() throws {
        try withFile { file in
            func message() -> String {
                let failure = #expect(throws: CommandFailure.self) { try ModelsFile.read(file.path) }
                return failure?.message ?? ""
            }
            #expect(message().contains("models.yaml' cannot be read: No such file"))
            try Data([0xFF, 0xFE]).write(to: file)
            #expect(message().contains("not UTF-8"))
            try (Data(whole.utf8) + Data(repeating: UInt8(ascii: "\n"), count: 4 << 20)).write(to: file)
            #expect(message().contains("is over"))
        }
    }

    @Test("a change that holds is applied once; one that does not leaves what was; links that move are followed")
    func reload() throws {
        try withFile { file in
            func write(_ text: String, to file: URL) throws { try Data(text.utf8).write(to: file, options: .atomic) }
            try write("models: {a: {versions: all}}", to: file)
            let first = try ModelsFile.read(file.path, memoryBytesMax: 9)
            let reload = ModelsFileReload(path: file.path, current: first, memoryBytesMax: 9)
            #expect(reload.look() == .unchanged && reload.look(always: true) == .unchanged)
            try write("models: {a: {versions: latest 2}}", to: file)
            guard case .applied(let second) = reload.look() else {
                Issue.record("a change was not seen")
                return
            }
            #expect(second.policy(of: "a").selection == .latest(2) && second.memoryBytesMax == 9)
            #expect(reload.look() == .unchanged)
            try write("models: {a: {versions: 2x}}", to: file)
            guard case .refused(let reason) = reload.look() else {
                Issue.record("a broken file was taken")
                return
            }
            #expect(reason.contains("models.a.versions"))
            // Told once, not at every look; and again when somebody asks.
            #expect(reload.look() == .unchanged)
            guard case .refused = reload.look(always: true) else {
                Issue.record("a broken file was taken")
                return
            }
            // What stands there now is what holds already.
            try write("models: {a: {versions: 'latest 2'}}", to: file)
            #expect(reload.look() == .unchanged)
            let other = file.deletingLastPathComponent().appendingPathComponent("other.yaml")
            try write("memory: 1MiB", to: other)
            try FileManager.default.removeItem(at: file)
            guard case .refused = reload.look() else {
                Issue.record("an absent file was taken")
                return
            }
            try FileManager.default.createSymbolicLink(at: file, withDestinationURL: other)
            #expect(reload.look() == .applied(RolloutConfiguration(memoryBytesMax: 1 << 20)))
        }
    }
}
