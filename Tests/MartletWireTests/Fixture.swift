import Foundation
import MartletCore
import MartletWire
import Testing

/// Reads the golden bytes that Tools/fixtures/make_wire_fixtures.py wrote: lines of a name and hex digits.
enum Fixture {
    static func lines(_ file: String) throws -> [(name: String, bytes: [UInt8])] {
        let url = try #require(Bundle.module.resourceURL).appending(path: "Fixtures/\(file)")
        return try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map { line in
            let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
            try #require(parts.count == 2)
            return (String(parts[0]), try bytes(fromHex: parts[1]))
        }
    }

    static func message(_ name: String) throws -> [UInt8] {
        try #require(try lines("messages.txt").first { $0.name == name }, "no golden message \(name)").bytes
    }

    /// What one side sends after its preface.
    static func frames(from sender: String) throws -> [UInt8] {
        let sent = try lines("conversation.txt").filter { $0.name == sender }.map(\.bytes)
        #expect(sent.first == Preface.bytes)
        return Array(sent.dropFirst().joined())
    }

    private static func bytes(fromHex text: Substring) throws -> [UInt8] {
        let digits = try text.utf8.map { digit in
            UInt8(try #require(Character(UnicodeScalar(digit)).hexDigitValue))
        }
        return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}

/// How a run of bytes decodes: the frames, and the error that ended them.
struct Decoded: Equatable {
    var frames: [Frame] = []
    var error: String?
    var code: MartletError.Code?
    var left = 0
}

/// Decodes `bytes` given `step` bytes at a time; `step` 0 gives all at once.
func decode(
    _ bytes: [UInt8], step: Int = 0, frameBytesMax: Int = 1 << 16, inflatedBytesMax: Int = 1 << 16,
    arenaBytesMax: Int = 1 << 20, acceptsCompression: Bool = true
) -> Decoded {
    var decoder = FrameDecoder(
        frameBytesMax: frameBytesMax, inflatedBytesMax: inflatedBytesMax, arenaBytesMax: arenaBytesMax,
        acceptsCompression: acceptsCompression)
    var result = Decoded()
    var rest = bytes[...]
    while true {
        let part = Array(rest.prefix(step == 0 ? bytes.count : step))
        rest = rest.dropFirst(part.count)
        part.withUnsafeBytes { decoder.append($0) }
        do {
            while let frame = try decoder.next() { result.frames.append(frame) }
        } catch {
            result.error = error.message
            result.code = error.code
            return result
        }
        if rest.isEmpty { break }
    }
    result.left = decoder.bufferedBytes
    return result
}

func encoded(_ frames: [Frame], compress: Bool = false) -> [UInt8] {
    var bytes: [UInt8] = []
    for frame in frames { FrameEncoder.append(frame, compress: compress, to: &bytes) }
    return bytes
}

/// The prefix and `body`, whatever it holds.
func framed(_ body: [UInt8], flags: UInt8 = 0, length: Int? = nil) -> [UInt8] {
    let length = length ?? body.count
    return [flags] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) } + body
}
