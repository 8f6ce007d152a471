import Foundation
import MartletCore
import MartletWire
import NIOCore
import NIOPosix
import NIOSSL
import Testing

import MartletTransport

/// Certificates made with the `openssl` program, for the length of a test.
struct TestCertificates {
    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    func remove() { try? FileManager.default.removeItem(at: folder) }

    /// Writes `<name>.pem` and `<name>.key`: self-signed for `localhost`, with `subject` as its name.
    func make(_ name: String, subject: String = "localhost") throws {
        try Self.run([
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
            "-subj", "/CN=\(subject)", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout",
            path("\(name).key"), "-out", path("\(name).pem"),
        ])
    }

    static var isPossible: Bool { FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl") }

    private static func run(_ words: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = words
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw MartletError(.internalError, "openssl failed: \(words)") }
    }
}

@Suite("TLS", .enabled(if: TestCertificates.isPossible), .timeLimit(.minutes(5)))
struct TLSTests {
    static func with(_ body: (TestCertificates) async throws -> Void) async throws {
        let files = try TestCertificates()
        defer { files.remove() }
        try files.make("server")
        try files.make("other", subject: "other")
        try await body(files)
    }

    static func identity(_ files: TestCertificates, authority: String? = nil, isOptional: Bool = false) -> TLSIdentity {
        TLSIdentity(
            certificateFile: files.path("server.pem"), keyFile: files.path("server.key"),
            clientAuthorityFile: authority.map(files.path), isClientCertificateOptional: isOptional)
    }

    @Test("names the file that does not hold by what it is for, and never shows where it is")
    func badFiles() async throws {
        try await Self.with { files in
            try Data("-----BEGIN CERTIFICATE-----\nnothing\n".utf8).write(
                to: URL(fileURLWithPath: files.path("broken.pem")))
            let cases: [(TLSIdentity, String)] = [
                (
                    TLSIdentity(certificateFile: files.path("no.pem"), keyFile: files.path("server.key")),
                    "certificate file"
                ),
                (
                    TLSIdentity(certificateFile: files.path("broken.pem"), keyFile: files.path("server.key")),
                    "certificate file"
                ),
                (TLSIdentity(certificateFile: files.path("server.pem"), keyFile: files.path("no.key")), "key file"),
                (TLSIdentity(certificateFile: files.path("server.pem"), keyFile: files.path("server.pem")), "key file"),
                (
                    TLSIdentity(certificateFile: files.path("server.pem"), keyFile: files.path("other.key")),
                    "does not belong to the certificate"
                ),
                (Self.identity(files, authority: "no.pem"), "client authority file"),
            ]
            for (identity, role) in cases {
                let error = await failure { _ = try ServerTLS(identity) }
                #expect(error?.code == .invalidArgument)
                #expect(error?.message.contains(role) == true, "\(error?.message ?? "")")
                #expect(error?.message.contains(files.folder.path) == false)
            }
        }
    }

    @Test("answers native frames, and shows new connections the certificate that was reloaded while old ones go on")
    func reloads() async throws {
        try await Self.with { files in
            let tls = try ServerTLS(Self.identity(files))
            var options = MartletServer.Options(software: "martlet/test")
            options.tls = tls
            let server = MartletServer(handler: FakeHandler(), limits: Limits(), options: options)
            guard case .tcp(_, let port) = try await server.listen(on: .tcp(host: "127.0.0.1", port: 0)) else { return }
            let first = try await TLSPeer.connect(port: port)
            #expect(first.certificateSubject.contains("localhost"))
            #expect(try await first.ping(1))
            try FileManager.default.removeItem(atPath: files.path("server.pem"))
            #expect(await failure { try tls.reload() }?.code == .invalidArgument)
            let second = try await TLSPeer.connect(port: port)
            #expect(second.certificateSubject.contains("localhost"))
            for name in ["pem", "key"] {
                try? FileManager.default.removeItem(atPath: files.path("server.\(name)"))
                try FileManager.default.copyItem(
                    atPath: files.path("other.\(name)"), toPath: files.path("server.\(name)"))
            }
            try tls.reload()
            let third = try await TLSPeer.connect(port: port)
            #expect(third.certificateSubject.contains("other"))
            for (number, peer) in [first, second, third].enumerated() {
                #expect(try await peer.ping(UInt64(number) + 5))
            }
            for peer in [first, second, third] { await peer.close() }
            await server.drain(within: .seconds(5))
        }
    }

    @Test("takes clients of the authority, and others only where a certificate is optional and they show none")
    func clientCertificates() async throws {
        try await Self.with { files in
            let cases: [(isOptional: Bool, client: String?, isTaken: Bool)] = [
                (false, nil, false), (false, "other", true), (false, "server", false), (true, nil, true),
                (true, "other", true), (true, "server", false),
            ]
            for row in cases {
                var options = MartletServer.Options(software: "martlet/test")
                options.tls = try ServerTLS(Self.identity(files, authority: "other.pem", isOptional: row.isOptional))
                let server = MartletServer(handler: FakeHandler(), limits: Limits(), options: options)
                guard case .tcp(_, let port) = try await server.listen(on: .tcp(host: "127.0.0.1", port: 0)) else {
                    return
                }
                let client = row.client.map { (certificate: files.path("\($0).pem"), key: files.path("\($0).key")) }
                let isTaken: Bool
                do {
                    let peer = try await TLSPeer.connect(port: port, client: client)
                    isTaken = try await peer.ping(1)
                    await peer.close()
                } catch {
                    isTaken = false
                }
                #expect(isTaken == row.isTaken, "\(row)")
                await server.drain(within: .seconds(5))
            }
        }
    }

    @Test("a TCP port with TLS refuses clear bytes in words each client can read; a Unix socket stays plain")
    func refusesPlain() async throws {
        try await Self.with { files in
            var options = MartletServer.Options(software: "martlet/test")
            options.tls = try ServerTLS(Self.identity(files))
            let server = MartletServer(handler: FakeHandler(), limits: Limits(), options: options)
            guard case .tcp(_, let port) = try await server.listen(on: .tcp(host: "127.0.0.1", port: 0)) else { return }
            let native = try RawPeer(port: port)
            try await native.send(Preface.bytes)
            try await native.expectPreface()
            #expect(try await native.goAwayCode() == .failedPrecondition)
            let web = try RawPeer(port: port)
            try await web.send(Array("GET / HTTP/1.1\r\nhost: x\r\n\r\n".utf8))
            let answer = String(decoding: try await web.rawBytes() ?? [], as: UTF8.self)
            #expect(answer.hasPrefix("HTTP/1.1 400 ") && answer.hasSuffix("this port speaks TLS only\n"))
            await server.drain(within: .seconds(5))
        }
    }

    @Test("a port without TLS says so to a client that begins with it")
    func refusesTLS() async throws {
        try await TestServer.with { test in
            let peer = try RawPeer(port: test.port)
            try await peer.send([0x16, 3, 1, 0, 5])
            try await peer.expectPreface()
            #expect(try await peer.goAwayCode() == .unimplemented)
        }
    }
}

/// A native client over TLS that can ping.
final class TLSPeer: Sendable {
    private let channel: any Channel
    private let pongs: AsyncStream<UInt64>
    let certificateSubject: String

    private init(channel: any Channel, pongs: AsyncStream<UInt64>, subject: String) {
        self.channel = channel
        self.pongs = pongs
        certificateSubject = subject
    }

    static func connect(port: Int, client: (certificate: String, key: String)? = nil) async throws -> TLSPeer {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        if let client {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(client.certificate).map {
                .certificate($0)
            }
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: client.key, format: .pem))
        }
        let context = try NIOSSLContext(configuration: configuration)
        let (stream, continuation) = AsyncStream.makeStream(of: UInt64.self)
        let channel = try await ClientBootstrap(group: NIOSingletons.posixEventLoopGroup)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = try NIOSSLClientHandler(context: context, serverHostname: "localhost")
                    try channel.pipeline.syncOperations.addHandlers(tls, PongReader(continuation))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        channel.closeFuture.whenComplete { _ in continuation.finish() }
        var bytes = Preface.bytes
        bytes += RawPeer.bytes(RawPeer.hello())
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
        // The first thing that comes is the server's Hello: the handshake is over.
        guard await stream.first(where: { _ in true }) == 0 else {
            throw MartletError(.unavailable, "the handshake failed")
        }
        let subject = try await channel.eventLoop.submit {
            let handler = try channel.pipeline.syncOperations.handler(type: NIOSSLClientHandler.self)
            return handler.peerCertificate.map { "\($0)" } ?? ""
        }.get()
        return TLSPeer(channel: channel, pongs: stream, subject: subject)
    }

    /// True when the same number came back.
    func ping(_ number: UInt64) async throws -> Bool {
        try await channel.writeAndFlush(ByteBuffer(bytes: RawPeer.bytes(.ping(number))))
        return await pongs.first { _ in true } == number
    }

    func close() async { try? await channel.close() }
}

/// Gives 0 for Hello and the number of each Pong.
private final class PongReader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let found: AsyncStream<UInt64>.Continuation
    private var preface = 0
    private var decoder = FrameDecoder(frameBytesMax: 1 << 20, inflatedBytesMax: 1 << 20, arenaBytesMax: 1 << 22)

    init(_ found: AsyncStream<UInt64>.Continuation) { self.found = found }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = Array(unwrapInboundIn(data).readableBytesView)
        let skipped = min(bytes.count, Preface.bytes.count - preface)
        preface += skipped
        bytes.removeFirst(skipped)
        bytes.withUnsafeBytes { decoder.append($0) }
        while let frame = try? decoder.next() {
            switch frame {
            case .hello: found.yield(0)
            case .pong(let number): found.yield(number)
            default: break
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
