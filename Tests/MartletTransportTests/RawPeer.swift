import Foundation
import Glibc
import MartletCore
import MartletWire
import Synchronization

/// A peer that sends whatever bytes a test likes, over plain sockets. Blocking calls run on threads of their own, and
/// time out after ten seconds, so that a server that says nothing fails the test instead of hanging it.
final class RawPeer: Sendable {
    struct Failure: Error { let what: String }

    private let descriptor: Int32
    private let decoder = Mutex(
        FrameDecoder(frameBytesMax: 64 << 20, inflatedBytesMax: 64 << 20, arenaBytesMax: 256 << 20))

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(clamping: port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        guard result == 0 else { throw Failure(what: "connect: \(errno)") }
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { Glibc.close(descriptor) }

    /// Connects, exchanges prefaces and Hellos.
    static func greeted(port: Int, initialCreditBytes: UInt64 = 256 << 10, compression: Bool = false) async throws
        -> RawPeer
    {
        let peer = try RawPeer(port: port)
        try await peer.send(Preface.bytes + bytes(hello(initialCreditBytes, compression: compression)))
        try await peer.expectPreface()
        guard case .hello = try await peer.frame() else { throw Failure(what: "no Hello") }
        return peer
    }

    static func hello(_ initialCreditBytes: UInt64 = 256 << 10, compression: Bool = false, version: UInt32 = 1) -> Frame
    {
        .hello(
            Frame.Hello(
                protocolVersion: version, messageBytesMax: 4 << 20, initialCreditBytes: initialCreditBytes, callsMax: 0,
                acceptsCompression: compression, software: "raw"))
    }

    static func bytes(_ frames: Frame...) -> [UInt8] { bytes(frames) }

    static func bytes(_ frames: [Frame]) -> [UInt8] {
        var bytes: [UInt8] = []
        for frame in frames { FrameEncoder.append(frame, compress: false, to: &bytes) }
        return bytes
    }

    func send(_ frames: Frame...) async throws { try await send(Self.bytes(frames)) }

    func send(_ bytes: [UInt8]) async throws {
        guard try await trySend(bytes) else { throw Failure(what: "the server closed the connection") }
    }

    /// False when the server has closed.
    func trySend(_ bytes: [UInt8]) async throws -> Bool {
        let descriptor = descriptor
        return try await onThread {
            var sent = 0
            while sent < bytes.count {
                let count = bytes[sent...].withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                if count < 0, errno == EPIPE || errno == ECONNRESET { return false }
                guard count > 0 else { throw Failure(what: "send: \(errno)") }
                sent += count
            }
            return true
        }
    }

    func expectPreface() async throws {
        let descriptor = descriptor
        try await onThread {
            var bytes = [UInt8](repeating: 0, count: 8)
            var got = 0
            while got < 8 {
                let count = bytes[got...].withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
                guard count > 0 else { throw Failure(what: "preface: \(count), \(errno)") }
                got += count
            }
            guard bytes == Preface.bytes else { throw Failure(what: "wrong preface") }
        }
    }

    /// The next frame; nil when the server has closed.
    func frame() async throws -> Frame? {
        let descriptor = descriptor
        return try await onThread {
            while true {
                if let frame = try self.decoder.withLock({ try $0.next() }) { return frame }
                var bytes = [UInt8](repeating: 0, count: 64 << 10)
                let count = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
                if count == 0 || (count < 0 && errno == ECONNRESET) { return nil }
                guard count > 0 else { throw Failure(what: "nothing came: \(errno)") }
                self.decoder.withLock { decoder in
                    bytes.withUnsafeBytes { decoder.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
                }
            }
        }
    }

    /// Whatever bytes come next, as they are; nil when the server has closed.
    func rawBytes() async throws -> [UInt8]? {
        let descriptor = descriptor
        return try await onThread {
            var bytes = [UInt8](repeating: 0, count: 64 << 10)
            let count = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count == 0 || (count < 0 && errno == ECONNRESET) { return nil }
            guard count > 0 else { throw Failure(what: "nothing came: \(errno)") }
            return Array(bytes[..<count])
        }
    }

    /// Every frame until the server closes.
    func framesToEnd() async throws -> [Frame] {
        var frames: [Frame] = []
        while let frame = try await frame() { frames.append(frame) }
        return frames
    }

    /// The code of the GoAway that ends the connection.
    func goAwayCode() async throws -> MartletError.Code? {
        for frame in try await framesToEnd() {
            if case .goAway(let goAway) = frame { return MartletError.Code(value: goAway.code) }
        }
        return nil
    }

    /// The status of the call, other frames passed over.
    func status(of id: CallID) async throws -> CallStatus? {
        while let frame = try await frame() {
            if case .status(id, let status) = frame { return status }
        }
        return nil
    }

    /// Ends our side only.
    func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Closes by a reset instead of an orderly end.
    func resetOnClose() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }
}

/// Runs blocking work without taking a thread from Swift's pool.
func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Swift.Result(catching: body)) }
    }
}

func classifyFrames(_ id: CallID, _ model: String = "echo", _ text: String = "hello", deadline: UInt64 = 0) -> [Frame] {
    let payload = MessageCodec(arenaBytesMax: 1 << 20).encode(request(model, text))
    return [
        .open(id, Frame.Open(method: MartletWire.Method.classify.path, deadlineMicroseconds: deadline)),
        .message(id, payload), .halfClose(id),
    ]
}
