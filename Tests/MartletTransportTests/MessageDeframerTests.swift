import MartletCore
import NIOCore
import Testing

import MartletTransport

@Suite("Cutting a stream into gRPC messages")
struct MessageDeframerTests {
    static func framed(_ payload: [UInt8], flag: UInt8 = 0) -> [UInt8] {
        var buffer = ByteBuffer()
        buffer.writeInteger(flag)
        buffer.writeInteger(UInt32(payload.count))
        buffer.writeBytes(payload)
        return Array(buffer.readableBytesView)
    }

    static let messages: [[UInt8]] = [[], [1], Array(1...5), [UInt8](repeating: 9, count: 300), []]

    @Test("gives the same messages wherever the stream is cut", arguments: [1, 2, 3, 4, 5, 6, 7, 50, 1_000])
    func splits(size: Int) throws {
        let stream = Self.messages.flatMap { Self.framed($0) }
        var deframer = MessageDeframer(messageBytesMax: 300)
        var found: [[UInt8]] = []
        var start = 0
        while start < stream.count {
            let end = min(start + size, stream.count)
            deframer.append(ByteBuffer(bytes: stream[start..<end]))
            start = end
            while let message = try deframer.next() {
                #expect(!message.isCompressed)
                found.append(message.bytes)
            }
        }
        #expect(found == Self.messages)
        #expect(deframer.bufferedBytes == 0)
    }

    @Test("holds no more than a message and a frame of a stream whose frames all end inside a message")
    func longStream() throws {
        let message = Self.framed([UInt8](repeating: 7, count: 95))
        let stream = [UInt8](Array(repeating: message, count: 2_000).joined())
        var deframer = MessageDeframer(messageBytesMax: 300)
        var count = 0
        var storage = 0
        // 100 bytes a message, and 100 a frame, one byte late.
        for start in stride(from: 0, to: stream.count, by: 100) {
            deframer.append(ByteBuffer(bytes: stream[max(0, start - 99)..<(start + 1)]))
            while try deframer.next() != nil { count += 1 }
            storage = max(storage, deframer.storageBytes)
        }
        #expect(count == 1_999)
        #expect(deframer.bufferedBytes == 1)
        #expect(storage <= 1_024)
    }

    @Test("keeps the flag of a compressed message")
    func flag() throws {
        var deframer = MessageDeframer(messageBytesMax: 300)
        deframer.append(ByteBuffer(bytes: Self.framed([1], flag: 1)))
        #expect(try deframer.next() == MessageDeframer.Message(isCompressed: true, bytes: [1]))
    }

    @Test("refuses a length over the limit as soon as the prefix is there, and keeps no bytes for it")
    func tooLong() async {
        var deframer = MessageDeframer(messageBytesMax: 300)
        deframer.append(ByteBuffer(bytes: [0, 0, 0, 1, 45]))
        let error = await failure { _ = try deframer.next() }
        #expect(error?.code == .resourceExhausted)
        #expect(error?.message == "a message of 301 bytes is over the limit of 300 bytes; send less at once")
    }

    @Test("refuses a flag byte that means nothing", arguments: [2, 0x80, 0xFF] as [UInt8])
    func unknownFlag(flag: UInt8) async {
        var deframer = MessageDeframer(messageBytesMax: 300)
        deframer.append(ByteBuffer(bytes: Self.framed([1], flag: flag)))
        #expect(await failure { _ = try deframer.next() }?.code == .internalError)
    }
}
