import MartletCore
import MartletWire
import Testing

struct FrameDecoderTests {
    @Test("frames chopped at any size are the frames of the whole", arguments: ["client", "server"])
    func chopped(sender: String) throws {
        let bytes = try Fixture.frames(from: sender)
        let whole = decode(bytes)
        #expect(whole.error == nil)
        #expect(whole.left == 0)
        #expect(whole.frames.count >= 9)
        for step in [1, 2, 3, 5, 7, 64, 1_000] { #expect(decode(bytes, step: step) == whole) }
    }

    @Test("every prefix of a conversation gives whole frames and waits for more", arguments: ["client", "server"])
    func prefixes(sender: String) throws {
        let bytes = try Fixture.frames(from: sender)
        let whole = decode(bytes).frames
        for count in 0..<bytes.count {
            let part = decode(Array(bytes.prefix(count)))
            #expect(part.error == nil)
            #expect(part.frames == Array(whole.prefix(part.frames.count)))
            #expect(part.frames.count < whole.count)
            #expect(encoded(part.frames).count + part.left == count)
        }
    }

    @Test("no single flipped bit crashes or decodes differently when chopped", arguments: ["client", "server"])
    func bitFlips(sender: String) throws {
        var bytes = try Fixture.frames(from: sender)
        for index in bytes.indices {
            for bit in 0..<8 {
                bytes[index] ^= 1 << bit
                let whole = decode(bytes)
                let chopped = decode(bytes, step: 11)
                if whole != chopped { Issue.record("byte \(index) bit \(bit): \(whole) but chopped \(chopped)") }
                if let code = whole.code, code != .invalidArgument, code != .resourceExhausted {
                    Issue.record("byte \(index) bit \(bit): \(code)")
                }
                bytes[index] ^= 1 << bit
            }
        }
    }

    @Test("a length above the limit is refused from the prefix alone, one at the limit is not")
    func lengthLimit() {
        let above = decode(framed([], length: 1_001), frameBytesMax: 1_000)
        #expect(above.code == .resourceExhausted)
        #expect(above.error == "a frame of 1001 bytes is above the limit of 1000 bytes")
        #expect(decode(framed([], length: 1_000), frameBytesMax: 1_000) == Decoded(left: 5))
        #expect(decode(framed([], length: Int(UInt32.max))).code == .resourceExhausted)
    }

    @Test("reserved flag bits are refused", arguments: 1..<8)
    func reservedFlags(bit: Int) throws {
        let body = try Fixture.message("Frame.ping")
        let result = decode(framed(body, flags: 1 << bit))
        #expect(result.code == .invalidArgument)
        #expect(result.error == "reserved flag bits are set in a frame's prefix (flags \(1 << bit))")
    }

    @Test("an error is final: nothing decodes after it")
    func errorIsFinal() throws {
        var decoder = FrameDecoder(frameBytesMax: 1_000, inflatedBytesMax: 1_000, arenaBytesMax: 1 << 16)
        let good = framed(try Fixture.message("Frame.ping"))
        (framed([]) + good).withUnsafeBytes { decoder.append($0) }
        for _ in 0..<2 {
            #expect(throws: MartletError.self) { try decoder.next() }
            good.withUnsafeBytes { decoder.append($0) }
        }
        #expect(decoder.bufferedBytes == 0)
    }

    @Test("frames without a kind, with a future kind or with the wrong call number are refused")
    func malformed() {
        let cases: [(body: [UInt8], message: String)] = [
            ([], "a frame has no known kind"),
            ([0x08, 0x01], "a frame has no known kind"),
            ([0x08, 0x01, 0x7A, 0x00], "a frame has no known kind"),
            ([0x2A, 0x00], "a frame of a call has call_id 0"),
            ([0x08, 0x00, 0x2A, 0x00], "a frame of a call has call_id 0"),
            ([0x08, 0x07, 0x4A, 0x00], "a frame about the connection has call_id 7 instead of 0"),
            ([0x1A, 0x03, 0x0A, 0x01, 0xFF, 0x08, 0x01], "open.method is not valid UTF-8"),
            ([0xFF], "the 1 bytes are not a valid Frame"),
        ]
        for (body, message) in cases {
            let result = decode(framed(body))
            #expect(result.code == .invalidArgument)
            #expect(result.error == message)
        }
    }

    @Test("unknown fields inside a known kind are ignored")
    func unknownFields() {
        let ping: [UInt8] = [0x4A, 0x0D, 0x09, 1, 0, 0, 0, 0, 0, 0, 0, 0xFA, 0x01, 0x01, 0x41]
        #expect(decode(framed(ping)).frames == [.ping(1)])
    }

    @Test("a megabyte arriving a little at a time does not keep its memory")
    func largeFrame() {
        let frame = Frame.message(1, Array(repeating: 0x41, count: 1 << 20))
        let bytes = encoded([frame, .halfClose(1)])
        let result = decode(bytes, step: 1_500, frameBytesMax: 2 << 20, arenaBytesMax: 4 << 20)
        #expect(result.frames == [frame, .halfClose(1)])
        #expect(result.left == 0)
    }
}
