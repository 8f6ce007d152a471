import Foundation
import MartletArtifact
import MartletCore
import Testing

/// Weights files whose every checksum is right and whose content is a lie (reliability.md A4).
@Suite("Lying weights files")
struct WeightsLiesTests {
    struct Lie: CustomTestStringConvertible, Sendable {
        let name: String
        /// What the refusal must say.
        let reason: String
        let tell: @Sendable (inout WeightsForge) -> Void

        init(_ name: String, _ reason: String, _ tell: @escaping @Sendable (inout WeightsForge) -> Void) {
            self.name = name
            self.reason = reason
            self.tell = tell
        }

        var testDescription: String { name }
    }

    static let second = WeightsForge.Entry(name: Array("b".utf8), dimensions: [16], offset: 0, byteCount: 64)

    /// Two honest tensors; `at` is where the second starts, from the first one's start.
    private static func two(_ forge: inout WeightsForge, secondAt at: UInt64, dataBytes: Int) {
        forge.entries.append(second)
        forge.entries[0].offset = UInt64(forge.dataStart)
        forge.entries[1].offset = UInt64(forge.dataStart) + at
        forge.data += [UInt8](repeating: 0, count: dataBytes - forge.data.count)
    }

    static let lies: [Lie] = [
        Lie("another magic", "does not begin with MARTLETW") { $0.magic = Array("MARTLETX".utf8) },
        Lie("a later version", "has format version 2") { $0.version = 2 },
        Lie("a reserved field in use", "reserved field is not 0") { $0.reserved = 1 },
        Lie("no tensors", "has no tensors") { $0.count = 0 },
        Lie("a million tensors", "has 1000000 tensors, the limit is 20000") { $0.count = 1_000_000 },
        Lie("more tensors than entries", "the table ends inside an entry") { $0.count = 2 },
        Lie("fewer tensors than entries", "the table goes on after its 1 entries") {
            two(&$0, secondAt: 64, dataBytes: 128)
            $0.count = 1
        },
        Lie("a table past the end", "ends past the file's") { $0.tableBytes = 100_000 },
        Lie("a table of 2^64 - 1 bytes", "the limit is") { $0.tableBytes = .max },
        Lie("a table of 100 MB", "the limit is") { $0.tableBytes = 100 << 20 },
        Lie("another file length", "says it has 7 bytes") { $0.fileBytes = 7 },
        Lie("an empty name", "a tensor's name has 0 bytes") { $0.entries[0].name = [] },
        Lie("a name of 129 bytes", "a tensor's name has 129 bytes") { forge in
            forge.entries[0].name = [UInt8](repeating: 0x61, count: 129)
        },
        Lie("a name of 64 KiB less one", "a tensor's name has 65535 bytes") { forge in
            forge.entries[0].name = [UInt8](repeating: 0x61, count: 65_535)
        },
        Lie("a name with a line feed", "not printable ASCII") { $0.entries[0].name = [0x61, 0x0A] },
        Lie("a name twice", "is listed twice") {
            two(&$0, secondAt: 64, dataBytes: 128)
            $0.entries[1].name = $0.entries[0].name
        },
        Lie("an unknown element type", "has element type 9") { $0.entries[0].type = 9 },
        Lie("no dimensions", "a tensor has 0 dimensions") { $0.entries[0].dimensions = [] },
        Lie("five dimensions", "a tensor has 5 dimensions") { $0.entries[0].dimensions = [16, 1, 1, 1, 1] },
        Lie("a dimension of zero", "has dimension 0") { $0.entries[0].dimensions = [0] },
        Lie("a dimension of -1", "has dimension -1") { $0.entries[0].dimensions = [.max] },
        Lie("a dimension of 2^63", "has dimension -9223372036854775808") { $0.entries[0].dimensions = [1 << 63] },
        Lie("dimensions whose product wraps to 16 at 2^64", "overflows 64 bits") {
            $0.entries[0].dimensions = [1 << 32, 1 << 32, 16]
        },
        Lie("dimensions whose product wraps to a small number at 2^32", "its shape [65536, 65536] needs") {
            $0.entries[0].dimensions = [65_536, 65_536]
        },
        Lie("an element count that fits and a byte count that wraps", "overflows 64 bits") {
            $0.entries[0].dimensions = [1 << 62]
        },
        Lie("a byte length that is not the shape's", "has 60 bytes, its shape [16] needs 64") {
            $0.entries[0].byteCount = 60
        },
        Lie("an offset that is not aligned", "expected a multiple of 64") { $0.entries[0].offset += 4 },
        Lie("an offset inside the table", "inside what ends at") { $0.entries[0].offset = 0 },
        Lie("an offset of 2^63", "past any file") { $0.entries[0].offset = 1 << 63 },
        Lie("an offset whose end wraps", "there is a gap") { $0.entries[0].offset = UInt64(Int.max) - 63 },
        Lie("an offset past the file", "there is a gap") { $0.entries[0].offset += 1 << 20 },
        Lie("a tensor longer than the file", "past the file's") {
            $0.entries[0].dimensions = [1 << 20]
            $0.entries[0].byteCount = 4 << 20
        },
        Lie("overlapping tensors", "inside what ends at") { two(&$0, secondAt: 0, dataBytes: 128) },
        Lie("a gap between tensors", "there is a gap") { two(&$0, secondAt: 128, dataBytes: 192) },
        Lie("bytes after the last tensor", "bytes follow the last tensor") {
            $0.data += [UInt8](repeating: 0, count: 64)
        },
        Lie("padding that holds something", "the padding at the end is not zero") {
            $0.entries[0].dimensions = [15]
            $0.entries[0].byteCount = 60
        },
        Lie("a wrong checksum", "has CRC-32") { $0.entries[0].crc = 1 },
        Lie("NaN", "holds nan at element 3") {
            $0.data.replaceSubrange(12..<16, with: WeightsForge.bytes(Float.nan.bitPattern))
        },
        Lie("an infinity", "holds -inf at element 0") {
            $0.data.replaceSubrange(0..<4, with: WeightsForge.bytes((-Float.infinity).bitPattern))
        },
        Lie("a scale of zero", "holds 0.0 at element 2; scales are above 0") {
            $0.entries[0].name = Array("a.scale".utf8)
            $0.data.replaceSubrange(8..<12, with: WeightsForge.bytes(UInt32(0)))
        },
        Lie("a negative scale", "scales are above 0") {
            $0.entries[0].name = Array("a.scale".utf8)
            $0.data.replaceSubrange(8..<12, with: WeightsForge.bytes(Float(-1).bitPattern))
        },
        Lie("a negative input scale", "scales are above 0") {
            $0.entries[0].name = Array("a.input_scale".utf8)
            $0.data.replaceSubrange(8..<12, with: WeightsForge.bytes(Float(-1).bitPattern))
        },
        Lie("-128 in int8", "holds -128") {
            $0.entries[0].type = 2
            $0.entries[0].dimensions = [64]
            $0.data[63] = 0x80
        },
        // Honest in itself, yet not what the manifest's configuration needs.
        Lie("a file of other tensors", "tensor 'embeddings.word_embeddings.weight' is missing") { _ in },
    ]

    @Test("refuses each with its own reason", arguments: lies)
    func refuses(lie: Lie) throws {
        let tiny = try TinyArtifact()
        let folder = try tiny.published()
        var forge = WeightsForge.honest
        lie.tell(&forge)
        try folder.replace("weights.martlet", forge.encoded)
        let error = try #require(refusal(folder))
        #expect(error.message.hasPrefix("weights.martlet: "))
        #expect(error.message.contains(lie.reason), "\(error.message)")
    }

    @Test("refuses a tensor of another type, another shape, and one that belongs to nothing")
    func refusesOtherTensors() throws {
        let tiny = try TinyArtifact()
        func refusalOf(_ version: Int, _ edit: (inout TensorList) -> Void) -> String? {
            var draft = TinyArtifact.draft()
            var list = TinyArtifact.tensors(.int8, seed: 1)
            edit(&list)
            draft.tensors = list.tensors
            do throws(MartletError) {
                try ArtifactWriter().publish(draft, to: tiny.root.path, name: "tiny", version: version)
                return nil
            } catch {
                return error.message
            }
        }
        let float = refusalOf(1) { $0.set("pooler.dense.weight", [8, 8], [Int8](repeating: 1, count: 64)) }
        #expect(float?.contains("'pooler.dense.weight' is int8, expected float32") == true)
        let shape = refusalOf(2) { $0.set("classifier.bias", [1], [Float(1)]) }
        #expect(shape?.contains("'classifier.bias' has shape [1], the configuration needs [2]") == true)
        let extra = refusalOf(3) { $0.set("surprise", [1], [Float(1)]) }
        #expect(extra?.contains("'surprise' belongs to no part of the model") == true)
        let optional = refusalOf(4) {
            $0.set("encoder.layer.0.output.dense.input_scale", [16], [Float](repeating: 1, count: 16))
        }
        #expect(optional == nil)
        #expect(try ModelFolder(root: tiny.root.path).scan().map(\.id.number) == [4])
    }
}
