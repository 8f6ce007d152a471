import MartletCore
import MartletWire
import Testing

@Suite struct GzipStreamTests {
    static let text = Array(String(repeating: "some text that compresses well, 文本. ", count: 20_000).utf8)

    static func compressed() throws -> [UInt8] {
        try #require(text.withUnsafeBytes { Zlib.deflated($0, format: .gzip) })
    }

    static func inflate(_ parts: [[UInt8]]) throws -> [UInt8] {
        let stream = GzipStream()
        var output: [UInt8] = []
        for part in parts {
            stream.append(part)
            while let piece = try stream.next() {
                #expect(piece.count <= 64 << 10)
                output += piece
            }
        }
        try stream.end()
        return output
    }

    @Test(arguments: [1, 7, 1_000, 1 << 20])
    func `a stream cut anywhere inflates to its text`(_ step: Int) throws {
        let bytes = try Self.compressed()
        let parts = stride(from: 0, to: bytes.count, by: step).map { Array(bytes[$0..<min($0 + step, bytes.count)]) }
        #expect(try Self.inflate(parts) == Self.text)
    }

    @Test func `a stream that is cut off, goes on or is none is refused`() throws {
        let bytes = try Self.compressed()
        #expect(throws: MartletError.self) { _ = try Self.inflate([Array(bytes.dropLast(9))]) }
        #expect(throws: MartletError.self) { _ = try Self.inflate([bytes, [1]]) }
        #expect(throws: MartletError.self) { _ = try Self.inflate([bytes + [1]]) }
        #expect(throws: MartletError.self) { _ = try Self.inflate([Array("plain".utf8)]) }
        #expect(throws: MartletError.self) { _ = try Self.inflate([[0x1F]]) }
        #expect(try Self.inflate([]) == [])
    }
}
