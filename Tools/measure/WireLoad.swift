import Foundation
import Glibc
import MartletCore
import MartletWire

/// Load on the native protocol by blocking sockets and one `poll`, so that the client costs less than the server.
///
/// `martlet-measure wire-load PORT CONNECTIONS IN-FLIGHT SECONDS` prints one JSON line: calls a second and percentiles
/// of the latency in microseconds. Every answer is decoded, and one that is not OK ends the run.
enum WireLoad {
    static func run(_ arguments: [String]) -> Int32 {
        let numbers = arguments.compactMap { Int($0) }
        guard numbers.count == 4, numbers.count == arguments.count, numbers[1] > 0, numbers[2] > 0 else {
            FileHandle.standardError.write(
                Data("Usage: martlet-measure wire-load PORT CONNECTIONS IN-FLIGHT SECONDS\n".utf8))
            return 2
        }
        do {
            let load = try (0..<numbers[1]).map { _ in try LoadedConnection(port: numbers[0], inFlight: numbers[2]) }
            let (calls, seconds, latencies) = try drive(load, seconds: Double(numbers[3]))
            guard !latencies.isEmpty else { throw MartletError(.deadlineExceeded, "no call ended in time") }
            let sorted = latencies.sorted()
            func percentile(_ share: Double) -> Double { sorted[Int(Double(sorted.count - 1) * share)] }
            print(
                "{\"calls_per_second\": \(Double(calls) / seconds), \"p50_us\": \(percentile(0.5)), "
                    + "\"p99_us\": \(percentile(0.99))}")
            return 0
        } catch {
            FileHandle.standardError.write(Data("martlet-measure wire-load: \(error)\n".utf8))
            return 1
        }
    }

    private static func drive(
        _ connections: [LoadedConnection], seconds: Double
    ) throws -> (calls: Int, seconds: Double, latencies: [Double]) {
        var polled = connections.map { pollfd(fd: $0.socket, events: Int16(POLLIN), revents: 0) }
        for connection in connections { try connection.begin() }
        // The first second warms up.
        let start = ContinuousClock.now, counted = start.advanced(by: .seconds(1))
        let end = counted.advanced(by: .seconds(seconds))
        var calls = 0
        var latencies: [Double] = []
        while ContinuousClock.now < end {
            guard poll(&polled, nfds_t(polled.count), 5_000) > 0 else {
                throw MartletError(.deadlineExceeded, "nothing came for five seconds")
            }
            for (index, connection) in connections.enumerated() where polled[index].revents != 0 {
                let finished = try connection.exchange()
                guard ContinuousClock.now > counted else { continue }
                calls += finished.count
                latencies.append(contentsOf: finished)
            }
        }
        return (calls, seconds, latencies)
    }
}

/// One connection that keeps `inFlight` calls open.
private final class LoadedConnection {
    let socket: Int32
    private let inFlight: Int
    private let request: [UInt8]
    private var decoder: FrameDecoder
    private var nextCall: UInt64 = 1
    private var started: [UInt64: ContinuousClock.Instant] = [:]
    private var outgoing: [UInt8] = []
    private var buffer = [UInt8](repeating: 0, count: 256 << 10)
    private var prefaceLeft = Preface.bytes[...]

    init(port: Int, inFlight: Int) throws {
        self.inFlight = inFlight
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.socket = socket
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(clamping: port)).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw MartletError(.unavailable, "nothing listens on port \(port)") }
        var one: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        decoder = FrameDecoder(
            frameBytesMax: 8 << 20, inflatedBytesMax: 8 << 20, arenaBytesMax: 16 << 20, arenas: ArenaPool())
        let codec = MessageCodec(arenaBytesMax: 16 << 20)
        request = codec.encode(
            ClassifyRequest(model: ModelReference(name: "noop"), inputs: [TextInput(OverheadMeasure.text)]))
    }

    func begin() throws {
        outgoing = Preface.bytes
        let hello = Frame.Hello(
            messageBytesMax: 8 << 20, initialCreditBytes: 1 << 20, callsMax: 0, acceptsCompression: false,
            software: "martlet-measure")
        FrameEncoder.append(.hello(hello), compress: false, to: &outgoing)
        try send()
    }

    /// Reads once, answers each finished call with a new one.
    /// - Returns: latencies of the calls that ended, in microseconds.
    func exchange() throws -> [Double] {
        let count = read(socket, &buffer, buffer.count)
        guard count > 0 else { throw MartletError(.unavailable, "the server closed a connection") }
        var bytes = buffer[0..<count]
        while let expected = prefaceLeft.first, let byte = bytes.popFirst() {
            guard byte == expected else {
                throw MartletError(.invalidArgument, "the server's first bytes are not its preface")
            }
            prefaceLeft.removeFirst()
        }
        bytes.withUnsafeBytes { decoder.append($0) }
        var latencies: [Double] = []
        while let frame = try decoder.next() {
            switch frame {
            case .hello: for _ in 0..<inFlight { open() }
            case .status(let id, let status):
                guard status.code == 0, let start = started.removeValue(forKey: id) else {
                    throw MartletError(.internalError, "a call ended with \(status.code): \(status.message)")
                }
                latencies.append(OverheadMeasure.microseconds(start.duration(to: .now)))
                open()
            case .goAway(let goAway): throw MartletError(.unavailable, "the server went away: \(goAway.reason)")
            default: break
            }
        }
        try send()
        return latencies
    }

    private func open() {
        let id = nextCall
        nextCall += 1
        started[id] = .now
        FrameEncoder.append(.open(id, Frame.Open(method: Method.classify.path)), compress: false, to: &outgoing)
        FrameEncoder.append(.message(id, request), compress: false, to: &outgoing)
        FrameEncoder.append(.halfClose(id), compress: false, to: &outgoing)
    }

    private func send() throws {
        var sent = 0
        while sent < outgoing.count {
            let count = outgoing.withUnsafeBytes { write(socket, $0.baseAddress.map { $0 + sent }, $0.count - sent) }
            guard count > 0 else { throw MartletError(.unavailable, "the server closed a connection") }
            sent += count
        }
        outgoing.removeAll(keepingCapacity: true)
    }
}
