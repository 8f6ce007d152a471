import Foundation
import Glibc
import MartletArtifact
import MartletCore
import Testing

@Suite("ModelFolder", .timeLimit(.minutes(5)))
struct ModelFolderTests {
    let tiny: TinyArtifact

    init() throws { tiny = try TinyArtifact() }

    private var folder: ModelFolder { ModelFolder(root: tiny.root.path) }

    private func make(_ path: String, file: String? = nil) throws {
        let url = tiny.root.appendingPathComponent(path)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        if let file { try url.put(file, [1]) }
    }

    private func publish(_ version: Int, name: String = "tiny") throws {
        try ArtifactWriter().publish(TinyArtifact.draft(), to: tiny.root.path, name: name, version: version)
    }

    @Test("finds versions, sorted, and tells what it left out and why")
    func scans() throws {
        for version in [10, 9] { try publish(version) }
        try publish(1, name: "another")
        try make("tiny/11", file: "weights.martlet")
        try make("tiny/012", file: "manifest.json")
        try make("tiny/latest", file: "manifest.json")
        try make("tiny/-3", file: "manifest.json")
        try make("tiny/.staging-tiny-12-ab", file: "manifest.json")
        try make(".hidden/1", file: "manifest.json")
        try make("bad name/1", file: "manifest.json")
        try tiny.root.put("notes.txt", [1])
        symlink("10", tiny.folder(13).path)
        let survey = try folder.survey()
        #expect(survey.versions.map(\.id.description) == ["another/1", "tiny/9", "tiny/10"])
        #expect(survey.versions.map(\.location).last == tiny.folder(10).path)
        let reasons = Dictionary(uniqueKeysWithValues: survey.skipped.map { ($0.name, $0.reason) })
        let expected: Set = ["bad name", "notes.txt", "tiny/-3", "tiny/012", "tiny/11", "tiny/13", "tiny/latest"]
        #expect(Set(reasons.keys) == expected)
        #expect(reasons["tiny/11"] == "has no manifest.json: the version is not complete")
        #expect(reasons["tiny/13"] == "is a symbolic link, versions are folders")
    }

    @Test("leaves out a model whose folder everybody may write to")
    func writableModel() throws {
        try publish(1)
        chmod(tiny.root.appendingPathComponent("tiny").path, 0o777)
        let survey = try folder.survey()
        #expect(survey.versions.isEmpty)
        #expect(survey.skipped.first?.reason.contains("everybody may write to it (mode 777)") == true)
    }

    @Test("gives a version another fingerprint when one of its files is changed, and only then")
    func fingerprints() throws {
        try publish(1)
        let first = try folder.scan()
        #expect(try folder.scan() == first)
        try tiny.folder(1).put("weights.martlet", [1])
        #expect(try folder.scan().first?.fingerprint != first.first?.fingerprint)
    }

    @Test("says that the models folder does not exist, or is none")
    func missingRoot() throws {
        func error(_ root: String) -> MartletError? {
            do throws(MartletError) {
                _ = try ModelFolder(root: root).scan()
                return nil
            } catch {
                return error
            }
        }
        let missing = try #require(error(tiny.root.path + "/nothing"))
        #expect(missing.code == .notFound)
        #expect(missing.message == "the models folder does not exist. Make it, or name another with --models.")
        try tiny.root.put("file", [1])
        #expect(try #require(error(tiny.root.path + "/file")).message.contains("not a folder"))
    }

    @Test("says that a models folder cannot be read", .disabled(if: getuid() == 0, "root reads everything"))
    func unreadableRoot() throws {
        chmod(tiny.root.path, 0)
        defer { chmod(tiny.root.path, 0o755) }
        #expect(throws: MartletError.self) { try folder.scan() }
    }

    private static var inotifyOnly: ModelFolder.WatchOptions {
        var options = ModelFolder.WatchOptions()
        options.pollInterval = .seconds(3_600)
        options.safetyInterval = .seconds(3_600)
        return options
    }

    private static var pollingOnly: ModelFolder.WatchOptions {
        var options = ModelFolder.WatchOptions()
        options.usesInotify = false
        options.pollInterval = .milliseconds(5)
        return options
    }

    @Test("tells of versions that come and go, by the kernel's word and by polling", arguments: [true, false])
    func watches(usesInotify: Bool) async throws {
        var changes = folder.changes(usesInotify ? Self.inotifyOnly : Self.pollingOnly).makeAsyncIterator()
        try publish(1)
        while try folder.scan().count != 1 { _ = await changes.next() }
        try publish(2)
        while try folder.scan().count != 2 { _ = await changes.next() }
        // A file inside a version that was known before.
        let before = try folder.scan()
        try tiny.folder(2).put("golden.json", [1])
        _ = await changes.next()
        #expect(try folder.scan() != before)
        try FileManager.default.removeItem(at: tiny.folder(1))
        while try folder.scan().count != 1 { _ = await changes.next() }
        try publish(1, name: "another")
        while try folder.scan().count != 2 { _ = await changes.next() }
    }

    @Test("notices a models folder that is made after the watch began")
    func rootComesLater() async throws {
        let later = ModelFolder(root: tiny.root.appendingPathComponent("later").path)
        var options = ModelFolder.WatchOptions()
        options.pollInterval = .milliseconds(5)
        var changes = later.changes(options).makeAsyncIterator()
        try ArtifactWriter().publish(TinyArtifact.draft(), to: later.root, name: "tiny", version: 1)
        while (try? later.scan())?.count != 1 { _ = await changes.next() }
    }
}
