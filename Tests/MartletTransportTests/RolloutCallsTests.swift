import MartletClient
import MartletCore
import MartletTransport
import MartletWire
import Testing

@Suite("Every call of a model's owner over real sockets", .timeLimit(.minutes(5)))
struct RolloutCallsTests {
    private typealias Method = MartletWire.Method
    private let codec = MessageCodec(arenaBytesMax: 1 << 20)

    @Test("versions and routes are changed, and failures come back")
    func versions() async throws {
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.unix)
            let second = VersionID(model: "echo", number: 2)
            #expect(try await client.loadVersion(second).version == 2)
            try await client.unloadVersion(second)
            try await client.clearQuarantine(VersionID(model: "echo", number: 3))
            let split = ModelRoute(targets: [.init(version: 1, weight: 9), .init(version: 2, weight: 1)])
            try await client.setRoute(split, label: "stable", of: "echo")
            try await client.setRoute(nil, label: "stable", of: "echo")
            #expect(
                test.rollouts.asked == [
                    "load echo/2", "unload echo/2", "clear echo/3", "route echo:stable to 1x9+2x1",
                    "route echo:stable to nothing",
                ])
            let refused = await failure { _ = try await client.loadVersion(VersionID(model: "echo", number: 3)) }
            #expect(refused?.code == .failedPrecondition && refused?.message == "version 3 was refused")
            let unknown = await failure { try await client.unloadVersion(VersionID(model: "other", number: 1)) }
            #expect(unknown?.code == .notFound)
        }
    }

    @Test("rollouts are planned, started, promoted and taken back")
    func rollouts() async throws {
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.unix)
            #expect(try await client.planRollout(FakeRollouts.spec) == FakeRollouts.plan)
            let started = try await client.startRollout(FakeRollouts.spec)
            #expect(started.spec == FakeRollouts.spec && started.phase == .loading)
            #expect(try await client.rollouts() == [FakeRollouts.status])
            #expect(try await client.rollouts(named: "other") == [])
            #expect(try await client.promoteRollout(of: "echo") == FakeRollouts.status)
            let back = try await client.rollback(label: "stable", of: "echo", reason: "it hums")
            #expect(back.phase == .rolledBack && back.reason == "it hums")
            #expect(
                test.rollouts.asked == [
                    "start echo:latest to 2", "promote echo:latest", "rollback echo:stable: it hums",
                ])
        }
    }

    @Test("a watch tells the rollouts, and ends when the server drains, which does not wait for it")
    func watch() async throws {
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.unix)
            var seen: [[RolloutStatus]] = []
            let error = await failure {
                for try await rollouts in client.watchRollouts(named: "echo") {
                    seen.append(rollouts)
                    Task { #expect(await test.server.drain(within: .seconds(30)) == 0) }
                }
            }
            #expect(seen == [[FakeRollouts.status]])
            #expect(error?.code == .unavailable)
        }
    }

    @Test("a client's metadata reaches the handler, beside unary calls and streams")
    func metadata() async throws {
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.unix)
            let named = client.withMetadata(["User": "u-17", "other": "x"])
            #expect(try await named.routes().map(\.route.stickyKey) == ["u-17"])
            #expect(try await named.withMetadata(["user": "u-18"]).routes().map(\.route.stickyKey) == ["u-18"])
            #expect(try await client.routes(named: "echo").map(\.route.stickyKey) == [""])
            for try await rollouts in named.watchRollouts() {
                #expect(rollouts.map(\.reason) == ["u-17"])
                break
            }
        }
    }

    @Test("a client that shares another's connection keeps it open, until one of them closes it")
    func sharing() async throws {
        try await TestServer.with { test in
            var first: MartletClient? = try await MartletClient.connect(to: test.unix)
            let second = try #require(first?.withMetadata([:]))
            first = nil
            #expect(try await second.routes().count == 1)
            await second.close()
            #expect(await failure { _ = try await second.routes() }?.code == .cancelled)
        }
    }

    @Test("calls that change something are answered only where management is, the others everywhere")
    func management() async throws {
        let rollouts = FakeRollouts()
        var options = MartletServer.Options(software: "martlet/test")
        options.rollouts = rollouts
        let server = MartletServer(handler: FakeHandler(), limits: Limits(), options: options)
        let address = try await server.listen(on: .tcp(host: "127.0.0.1", port: 0), mayManage: false)
        let client = try await MartletClient.connect(to: address)
        for method in [
            Method.loadVersion, .unloadVersion, .clearQuarantine, .setRoute, .startRollout, .promoteRollout, .rollback,
            .publishVersion,
        ] {
            let refused = await failure { _ = try await client.unary(method.path, []) }
            #expect(refused?.code == .permissionDenied, "\(method.path)")
        }
        #expect(try await client.routes().count == 1)
        #expect(try await client.rollouts().count == 1)
        #expect(try await client.planRollout(FakeRollouts.spec) == FakeRollouts.plan)
        #expect(rollouts.asked == [])
        await client.close()
        await server.drain(within: .seconds(5))
    }

    @Test("a server without a handler for them has none of these calls and routes")
    func absent() async throws {
        let server = MartletServer(handler: FakeHandler(), limits: Limits(), software: "martlet/test")
        guard case .tcp(_, let port) = try await server.listen(on: .tcp(host: "127.0.0.1", port: 0)) else {
            throw MartletError(.internalError, "a TCP address came back as something else")
        }
        let client = try await MartletClient.connect(to: .tcp(host: "127.0.0.1", port: port))
        #expect(await failure { _ = try await client.routes() }?.code == .unimplemented)
        await client.close()
        let peer = try HTTPPeer(port: port)
        try await peer.get("/martlet/v1/routes")
        #expect(try await peer.answer()?.status == 404)
        await server.drain(within: .seconds(5))
    }

    @Test("gRPC brings the same calls")
    func grpc() async throws {
        try await GRPCServerTests.withPeer { peer, test in
            let request = codec.encodeListRoutesRequest(named: "echo")
            try await peer.send(HTTP2Peer.requestHeaders(1, path: Method.listRoutes.path, ("user", "u-9")))
            try await peer.send(HTTP2Peer.data(1, MessageDeframerTests.framed(request), end: true))
            let answer = try await peer.answer(of: 1)
            #expect(answer.status == 0)
            let routes = try codec.decodeListRoutesResponse(try #require(answer.messages.first))
            #expect(routes.map(\.route.stickyKey) == ["u-9"])

            let parts: [PublishPart] = [
                .begin(manifest: [1], signature: []), .bytes(file: "a", offset: 0, bytes: [1, 2, 3]),
            ]
            try await peer.send(HTTP2Peer.requestHeaders(3, path: Method.publishVersion.path))
            let messages = parts.flatMap { MessageDeframerTests.framed(codec.encode($0)) }
            try await peer.send(HTTP2Peer.data(3, messages, end: true))
            let upload = try await peer.answer(of: 3)
            #expect(
                try upload.messages.map { try codec.decodePublishEvent($0) } == [
                    .held([]), .received(bytes: 3), .published(ModelIdentity(name: "echo", version: 4, digest: "d")),
                ])
            #expect(test.rollouts.file("a") == [1, 2, 3])
        }
    }

    @Test("an upload that does not begin with its manifest, or begins twice, is refused")
    func beginnings() async throws {
        try await TestServer.with { test in
            let client = try await MartletClient.connect(to: test.unix)
            let bytes = codec.encode(PublishPart.bytes(file: "a", offset: 0, bytes: [1]))
            let begin = codec.encode(PublishPart.begin(manifest: [1], signature: []))
            for (messages, expected) in [
                ([], "begin: the upload ended before its first part, which holds the manifest"),
                ([bytes], "begin: the first part of an upload must hold it"),
                ([begin, begin], "begin: only the first part of an upload may hold it"),
            ] as [([[UInt8]], String)] {
                let error = await failure {
                    for try await _ in client.bidirectionalStream(Method.publishVersion.path, Messages(messages)) {}
                }
                #expect(error?.code == .invalidArgument && error?.message == expected)
            }
        }
    }
}
