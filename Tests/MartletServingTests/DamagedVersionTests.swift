import Foundation
import MartletArtifact
import MartletCore
import MartletServing
import MartletTestSupport
import Testing

/// Versions whose bytes are wrong and whose checksums all agree: what a broken or hostile publisher could make.
@Suite("Versions that lie with right checksums", .timeLimit(.minutes(5)))
struct DamagedVersionTests {
    @Test(
        "never harm the process, the other version or an answer's finiteness: refused, or served with finite answers",
        arguments: [1, 2, 3])
    func neverHarm(seed: UInt64) async throws {
        let folder = try ServedFolder()
        try folder.add("tiny", version: 1, seed: 1)
        try folder.add("aside", version: 2, seed: 2)
        let good = try WeightsBytes(of: folder.versionFolder("aside", 2))
        let server = try await folder.serve()
        let truth = try await server.logits(["the good people"])
        let version = folder.versionFolder("tiny", 2)
        var random = SeededGenerator(seed: seed)
        var refused = 0
        for round in 0..<40 {
            try FileManager.default.createDirectory(at: version, withIntermediateDirectories: true)
            // Header, table and data in turn: most bytes are data.
            try good.damaged(inTable: round.isMultiple(of: 2), using: &random).write(to: version, as: "tiny")
            try await server.refresh()
            let status = try #require(server.statuses().first { $0.name == "tiny" && $0.version == 2 })
            if status.state == .ready {
                let logits = try await server.logits(["the good people"])
                #expect(logits.allSatisfy { $0.allSatisfy(\.isFinite) })
            } else {
                refused += 1
                #expect(status.state == .failed && !status.reason.isEmpty)
                #expect(try await server.logits(["the good people"]) == truth)
            }
            try FileManager.default.removeItem(at: version)
            try await server.refresh()
        }
        // A low bit of one weight changes answers by less than the golden check allows.
        #expect(refused > 20)
        #expect(try await server.logits(["the good people"]) == truth)
        await server.shutdown()
    }
}

/// A version folder's files, with the weights' layout (Sources/MartletArtifact/WEIGHTS.md).
private struct WeightsBytes {
    private var files: [String: [UInt8]] = [:]
    private var weights: [UInt8]
    private let tableEnd: Int
    /// Entry's offset in the file, then the bytes it tells of.
    private let entries: [(place: Int, data: Range<Int>)]

    init(of folder: URL) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
            files[name] = Array(try Data(contentsOf: folder.appendingPathComponent(name)))
        }
        let bytes = try #require(files["weights.martlet"])
        weights = bytes
        func number(_ place: Int, _ count: Int) -> Int {
            bytes[place..<place + count].reversed().reduce(0) { $0 << 8 | Int($1) }
        }
        tableEnd = 40 + number(16, 8)
        var entries: [(Int, Range<Int>)] = []
        var place = 40
        for _ in 0..<number(12, 4) {
            let (offset, count) = (number(place + 8, 8), number(place + 16, 8))
            entries.append((place, offset..<offset + count))
            place += (24 + 8 * number(place + 3, 1) + number(place, 2) + 7) / 8 * 8
        }
        self.entries = entries
    }

    /// One to four bits are others, and every checksum of the file is right.
    func damaged(inTable: Bool, using random: inout SeededGenerator) -> WeightsBytes {
        var copy = self
        let places = inTable ? 0..<tableEnd : tableEnd..<weights.count
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            copy.weights[Int.random(in: places, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        }
        for entry in entries { copy.put(crc32(copy.weights[entry.data]), at: entry.place + 4) }
        copy.put(crc32(copy.weights[0..<32] + copy.weights[40..<tableEnd]), at: 32)
        return copy
    }

    private mutating func put(_ number: UInt32, at place: Int) {
        for byte in 0..<4 { weights[place + byte] = UInt8(truncatingIfNeeded: number >> (8 * byte)) }
    }

    /// - Parameter name: the model's, in the manifest.
    func write(to folder: URL, as name: String) throws {
        let old = sha256(files["weights.martlet"] ?? [])
        for (file, bytes) in files {
            var bytes = file == "weights.martlet" ? weights : bytes
            if file == "manifest.json" {
                bytes = Array(
                    String(decoding: bytes, as: UTF8.self)
                        .replacingOccurrences(of: old, with: sha256(weights))
                        .replacingOccurrences(of: "\"aside\"", with: "\"\(name)\"").utf8)
            }
            try Data(bytes).write(to: folder.appendingPathComponent(file))
        }
    }
}
