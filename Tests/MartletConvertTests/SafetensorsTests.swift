import Foundation
import MartletConvert
import MartletCore
import Testing

@Suite("SafetensorsFile")
struct SafetensorsTests {
    @Test("reads what the safetensors package wrote, bit for bit: F32, F16 and BF16")
    func readsTypes() throws {
        let fixtures = try #require(Bundle.module.resourceURL).appendingPathComponent("Fixtures")
        let file = try SafetensorsFile("types.safetensors", in: SourceFolder(fixtures.path))
        let expected = try JSONDecoder().decode(
            [String: [UInt32]].self, from: Data(contentsOf: fixtures.appendingPathComponent("types.json")))
        for (name, bits) in expected {
            let entry = try #require(file.entries.first { $0.name == name })
            #expect(try file.floats(entry).map(\.bitPattern) == bits, "\(name)")
        }
        let whole = try #require(file.entries.first { $0.name == "i64" })
        #expect(whole.type == "I64")
        #expect(whole.shape == [2])
        #expect(throws: MartletError.self) { try file.floats(whole) }
    }

    struct Lie: Sendable, CustomTestStringConvertible {
        let header: String
        let dataBytes: Int
        let reason: String
        var testDescription: String { reason }
    }

    private static func one(_ body: String, dataBytes: Int = 16, _ reason: String) -> Lie {
        Lie(header: "{\"a\":{\(body)}}", dataBytes: dataBytes, reason: reason)
    }

    static let lies = [
        one("\"dtype\":\"F33\",\"shape\":[4],\"data_offsets\":[0,16]", "unknown element type F33"),
        one("\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16,17]", "has 3 offsets"),
        one("\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[16,0]", "lies at 16 to 0"),
        one("\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[-16,0]", "lies at -16 to 0"),
        one("\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,17]", "lies at 0 to 17"),
        one("\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,9223372036854775807]", "lies at 0 to"),
        one("\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,18446744073709551616]", "is not JSON"),
        one("\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,16]", "needs 12"),
        one("\"dtype\":\"F32\",\"shape\":[-4],\"data_offsets\":[0,16]", "impossible shape"),
        one("\"dtype\":\"F32\",\"shape\":[4611686018427387905,4],\"data_offsets\":[0,16]", "impossible shape"),
        one("\"dtype\":\"F32\",\"shape\":[4611686018427387904],\"data_offsets\":[0,16]", "more than any file has"),
        one("\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,4],\"data_offsets\":[0,16]", "has 9 dimensions"),
        one("\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[4,16]", "there is a gap"),
        one("\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]", "its tensors take 12"),
        Lie(
            header: "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]},"
                + "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}}", dataBytes: 16,
            reason: "they overlap"),
        Lie(
            header: "{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]},"
                + "\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}", dataBytes: 16,
            reason: "has the key 'a' twice"),
        Lie(header: "[]", dataBytes: 0, reason: "does not begin with '{'"),
        Lie(header: "{\"a\":1}", dataBytes: 0, reason: "another type"),
        Lie(header: "{", dataBytes: 0, reason: "not JSON"),
        Lie(header: String(repeating: "{\"a\":", count: 100), dataBytes: 0, reason: "nests deeper"),
        Lie(header: "{\"__metadata__\":{\"a\":[1]}}", dataBytes: 0, reason: "another type"),
    ]

    private func refusal(_ bytes: Data) throws -> String {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        try bytes.write(to: folder.appendingPathComponent("model.safetensors"))
        do throws(MartletError) {
            let file = try SafetensorsFile("model.safetensors", in: SourceFolder(folder.path))
            for entry in file.entries { _ = try file.floats(entry) }
            return "read"
        } catch {
            return error.message
        }
    }

    private func file(_ header: String, dataBytes: Int, length: UInt64? = nil) -> Data {
        var data = Data()
        withUnsafeBytes(of: (length ?? UInt64(header.utf8.count)).littleEndian) { data.append(contentsOf: $0) }
        return data + Data(header.utf8) + Data(count: dataBytes)
    }

    @Test("refuses headers that lie, each with its own reason", arguments: lies)
    func refusesLies(lie: Lie) throws {
        let message = try refusal(file(lie.header, dataBytes: lie.dataBytes))
        #expect(message.hasPrefix("model.safetensors: "))
        #expect(message.contains(lie.reason), "\(message)")
    }

    @Test("refuses header lengths that the file does not have", arguments: [
        3, 1 << 20, 100 << 20 + 1, 1 << 63, UInt64.max,
    ] as [UInt64])
    func refusesLengths(length: UInt64) throws {
        #expect(try refusal(file("{}", dataBytes: 0, length: length)) != "read")
        #expect(try refusal(Data([1, 2, 3])).contains("too few"))
    }

    @Test("refuses weights that are not finite, naming the element")
    func refusesNaN() throws {
        var bytes = file("{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}", dataBytes: 2)
        bytes.append(contentsOf: [0x00, 0x7E])
        #expect(try refusal(bytes).contains("tensor a holds nan at element 1"))
    }

    @Test("refuses every prefix of a file")
    func refusesPrefixes() throws {
        let whole = file("{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}", dataBytes: 16)
        #expect(try refusal(whole) == "read")
        for length in 0..<whole.count { #expect(try refusal(whole.prefix(length)) != "read") }
    }
}
