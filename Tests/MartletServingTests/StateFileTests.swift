import Foundation
import MartletCore
import MartletRollout
import MartletServing
import MartletTestSupport
import Testing

@Suite("The state file")
struct StateFileTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("state-\(UUID().uuidString)")
    private var file: URL { folder.appendingPathComponent(StateFile.name) }

    private var state: RolloutState {
        var model = RolloutState.Model()
        model.isStopped = true
        model.routes["stable"] = ModelRoute(
            targets: [.init(version: 3, weight: 9), .init(version: 4, weight: 1)], stickyKey: "user",
            shadow: .init(version: 5, percent: 0.1))
        model.wishes = [3: true, 7: false]
        model.quarantine[8] = .init(fingerprint: "f", reason: "golden answers differ")
        var spec = RolloutSpec(model: "guard", version: 4)
        spec.rules.p99RatioMax = 1.25
        model.rollouts["latest"] = .init(
            spec: spec, from: 3, routeBefore: nil, phase: .baking, step: 1, reason: "")
        var state = RolloutState()
        state.models["guard"] = model
        return state
    }

    private func withFolder(_ body: () throws -> Void) rethrows {
        defer {
            chmod(folder.path, 0o700)
            try? FileManager.default.removeItem(at: folder)
        }
        try body()
    }

    @Test("gives back what was saved, in a new life too, and nothing before")
    func roundTrip() throws {
        try withFolder {
            let store = StateFile(folder: folder.path)
            #expect(try store.load() == nil)
            try store.save(state)
            #expect(try store.load() == state)
            var next = state
            next.models["guard"]?.isStopped = false
            try store.save(next)
            #expect(try StateFile(folder: folder.path).load() == next)
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(names == [StateFile.name])
            let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
        }
    }

    @Test("a file that ends early at any byte, or has any byte changed, is told and not believed")
    func torn() throws {
        try withFolder {
            let store = StateFile(folder: folder.path)
            try store.save(state)
            let whole = try Data(contentsOf: file)
            for count in 0..<whole.count {
                try whole.prefix(count).write(to: file)
                chmod(file.path, 0o600)
                let error = #expect(throws: MartletError.self) { try StateFile(folder: folder.path).load() }
                #expect(error?.code == .dataLoss && error?.message.contains("Move it away") == true)
            }
            for place in whole.indices {
                var changed = whole
                changed[place] ^= 1
                try changed.write(to: file)
                chmod(file.path, 0o600)
                #expect(throws: MartletError.self) { try StateFile(folder: folder.path).load() }
            }
            try whole.write(to: file)
            chmod(file.path, 0o600)
            #expect(try StateFile(folder: folder.path).load() == state)
        }
    }

    @Test("a state of a later format is refused by its number")
    func format() throws {
        try withFolder {
            let store = StateFile(folder: folder.path)
            var later = state
            later.format = 2
            try store.save(later)
            let error = #expect(throws: MartletError.self) { try store.load() }
            #expect(error?.code == .failedPrecondition && error?.message.contains("format 2") == true)
        }
    }

    @Test("a file or folder that others may write, a link and a folder in its place are refused with the way out")
    func rights() throws {
        try withFolder {
            let store = StateFile(folder: folder.path)
            try store.save(state)
            chmod(file.path, 0o622)
            var error = #expect(throws: MartletError.self) { try store.load() }
            #expect(error?.code == .permissionDenied && error?.message.contains("chmod") == true)
            chmod(file.path, 0o600)
            chmod(folder.path, 0o707)
            error = #expect(throws: MartletError.self) { try store.load() }
            #expect(error?.code == .permissionDenied && error?.message.contains("folder") == true)
            chmod(folder.path, 0o700)
            let aside = folder.appendingPathComponent("aside")
            try FileManager.default.moveItem(at: file, to: aside)
            try FileManager.default.createSymbolicLink(at: file, withDestinationURL: aside)
            error = #expect(throws: MartletError.self) { try store.load() }
            #expect(error?.message.contains("symbolic link") == true)
            try FileManager.default.removeItem(at: file)
            try FileManager.default.createDirectory(at: file, withIntermediateDirectories: false)
            #expect(throws: MartletError.self) { try store.load() }
            #expect(throws: MartletError.self) { try store.save(state) }
        }
    }

    @Test("what another server wrote meanwhile is not overwritten")
    func twoServers() throws {
        try withFolder {
            let first = StateFile(folder: folder.path), second = StateFile(folder: folder.path)
            _ = try first.load()
            _ = try second.load()
            try first.save(state)
            let error = #expect(throws: MartletError.self) { try second.save(RolloutState()) }
            #expect(error?.code == .aborted && error?.message.contains("another server") == true)
            #expect(try StateFile(folder: folder.path).load() == state)
            // Once it has read what is there, it may.
            _ = try second.load()
            try second.save(RolloutState())
            #expect(throws: MartletError.self) { try first.save(state) }
        }
    }

    @Test("a folder that cannot be made refuses the save and names the setting; there is no state to load then")
    func unwritable() throws {
        // Nobody makes a folder there, root neither.
        let store = StateFile(folder: "/proc/martlet-state")
        #expect(try store.load() == nil)
        let error = #expect(throws: MartletError.self) { try store.save(state) }
        #expect(error?.message.contains("--state") == true, "\(String(describing: error))")
    }

    @Test("a folder that cannot be opened is told with the way out of a state folder, not of a model's version")
    func unopenable() throws {
        try withFolder {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Data("a file".utf8).write(to: file)
            let loop = folder.appendingPathComponent("loop").path
            try FileManager.default.createSymbolicLink(atPath: loop, withDestinationPath: loop)
            let long = String(repeating: "x", count: 300)
            for path in [file.path, loop, folder.appendingPathComponent(long).path] {
                let store = StateFile(folder: path)
                let read = #expect(throws: MartletError.self) { try store.load() }
                #expect(throws: MartletError.self) { try store.save(state) }
                let message = read?.message ?? ""
                #expect(message.hasSuffix("that it can read and write: --state."), "\(message)")
                #expect(!message.contains(folder.path))
            }
        }
    }

    @Test("a state larger than the file may be is refused, and the one before stays")
    func large() throws {
        try withFolder {
            let store = StateFile(folder: folder.path)
            try store.save(state)
            var large = state
            for number in 0..<20_000 {
                large.models["guard"]?.quarantine[number] = .init(
                    fingerprint: "f", reason: String(repeating: "x", count: 1_000))
            }
            let error = #expect(throws: MartletError.self) { try store.save(large) }
            #expect(error?.code == .resourceExhausted)
            #expect(try store.load() == state)
        }
    }
}
