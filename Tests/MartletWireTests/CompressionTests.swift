import MartletCore
import MartletWire
import MartletTestSupport
import Testing

struct CompressionTests {
    /// Text-like, so that it compresses, but not to nothing.
    private let payload = (0..<4_000).map { UInt8(0x41 + ($0 * $0) % 23) }

    @Test("a large frame travels compressed and reads the same")
    func roundTrip() {
        let frame = Frame.message(3, payload)
        let small = encoded([frame], compress: true)
        #expect(small[0] == 1)
        #expect(small.count < encoded([frame]).count)
        for step in [0, 1, 100] { #expect(decode(small, step: step) == Decoded(frames: [frame])) }
    }

    @Test("frames below 1 KiB and frames that would grow travel as they are")
    func leftAlone() {
        let short = Frame.message(3, Array(payload.prefix(900)))
        #expect(encoded([short], compress: true) == encoded([short]))
        var random = SeededGenerator(seed: 7)
        let noise = Frame.message(3, (0..<4_000).map { _ in UInt8.random(in: 0...255, using: &random) })
        #expect(encoded([noise], compress: true) == encoded([noise]))
    }

    @Test("a bomb of 1000 to 1 stops at the limit")
    func bomb() throws {
        // 1 MiB of zeros, deflated as small as zlib can.
        let bomb = try #require(try Fixture.lines("bomb.txt").first).bytes
        #expect(bomb.count * 990 < 1 << 20)
        let whole = decode(framed(bomb, flags: 1), inflatedBytesMax: 2 << 20, arenaBytesMax: 4 << 20)
        #expect(whole.frames == [.message(1, Array(repeating: 0, count: 1 << 20))])
        let result = decode(framed(bomb, flags: 1), inflatedBytesMax: 100_000, arenaBytesMax: 4 << 20)
        #expect(result.code == .resourceExhausted)
        #expect(result.error == "a compressed frame inflates to more than the limit of 100000 bytes")
    }

    @Test("the limit itself is allowed and one byte less is not")
    func exactLimit() {
        let frame = Frame.message(1, payload)
        let size = encoded([frame]).count - 5
        let small = encoded([frame], compress: true)
        #expect(decode(small, inflatedBytesMax: size).frames == [frame])
        #expect(decode(small, inflatedBytesMax: size - 1).code == .resourceExhausted)
    }

    @Test("cut, trailing, broken and empty zlib data is refused")
    func broken() {
        let body = Array(encoded([.message(1, payload)], compress: true).dropFirst(5))
        for count in 0..<body.count {
            #expect(decode(framed(Array(body.prefix(count)), flags: 1)).code == .invalidArgument)
        }
        let trailing = decode(framed(body + [0], flags: 1))
        #expect(trailing.error == "a compressed frame has bytes after its zlib stream")
        for index in body.indices {
            var flipped = body
            flipped[index] ^= 0x10
            // The stream's Adler-32 makes a wrong result all but impossible.
            #expect(decode(framed(flipped, flags: 1)).error != nil)
        }
    }

    @Test("a receiver that accepts no compression refuses it")
    func notAccepted() {
        let small = encoded([.message(1, payload)], compress: true)
        let result = decode(small, acceptsCompression: false)
        #expect(result.code == .invalidArgument)
        #expect(result.error == "a compressed frame came although Hello did not accept them")
    }
}
