import Foundation
import MartletCore
import MartletServing
import MartletTestSupport
import Testing

@Suite("Managing models by name")
struct ManagementTests {
    private func classify(_ model: String, on server: InferenceServer) async throws -> Int {
        let reference = try #require(ModelReference(parsing: model))
        let request = ClassifyRequest(model: reference, inputs: [TextInput("the good people")])
        return try await server.classify(request, context: CallContext()).model.version
    }

    @Test("an unloaded model stays out although its folder changes, and answers again once it is loaded")
    func unload() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        let server = try await folder.serve()
        try await server.unloadModel(named: "tiny", context: CallContext())
        let error = await #expect(throws: MartletError.self) { try await classify("tiny", on: server) }
        #expect(error?.code == .unavailable && error?.message.contains("unloaded by request") == true)
        try folder.add("tiny", version: 2, seed: 2)
        try await server.refresh()
        #expect(server.statuses().map(\.state) == [.unloaded, .unloaded])
        let loaded = try await server.loadModel(named: "tiny", context: CallContext())
        #expect(loaded.map(\.state) == [.unloaded, .ready] || loaded.map(\.state) == [.discovered, .ready])
        #expect(try await classify("tiny", on: server) == 2)
        await server.shutdown()
    }

    @Test("a load finds what was just published, and says why a broken version is not ready")
    func load() async throws {
        let folder = try ServedFolder()
        let server = try await folder.serve()
        let absent = await #expect(throws: MartletError.self) {
            try await server.loadModel(named: "tiny", context: CallContext())
        }
        #expect(absent?.code == .notFound)
        try folder.add("tiny", version: 1, seed: 1)
        #expect(try await server.loadModel(named: "tiny", context: CallContext()).map(\.state) == [.ready])

        try folder.add("broken", version: 1, seed: 2)
        let golden = folder.versionFolder("broken", 1).appendingPathComponent("golden.json")
        let good = try Data(contentsOf: golden)
        try Data("[]".utf8).write(to: golden)
        let broken = await #expect(throws: MartletError.self) {
            try await server.loadModel(named: "broken", context: CallContext())
        }
        #expect(broken?.code == .failedPrecondition && broken?.message.contains("golden.json") == true)
        try good.write(to: golden)
        #expect(try await server.loadModel(named: "broken", context: CallContext()).map(\.state) == [.ready])
        await server.shutdown()
    }

    @Test("a label leads to its version until it is taken away; names that nobody knows are not found")
    func labels() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        let server = try await folder.serve()
        try await server.setLabel("stable", of: "tiny", to: 1, context: CallContext())
        #expect(try await classify("tiny:stable", on: server) == 1)
        let status = try await server.model(ModelReference(name: "tiny"), context: CallContext())
        #expect(status.versionLabels == ["latest", "stable"])
        try await server.setLabel("stable", of: "tiny", to: nil, context: CallContext())
        await #expect(throws: MartletError.self) { try await classify("tiny:stable", on: server) }
        let cases: [(@Sendable () async throws -> Void, MartletError.Code)] = [
            ({ try await server.setLabel("stable", of: "absent", to: 1, context: CallContext()) }, .notFound),
            ({ try await server.setLabel("stable", of: "absent", to: nil, context: CallContext()) }, .notFound),
            ({ try await server.setLabel("stable", of: "tiny", to: 9, context: CallContext()) }, .notFound),
            ({ try await server.setLabel("latest", of: "tiny", to: 9, context: CallContext()) }, .notFound),
            ({ try await server.setLabel("", of: "tiny", to: 1, context: CallContext()) }, .invalidArgument),
            ({ try await server.unloadModel(named: "absent", context: CallContext()) }, .notFound),
            ({ try await server.unloadModel(named: "../etc", context: CallContext()) }, .invalidArgument),
            ({ _ = try await server.loadModel(named: "", context: CallContext()) }, .invalidArgument),
            ({ _ = try await server.listModels(named: "absent", context: CallContext()) }, .notFound),
            ({ _ = try await server.statistics(named: "absent", context: CallContext()) }, .notFound),
        ]
        for (call, code) in cases {
            let error = await #expect(throws: MartletError.self) { try await call() }
            #expect(error?.code == code, "\(String(describing: error))")
        }
        await server.shutdown()
    }

    @Test("a watch tells what the folder watch found, and ends with the server")
    func watch() async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        let server = try await folder.serve()
        var all = try await server.watchModels(named: nil, context: CallContext()).makeAsyncIterator()
        var other = try await server.watchModels(named: "other", context: CallContext()).makeAsyncIterator()
        #expect(await all.next()?.map(\.state) == [.ready])
        #expect(await other.next()?.isEmpty == true)
        try folder.add("other", version: 1, seed: 2)
        while let list = await other.next() { if list.map(\.state) == [.ready] { break } }
        #expect(await all.next()?.map(\.name) == ["other", "tiny"])
        await server.shutdown()
        while await other.next() != nil {}
        while await all.next() != nil {}
    }
}
