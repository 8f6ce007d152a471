import Foundation
import Glibc
import MartletArtifact
import MartletCore
import Synchronization
import Testing

private final class Counter: Sendable {
    private let stored = Atomic(0)
    var value: Int { stored.load(ordering: .relaxed) }
    @discardableResult func add() -> Int { stored.wrappingAdd(1, ordering: .relaxed).newValue }
}

@Suite("ArtifactReader")
struct ArtifactReaderTests {
    let tiny: TinyArtifact

    init() throws { tiny = try TinyArtifact() }

    @Test("reads what was published, value for value", arguments: Precision.allCases)
    func readsBack(precision: Precision) throws {
        let draft = TinyArtifact.draft(precision)
        let artifact = try ArtifactReader().read(folder: try tiny.published(precision).path)
        #expect(artifact.manifest.classLabels == ["SAFE", "INJECTION"])
        #expect(artifact.manifest.name == "tiny")
        #expect(artifact.manifest.version == 1)
        #expect(artifact.manifest.configuration == TinyArtifact.configuration)
        #expect(artifact.golden == draft.golden)
        #expect(artifact.tokenizerJSON == draft.tokenizerJSON)
        for written in draft.tensors {
            let read = try #require(artifact.tensors.tensor(named: written.name))
            #expect(read.elementType == written.elementType)
            #expect(read.shape == written.shape)
            #expect(read.bytes.elementsEqual(written.bytes))
            #expect(Int(bitPattern: read.bytes.baseAddress) % 64 == 0)
        }
        #expect(artifact.tensors.tensor(named: "no such tensor") == nil)
    }

    @Test("gives the SHA-256 of the manifest as the version's digest")
    func digest() throws {
        let folder = try tiny.published()
        let artifact = try ArtifactReader().read(folder: folder.path)
        #expect(artifact.digest == sha256(try folder.bytes("manifest.json")))
    }

    @Test("asks often whether to go on, each file and tensor at least, and ends wherever it is told to")
    func checkpoints() throws {
        let path = try tiny.published().path
        let asked = Counter()
        let whole = try ArtifactReader(checkpoint: { asked.add() }).read(folder: path)
        let count = asked.value
        #expect(count >= whole.manifest.files.count + 2 * whole.weights.table.entries.count)
        for last in 1...count {
            let asked = Counter()
            let reader = ArtifactReader { () throws(MartletError) in
                if asked.add() == last { throw MartletError(.cancelled, "enough") }
            }
            let error = #expect(throws: MartletError.self) { try reader.read(folder: path) }
            #expect(error?.code == .cancelled && asked.value == last)
        }
    }

    /// Every tensor's bytes, in the file's order.
    private func contents(of artifact: ModelArtifact) -> [[UInt8]?] {
        artifact.weights.table.entries.map { entry in
            artifact.tensors.tensor(named: entry.name).map { Array($0.bytes) }
        }
    }

    @Test("goes on serving its tensors when the weights file is truncated, overwritten or removed after loading")
    func survivesTruncation() throws {
        let folder = try tiny.published()
        let artifact = try ArtifactReader().read(folder: folder.path)
        let before = contents(of: artifact)
        let path = folder.appendingPathComponent("weights.martlet").path
        #expect(truncate(path, 100) == 0)
        let after = contents(of: artifact)
        #expect(before == after)
        try folder.put("weights.martlet", [UInt8](repeating: 0xFF, count: 100_000))
        try FileManager.default.removeItem(at: folder)
        let last = contents(of: artifact)
        #expect(before == last)
    }

    @Test("keeps a tensor's memory alive after the artifact is gone")
    func tensorOutlivesArtifact() throws {
        let folder = try tiny.published()
        var artifact: ModelArtifact? = try ArtifactReader().read(folder: folder.path)
        let tensor = try #require(artifact?.tensors.tensor(named: "classifier.bias"))
        let values = Array(tensor.bytes)
        artifact = nil
        #expect(Array(tensor.bytes) == values)
    }

    // MARK: File tricks

    @Test("refuses a symbolic link in place of any file, even to the right content", arguments: [
        "manifest.json", "weights.martlet", "tokenizer.json", "golden.json",
    ])
    func refusesSymlink(name: String) throws {
        let folder = try tiny.published()
        let file = folder.appendingPathComponent(name)
        let elsewhere = tiny.root.appendingPathComponent("moved")
        try FileManager.default.moveItem(at: file, to: elsewhere)
        try FileManager.default.createSymbolicLink(at: file, withDestinationURL: elsewhere)
        let error = try #require(refusal(folder))
        #expect(error.message.hasPrefix("\(name): is a symbolic link"))
        #expect(!error.message.contains(tiny.root.path))
    }

    @Test("refuses a version folder that is a symbolic link")
    func refusesLinkedFolder() throws {
        let folder = try tiny.published()
        let link = tiny.root.appendingPathComponent("link")
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: folder)
        #expect(try #require(refusal(link)).message.contains("symbolic links are not followed"))
    }

    @Test("refuses a FIFO without waiting for a writer")
    func refusesFIFO() throws {
        let folder = try tiny.published()
        let path = folder.appendingPathComponent("weights.martlet").path
        unlink(path)
        #expect(mkfifo(path, 0o644) == 0)
        #expect(try #require(refusal(folder)).message.hasPrefix("weights.martlet: is a FIFO"))
    }

    @Test("refuses a folder in place of a file")
    func refusesFolderForFile() throws {
        let folder = try tiny.published()
        try FileManager.default.removeItem(at: folder.appendingPathComponent("golden.json"))
        try FileManager.default.createDirectory(
            at: folder.appendingPathComponent("golden.json"), withIntermediateDirectories: false)
        #expect(try #require(refusal(folder)).message.hasPrefix("golden.json: is a folder"))
    }

    @Test("names the file that is missing", arguments: ["manifest.json", "weights.martlet", "golden.json"])
    func missingFile(name: String) throws {
        let folder = try tiny.published()
        try FileManager.default.removeItem(at: folder.appendingPathComponent(name))
        let error = try #require(refusal(folder))
        #expect(error.code == .notFound)
        #expect(error.message.hasPrefix("\(name): is missing"))
    }

    @Test("names a file that the manifest does not list, hidden ones too", arguments: ["extra.bin", ".hidden"])
    func extraFile(name: String) throws {
        let folder = try tiny.published()
        try folder.put(name, [1])
        #expect(try #require(refusal(folder)).message.hasPrefix("'\(name)': is not listed in manifest.json"))
    }

    @Test("refuses a file, and a folder, that everybody may write to")
    func worldWritable() throws {
        let folder = try tiny.published()
        let path = folder.appendingPathComponent("weights.martlet").path
        chmod(path, 0o666)
        let error = try #require(refusal(folder))
        #expect(error.code == .permissionDenied)
        #expect(error.message.contains("weights.martlet: everybody may write to it (mode 666)"))
        chmod(path, 0o644)
        chmod(folder.path, 0o777)
        #expect(try #require(refusal(folder)).message.contains("everybody may write to it (mode 777)"))
    }

    @Test("says that a folder does not exist without telling its path")
    func missingFolder() throws {
        let error = try #require(refusal(tiny.root.appendingPathComponent("nothing")))
        #expect(error.code == .notFound)
        #expect(!error.message.contains(tiny.root.path))
    }

    @Test("refuses swapped files and a stale tokenizer by digest or size")
    func swappedFiles() throws {
        let folder = try tiny.published()
        var tokenizer = try folder.bytes("tokenizer.json")
        tokenizer[3] ^= 1
        try folder.put("tokenizer.json", tokenizer)
        let error = try #require(refusal(folder))
        #expect(error.code == .dataLoss)
        #expect(error.message.hasPrefix("tokenizer.json: has SHA-256"))
    }

    @Test("refuses a socket and a device in place of a file")
    func socketsAndDevices() throws {
        let folder = try tiny.published()
        let path = folder.appendingPathComponent("golden.json").path
        unlink(path)
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        // Bound by a short path and moved: a socket's address holds 108 bytes.
        let short = tiny.root.appendingPathComponent("s").path
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(short.utf8).prefix(107)) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(bound == 0 && rename(short, path) == 0)
        #expect(try #require(refusal(folder)).message.hasPrefix("golden.json: is a socket or device"))
        guard getuid() == 0 else { return }
        unlink(path)
        // The device that /dev/null is.
        #expect(mknod(path, S_IFCHR | 0o644, 1 << 8 | 3) == 0)
        #expect(try #require(refusal(folder)).message.hasPrefix("golden.json: is a device"))
    }

    @Test("reads a hard link as the file it is, and does not see what is written through its other name later")
    func hardLink() throws {
        let folder = try tiny.published()
        let elsewhere = tiny.root.appendingPathComponent("elsewhere").path
        #expect(link(folder.appendingPathComponent("weights.martlet").path, elsewhere) == 0)
        let artifact = try ArtifactReader().read(folder: folder.path)
        let before = contents(of: artifact)
        truncate(elsewhere, 0)
        let after = contents(of: artifact)
        #expect(before == after)
        #expect(refusal(folder) != nil)
    }

    @Test("refuses a twin of a file in other case", arguments: ["Golden.json", "MANIFEST.JSON", "model.Sig"])
    func caseTwin(name: String) throws {
        let folder = try tiny.published()
        try folder.put(name, [1])
        #expect(try #require(refusal(folder)).message.hasPrefix("'\(name)': is not listed"))
    }

    @Test("refuses what a group may write that this process is not in", .enabled(if: getuid() == 0, "needs chown"))
    func groupWritable() throws {
        let folder = try tiny.published()
        let path = folder.appendingPathComponent("weights.martlet").path
        chmod(path, 0o664)
        #expect(refusal(folder) == nil)
        #expect(chown(path, getuid(), 54_321) == 0)
        chmod(path, 0o664)
        let error = try #require(refusal(folder))
        #expect(error.code == .permissionDenied)
        #expect(error.message.contains("group 54321, which this process is not in, may write to it (mode 664)"))
        chmod(path, 0o644)
        #expect(refusal(folder) == nil)
        #expect(chown(folder.path, getuid(), 54_321) == 0)
        chmod(folder.path, 0o775)
        #expect(try #require(refusal(folder)).message.contains("group 54321"))
    }

    @Test("refuses a file that was truncated, grown or replaced after its size was looked at", arguments: [
        "truncated", "grown", "replaced", "removed",
    ])
    func changedWhileRead(how: String) throws {
        let folder = try tiny.published()
        let path = folder.appendingPathComponent("weights.martlet").path
        let bytes = try folder.bytes("weights.martlet")
        var problem: MartletError?
        do throws(MartletError) {
            _ = try ArtifactReader().read(folder: folder.path) { step, _ in
                guard step == .files else { return }
                switch how {
                case "truncated": truncate(path, off_t(bytes.count - 1))
                case "grown": truncate(path, off_t(bytes.count + 1))
                case "replaced": try? folder.put("weights.martlet", bytes.reversed())
                default: unlink(path)
                }
            }
        } catch {
            problem = error
        }
        #expect(try #require(problem).message.hasPrefix("weights.martlet: "))
    }

    @Test("gives the right bytes or a reason while another thread truncates and restores a file")
    func racedByWriter() async throws {
        let folder = try tiny.published()
        let path = folder.appendingPathComponent("weights.martlet").path
        let bytes = try folder.bytes("weights.martlet")
        let digest = try ArtifactReader().read(folder: folder.path).digest
        let writer = Task.detached {
            var random = SystemRandomNumberGenerator()
            while !Task.isCancelled {
                let file = open(path, O_WRONLY)
                defer { close(file) }
                ftruncate(file, off_t(Int.random(in: 0...(bytes.count + 9), using: &random)))
                _ = bytes.withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, 0) }
                ftruncate(file, off_t(bytes.count))
                await Task.yield()
            }
        }
        for _ in 0..<300 {
            let result = Result { try ArtifactReader().read(folder: folder.path) }
            if case .success(let artifact) = result {
                #expect(artifact.digest == digest)
                let sum = artifact.weights.table.entries.allSatisfy { entry in
                    artifact.tensors.tensor(named: entry.name).map { tensor in
                        tensor.bytes.elementsEqual(bytes[entry.offset..<(entry.offset + entry.byteCount)])
                    } ?? false
                }
                #expect(sum)
            } else if case .failure(let error) = result {
                #expect((error as? MartletError)?.message.hasPrefix("weights.martlet: ") == true)
            }
        }
        writer.cancel()
        await writer.value
    }
}
