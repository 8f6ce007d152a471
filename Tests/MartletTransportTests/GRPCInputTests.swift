import MartletCore
import MartletWire
import NIOCore
import Testing

import MartletTransport

@Suite("The request side of a gRPC call")
struct GRPCInputTests {
    /// What came out, as text: `start 2`, `deliver 1`, `end`, or the error's code.
    static func transcript(
        clientStreams: Bool, encoding: MessageEncoding = .identity, _ frames: [[UInt8]?]
    ) -> [String] {
        var input = GRPCInput(clientStreams: clientStreams, encoding: encoding, messageBytesMax: 1_000)
        var lines: [String] = []
        do throws(MartletError) {
            for frame in frames {
                var events: [GRPCInput.Event] = []
                if let frame {
                    try input.receive(ByteBuffer(bytes: frame), &events)
                } else {
                    try input.end(&events)
                }
                lines += events.map { event in
                    switch event {
                    case .start(let request): "start \(request.count)"
                    case .deliver(let message): "deliver \(message.count)"
                    case .end: "end"
                    }
                }
            }
        } catch {
            lines.append(error.code.description)
        }
        return lines
    }

    static let short = MessageDeframerTests.framed([1])
    static let long = MessageDeframerTests.framed([1, 2])

    @Test(
        "of a method that takes one request wants exactly one, and starts at the half-close",
        arguments: [
            ([short, nil], ["start 1"]), ([nil], ["UNIMPLEMENTED"]), ([short, long, nil], ["UNIMPLEMENTED"]),
            ([short + long, nil], ["UNIMPLEMENTED"]), ([[0, 0, 0], [0, 2, 1], [2], nil], ["start 2"]),
            ([[0, 0, 0, 0, 2, 1], nil], ["INTERNAL"]), ([[0, 0], nil], ["INTERNAL"]),
            ([[0, 0xFF, 0xFF, 0xFF, 0xFF]], ["RESOURCE_EXHAUSTED"]), ([[1, 0, 0, 0, 1, 7]], ["INTERNAL"]),
        ] as [([[UInt8]?], [String])])
    func one(frames: [[UInt8]?], expected: [String]) {
        #expect(Self.transcript(clientStreams: false, frames) == expected)
    }

    @Test(
        "of a method that takes many gives each at once",
        arguments: [
            ([nil], ["end"]), ([short, long, nil], ["deliver 1", "deliver 2", "end"]),
            ([short + long, nil], ["deliver 1", "deliver 2", "end"]),
            ([short + [0, 0], nil], ["deliver 1", "INTERNAL"]),
        ] as [([[UInt8]?], [String])])
    func many(frames: [[UInt8]?], expected: [String]) {
        #expect(Self.transcript(clientStreams: true, frames) == expected)
    }

    @Test("inflates what is flagged, up to the limit of a message", arguments: [MessageEncoding.gzip, .deflate])
    func inflates(encoding: MessageEncoding) throws {
        // Compression begins at 1 KiB, the limit here is below it: so the largest that fits is compressed by hand.
        for (count, expected) in [
            (1_000, "deliver 1000"), (1_001, "RESOURCE_EXHAUSTED"), (100_000, "RESOURCE_EXHAUSTED"),
        ] {
            let padded = try #require(encoding.compressed([UInt8](repeating: 7, count: max(1_024, count))))
            let payload = count >= 1_024 ? padded : try Self.compressed(count, encoding)
            let frame = MessageDeframerTests.framed(payload, flag: 1)
            #expect(Self.transcript(clientStreams: true, encoding: encoding, [frame]) == [expected])
        }
        let broken = MessageDeframerTests.framed([1, 2, 3], flag: 1)
        #expect(Self.transcript(clientStreams: true, encoding: encoding, [broken]) == ["INVALID_ARGUMENT"])
    }

    private static func compressed(_ count: Int, _ encoding: MessageEncoding) throws -> [UInt8] {
        try #require(
            [UInt8](repeating: 7, count: count).withUnsafeBytes {
                Zlib.deflated($0, format: encoding == .gzip ? .gzip : .zlib)
            })
    }
}
