import Foundation
import Glibc
import MartletClient
import MartletCore
import MartletTransport
import MartletWire
import Synchronization
import Testing

@Suite("Listening, connecting and draining", .timeLimit(.minutes(5)))
struct ListeningTests {
    static func makeServer() -> MartletServer {
        MartletServer(handler: FakeHandler(), limits: Limits(), software: "martlet/test")
    }

    static func freePath() -> String {
        FileManager.default.temporaryDirectory.appendingPathComponent("martlet-\(UUID().uuidString.prefix(8))").path
    }

    @Test("an address that is taken gives an error that names it and the way out")
    func portInUse() async throws {
        try await TestServer.with { test in
            let other = Self.makeServer()
            let port = await failure { try await other.listen(on: .tcp(host: "127.0.0.1", port: test.port)) }
            #expect(port?.code == .alreadyExists)
            #expect(
                port?.message.contains("127.0.0.1:\(test.port)") == true && port?.message.contains("port 0") == true)
            let path = await failure { try await other.listen(on: .unix(path: test.path)) }
            #expect(path?.code == .alreadyExists && path?.message.contains(test.path) == true)
            await other.drain(within: .zero)
            // The other server's attempt took nothing away.
            let client = try await MartletClient.connect(to: test.unix)
            #expect(try await client.classify(request("echo")) == FakeHandler.answer("hello"))
        }
    }

    @Test("a socket file that a dead server left is replaced; any other file is left alone")
    func staleSocket() async throws {
        let path = Self.freePath()
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
        }
        #expect(bound == 0)
        Glibc.close(descriptor)
        let server = Self.makeServer()
        try await server.listen(on: .unix(path: path))
        let client = try await MartletClient.connect(to: .unix(path: path))
        #expect(try await client.classify(request("echo")) == FakeHandler.answer("hello"))
        await server.drain(within: .seconds(5))
        #expect(!FileManager.default.fileExists(atPath: path))

        try Data([1]).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let other = Self.makeServer()
        #expect(await failure { try await other.listen(on: .unix(path: path)) }?.code == .alreadyExists)
        #expect(FileManager.default.fileExists(atPath: path))
        await other.drain(within: .zero)
    }

    @Test("addresses that cannot be listened on are told apart")
    func badAddresses() async throws {
        let server = Self.makeServer()
        for (address, code) in [
            (ServerAddress.tcp(host: "192.0.2.1", port: 0), MartletError.Code.invalidArgument),
            (.unix(path: "/nowhere/at/all.sock"), .notFound),
            (.unix(path: "/tmp/" + String(repeating: "long", count: 40)), .invalidArgument),
        ] {
            let error = await failure { try await server.listen(on: address) }
            #expect(error?.code == code, "\(address): \(String(describing: error))")
        }
        await server.drain(within: .zero)
    }

    @Test("connecting says whether nobody is there, something else is there, or what is there keeps silent")
    func connectFailures() async throws {
        var options = ClientOptions()
        options.connectTimeout = .milliseconds(200)
        let port = try await TestServer.with { $0.port }
        let nobody = await failure { _ = try await MartletClient.connect(to: .tcp(host: "127.0.0.1", port: port)) }
        #expect(nobody?.code == .unavailable && nobody?.message.contains("nobody listens on 127.0.0.1") == true)
        let nowhere = await failure { _ = try await MartletClient.connect(to: .unix(path: Self.freePath())) }
        #expect(nowhere?.code == .unavailable)
        let other = try RawListener(saying: Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8))
        let wrong = await failure {
            _ = try await MartletClient.connect(to: .tcp(host: "127.0.0.1", port: other.port), options: options)
        }
        #expect(wrong?.code == .failedPrecondition && wrong?.message.contains("not a Martlet server") == true)
        let silent = try RawListener(saying: [])
        let timeout = await failure { [options] in
            _ = try await MartletClient.connect(to: .tcp(host: "127.0.0.1", port: silent.port), options: options)
        }
        #expect(timeout?.code == .deadlineExceeded)
    }

    @Test("a ping that nobody answers ends when its task is cancelled")
    func cancelledPing() async throws {
        let silent = try RawListener(saying: Preface.bytes + RawPeer.bytes(RawPeer.hello()))
        let client = try await MartletClient.connect(to: .tcp(host: "127.0.0.1", port: silent.port))
        let ping = Task { try await client.ping() }
        for _ in 0..<100 { await Task.yield() }
        ping.cancel()
        #expect(await failure { _ = try await ping.value }?.code == .cancelled)
        await client.close()
    }

    @Test("connections over the limit are refused with a reason, and admitted again when there is room")
    func tooManyConnections() async throws {
        var limits = Limits()
        limits.connectionsMax = 2
        try await TestServer.with(limits: limits) { test in
            let first = try await MartletClient.connect(to: test.tcp)
            let second = try await MartletClient.connect(to: test.unix)
            let refused = await failure { _ = try await MartletClient.connect(to: test.tcp) }
            #expect(refused?.code == .resourceExhausted && refused?.message.contains("2 connections") == true)
            await first.close()
            await second.close()
            await test.server.untilUnused()
            let third = try await MartletClient.connect(to: test.tcp)
            #expect(try await third.classify(request("echo")) == FakeHandler.answer("hello"))
        }
    }

    @Test("a drain under load fails no call that the server had accepted")
    func drainUnderLoad() async throws {
        for round in 0..<5 {
            let handler = FakeHandler()
            let server = MartletServer(handler: handler, limits: Limits(), software: "martlet/test")
            guard case .tcp(_, let port) = try await server.listen(on: .tcp(host: "127.0.0.1", port: 0)) else { return }
            let answered = AnswerCount()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    let client = try await MartletClient.connect(to: .tcp(host: "127.0.0.1", port: port))
                    for _ in 0..<8 {
                        group.addTask {
                            while true {
                                let error = await failure { _ = try await client.classify(request("echo")) }
                                guard let error else {
                                    answered.count.withLock { $0 += 1 }
                                    continue
                                }
                                #expect(error.code == .unavailable && error.retryAfter != nil, "\(error)")
                                return
                            }
                        }
                    }
                }
                await handler.until { $0.started > 500 * (round + 1) }
                #expect(await server.drain(within: .seconds(20)) == 0)
                try await group.waitForAll()
            }
            #expect(answered.count.withLock { $0 } == handler.progress.started)
        }
    }

    @Test("a drain lets a slow reader have its last answer to the end")
    func drainWithSlowReader() async throws {
        var limits = Limits()
        limits.lingerTimeout = .milliseconds(50)
        try await TestServer.with(limits: limits) { test in
            let peer = try await RawPeer.greeted(port: test.port, initialCreditBytes: 1 << 40)
            // Far more than the kernel buffers between two sockets that nobody reads.
            for id in 1...10 { try await peer.send(RawPeer.bytes(classifyFrames(CallID(id), "big", "4000000"))) }
            await test.handler.until { $0.started == 10 && $0.running == 0 }
            // Longer than the suite's own limit: how fast this machine moves 40 MB beside other tests is not asked.
            async let cut = test.server.drain(within: .seconds(600))
            var answered = 0
            for frame in try await peer.framesToEnd() {
                if case .status(_, .ok) = frame { answered += 1 }
            }
            #expect(answered == 10)
            #expect(await cut == 0)
        }
    }

    @Test("a drain ends what is not done within its time, and says how many calls that were")
    func drainCuts() async throws {
        let handler = FakeHandler()
        let server = MartletServer(handler: handler, limits: Limits(), software: "martlet/test")
        guard case .tcp(_, let port) = try await server.listen(on: .tcp(host: "127.0.0.1", port: 0)) else { return }
        let client = try await MartletClient.connect(to: .tcp(host: "127.0.0.1", port: port))
        let calls = [
            Task { try await client.classify(request("hold")) }, Task { try await client.classify(request("hold")) },
        ]
        await handler.until { $0.running == 2 }
        #expect(await server.drain(within: .milliseconds(20)) == 2)
        for call in calls { #expect(await failure { _ = try await call.value }?.code == .unavailable) }
        #expect(server.openConnections == 0 && server.runningTasks == 0)
        #expect(await failure { _ = try await client.classify(request("echo")) }?.code == .unavailable)
    }
}

private final class AnswerCount: Sendable {
    let count = Mutex(0)
}

/// A server that is not Martlet: says the same to everybody and reads nothing.
final class RawListener: Sendable {
    let port: Int
    private let descriptor: Int32

    init(saying bytes: [UInt8]) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.descriptor = descriptor
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
        }
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(descriptor, $0, &size) }
        }
        guard bound == 0, listen(descriptor, 8) == 0 else { throw RawPeer.Failure(what: "listen: \(errno)") }
        port = Int(UInt16(bigEndian: address.sin_port))
        guard !bytes.isEmpty else { return }
        Thread.detachNewThread {
            let accepted = accept(descriptor, nil, nil)
            _ = bytes.withUnsafeBytes { write(accepted, $0.baseAddress, $0.count) }
            var rest = [UInt8](repeating: 0, count: 1_024)
            while rest.withUnsafeMutableBytes({ read(accepted, $0.baseAddress, $0.count) }) > 0 {}
            Glibc.close(accepted)
        }
    }

    deinit { Glibc.close(descriptor) }
}
