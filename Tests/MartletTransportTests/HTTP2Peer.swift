import MartletCore
import MartletWire
import NIOCore
import NIOHPACK
import Synchronization

import MartletTransport

/// A client that sends whatever HTTP/2 frames a test likes.
final class HTTP2Peer: Sendable {
    struct Frame: Hashable {
        enum Kind: UInt8 {
            case data = 0, headers, priority, reset, settings, pushPromise, ping, goAway, windowUpdate, continuation
        }

        static let endStream: UInt8 = 1
        static let endHeaders: UInt8 = 4

        var kind: Kind
        var flags: UInt8 = 0
        var stream: UInt32 = 0
        var payload: [UInt8] = []

        var bytes: [UInt8] {
            var buffer = ByteBuffer()
            buffer.writeInteger(UInt32(payload.count) << 8 | UInt32(kind.rawValue))
            buffer.writeInteger(flags)
            buffer.writeInteger(stream)
            return Array(buffer.readableBytesView) + payload
        }
    }

    /// What one call got.
    struct Answer {
        var headers: HPACKHeaders = [:]
        var messages: [[UInt8]] = []
        var trailers: HPACKHeaders = [:]
        /// The code of a RST_STREAM, where one came.
        var reset: UInt32?

        var status: Int? { trailers.first(name: "grpc-status").flatMap { Int($0) } }
        var message: String { trailers.first(name: "grpc-message") ?? "" }
    }

    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    let peer: RawPeer
    private let state: Mutex<State>

    private struct State {
        var buffer = ByteBuffer()
        var decoder = HPACKDecoder(allocator: ByteBufferAllocator())
    }

    init(port: Int) throws {
        peer = try RawPeer(port: port)
        state = Mutex(State())
    }

    /// Connects, and sends the preface and SETTINGS that open windows for `window` bytes.
    static func greeted(port: Int, window: UInt32 = 1 << 20) async throws -> HTTP2Peer {
        let peer = try HTTP2Peer(port: port)
        var settings = ByteBuffer()
        settings.writeInteger(UInt16(4))
        settings.writeInteger(window)
        try await peer.send(
            Self.preface + Frame(kind: .settings, payload: Array(settings.readableBytesView)).bytes
                + Self.windowUpdate(1 << 24).bytes)
        return peer
    }

    static func windowUpdate(_ bytes: UInt32, stream: UInt32 = 0) -> Frame {
        var payload = ByteBuffer()
        payload.writeInteger(bytes)
        return Frame(kind: .windowUpdate, stream: stream, payload: Array(payload.readableBytesView))
    }

    static func reset(_ stream: UInt32, code: UInt8 = 8) -> Frame {
        Frame(kind: .reset, stream: stream, payload: [0, 0, 0, code])
    }

    /// A header list without entries of the dynamic table, so that a test may leave frames out.
    static func headers(_ stream: UInt32, _ list: [(String, String)], end: Bool = false) -> Frame {
        var payload: [UInt8] = []
        for (name, value) in list {
            payload.append(0)
            for text in [name, value] {
                // A prefix of 7 bits, RFC 7541 section 5.1.
                var length = text.utf8.count
                if length < 127 {
                    payload.append(UInt8(length))
                } else {
                    payload.append(127)
                    length -= 127
                    while length >= 128 {
                        payload.append(UInt8(length % 128 + 128))
                        length /= 128
                    }
                    payload.append(UInt8(length))
                }
                payload += Array(text.utf8)
            }
        }
        return Frame(
            kind: .headers, flags: Frame.endHeaders | (end ? Frame.endStream : 0), stream: stream, payload: payload)
    }

    static func requestHeaders(
        _ stream: UInt32, path: String = MartletWire.Method.classify.path, _ more: (String, String)...
    ) -> Frame {
        headers(
            stream,
            [
                (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "test"),
                ("content-type", "application/grpc"), ("te", "trailers"),
            ] + more)
    }

    static func data(_ stream: UInt32, _ bytes: [UInt8], end: Bool = false) -> Frame {
        Frame(kind: .data, flags: end ? Frame.endStream : 0, stream: stream, payload: bytes)
    }

    /// The message of a Classify call, with its prefix.
    static func classify(_ model: String = "echo", _ text: String = "hello") -> [UInt8] {
        MessageDeframerTests.framed(MessageCodec(arenaBytesMax: 1 << 20).encode(request(model, text)))
    }

    /// A whole Classify call.
    static func call(_ stream: UInt32, _ model: String = "echo", _ text: String = "hello") -> [UInt8] {
        requestHeaders(stream).bytes + data(stream, classify(model, text), end: true).bytes
    }

    func send(_ bytes: [UInt8]) async throws { try await peer.send(bytes) }
    func send(_ frames: Frame...) async throws { try await peer.send(frames.flatMap(\.bytes)) }

    /// The next frame; nil when the server has closed.
    func frame() async throws -> Frame? {
        while true {
            if let frame = state.withLock({ Self.next(in: &$0.buffer) }) { return frame }
            guard let bytes = try await peer.rawBytes() else { return nil }
            state.withLock { state in _ = state.buffer.writeBytes(bytes) }
        }
    }

    private static func next(in buffer: inout ByteBuffer) -> Frame? {
        guard let head = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) else { return nil }
        let length = Int(head >> 8)
        guard buffer.readableBytes >= 9 + length, let kind = Frame.Kind(rawValue: UInt8(head & 0xFF)) else {
            return nil
        }
        buffer.moveReaderIndex(forwardBy: 4)
        guard let flags = buffer.readInteger(as: UInt8.self), let stream = buffer.readInteger(as: UInt32.self),
            let payload = buffer.readBytes(length: length)
        else { return nil }
        return Frame(kind: kind, flags: flags, stream: stream, payload: payload)
    }

    /// What a call gets, frames of other calls passed over except for their header lists.
    func answer(of stream: UInt32) async throws -> Answer {
        var answer = Answer()
        var body: [UInt8] = []
        var deframer = MessageDeframer(messageBytesMax: 64 << 20)
        while let frame = try await frame() {
            if frame.kind == .settings, frame.flags == 0 { try await send(Frame(kind: .settings, flags: 1)) }
            if frame.kind == .headers {
                var block = ByteBuffer(bytes: frame.payload)
                let list = try state.withLock { try $0.decoder.decodeHeaders(from: &block) }
                guard frame.stream == stream else { continue }
                if answer.headers.isEmpty { answer.headers = list }
                if frame.flags & Frame.endStream != 0 { answer.trailers = list }
            }
            guard frame.stream == stream else { continue }
            if frame.kind == .data { body += frame.payload }
            if frame.kind == .reset { answer.reset = UInt32(frame.payload[3]) }
            if frame.kind == .reset || (frame.flags & Frame.endStream != 0 && frame.kind != .settings) { break }
        }
        deframer.append(ByteBuffer(bytes: body))
        while let message = try deframer.next() { answer.messages.append(message.bytes) }
        return answer
    }

    /// The code of the GOAWAY with an error that ends the connection; nil when none came.
    func goAwayCode() async throws -> UInt8? {
        var code: UInt8?
        while let frame = try await frame() {
            if frame.kind == .goAway { code = frame.payload[7] }
        }
        return code
    }
}
