import Foundation
import Glibc
import MartletArtifact
import MartletCore
import Testing

/// Every cut and every flipped bit of a tiny version (reliability.md A1, A2).
@Suite("Damaged versions")
struct ArtifactDamageTests {
    let tiny: TinyArtifact

    init() throws { tiny = try TinyArtifact() }

    @Test("refuses every prefix of every file", arguments: [
        "manifest.json", "weights.martlet", "tokenizer.json", "golden.json",
    ])
    func refusesEveryPrefix(name: String) throws {
        let folder = try tiny.published()
        let count = try folder.bytes(name).count
        let path = folder.appendingPathComponent(name).path
        var accepted: [Int] = []
        for length in (0..<count).reversed() {
            truncate(path, off_t(length))
            if refusal(folder) == nil { accepted.append(length) }
        }
        #expect(accepted.isEmpty)
    }

    @Test("refuses every prefix of the weights even when the manifest agrees with it")
    func refusesEveryPrefixWithDigestsMadeAgain() throws {
        let folder = try tiny.published()
        let bytes = try folder.bytes("weights.martlet")
        var accepted: [Int] = []
        for length in 0..<bytes.count where length % 7 == 0 || length > bytes.count - 80 {
            try folder.replace("weights.martlet", Array(bytes.prefix(length)))
            if refusal(folder) == nil { accepted.append(length) }
        }
        #expect(accepted.isEmpty)
    }

    @Test("refuses every flipped bit of the manifest")
    func refusesEveryBitOfManifest() throws {
        let folder = try tiny.published()
        #expect(try survivors(folder, "manifest.json", bits: 0..<8).isEmpty)
        #expect(refusal(folder) == nil)
    }

    @Test("refuses every flipped bit of the weights' header and table, and one bit of every other byte")
    func refusesFlippedWeights() throws {
        let folder = try tiny.published()
        let bytes = try folder.bytes("weights.martlet")
        let header = 40 + bytes[16..<24].reversed().reduce(0) { $0 << 8 | Int($1) }
        #expect(try survivors(folder, "weights.martlet", bits: 0..<8, places: 0..<header).isEmpty)
        #expect(try survivors(folder, "weights.martlet", bits: 4..<5, places: header..<bytes.count).isEmpty)
        #expect(refusal(folder) == nil)
    }

    @Test("refuses one flipped bit of every byte of the other files", arguments: ["tokenizer.json", "golden.json"])
    func refusesFlippedFiles(name: String) throws {
        let folder = try tiny.published()
        #expect(try survivors(folder, name, bits: 5..<6).isEmpty)
    }

    @Test("notices a flipped bit of the weights by its own checksums too, when the manifest agrees with the damage")
    func checksumsAlone() throws {
        let folder = try tiny.published()
        let bytes = try folder.bytes("weights.martlet")
        var accepted: [Int] = []
        for place in 0..<bytes.count where place % 5 == 0 {
            var damaged = bytes
            damaged[place] ^= 1 << (place % 8)
            try folder.replace("weights.martlet", damaged)
            if refusal(folder) == nil { accepted.append(place) }
        }
        #expect(accepted.isEmpty)
    }

    /// Places whose flipped bit was not noticed.
    private func survivors(
        _ folder: URL, _ name: String, bits: Range<Int>, places: Range<Int>? = nil
    ) throws -> [Int] {
        let bytes = try folder.bytes(name)
        let file = open(folder.appendingPathComponent(name).path, O_WRONLY)
        try #require(file >= 0)
        defer { close(file) }
        var survivors: [Int] = []
        for place in places ?? 0..<bytes.count {
            for bit in bits {
                var damaged = bytes[place] ^ (1 << UInt8(bit))
                pwrite(file, &damaged, 1, off_t(place))
                if refusal(folder) == nil { survivors.append(place) }
            }
            var right = bytes[place]
            pwrite(file, &right, 1, off_t(place))
        }
        return survivors
    }
}
