import MartletCore
import NIOHPACK
import Testing

import MartletTransport

@Suite("The header list of a gRPC request")
struct GRPCRequestHeadTests {
    static func headers(_ more: (String, String)...) -> HPACKHeaders {
        HPACKHeaders(
            [(":method", "POST"), (":scheme", "http"), (":path", "/a.B/C"), ("content-type", "application/grpc")] + more
        )
    }

    @Test(
        "is told by POST and its content type",
        arguments: [
            ("POST", "application/grpc", true), ("POST", "application/grpc+proto", true),
            ("POST", "application/grpc;charset=utf-8", true), ("POST", "APPLICATION/gRPC", true),
            ("POST", "application/grpc-web", false), ("POST", "application/grpcx", false),
            ("POST", "application/json", false),
            ("POST", "", false), ("GET", "application/grpc", false),
        ])
    func kind(method: String, type: String, isGRPC: Bool) {
        #expect(GRPCRequestHead.isGRPC([":method": method, ":path": "/a.B/C", "content-type": type]) == isGRPC)
    }

    @Test("gives path, timeout, encodings and metadata, and keeps the transport's own headers out of it")
    func reads() throws {
        let head = try GRPCRequestHead(
            Self.headers(
                ("te", "trailers"), ("grpc-timeout", "2S"), ("grpc-encoding", "gzip"),
                ("grpc-accept-encoding", "identity, br,deflate , gzip"), ("user-agent", "x"),
                ("authorization", "Bearer t"),
                ("trace-bin", "AQ,Ag=="), ("authorization", "Bearer u")))
        #expect(head.path == "/a.B/C")
        #expect(head.timeout == .seconds(2))
        #expect(head.encoding == .gzip)
        #expect(head.acceptable == [.identity, .deflate, .gzip])
        #expect(
            head.metadata.entries.map(\.name) == [
                "user-agent", "authorization", "trace-bin", "trace-bin", "authorization",
            ])
        #expect(head.metadata["authorization"] == "Bearer u")
        #expect(head.metadata.entries[2].value == [1])
    }

    @Test(
        "is refused for a header that means nothing",
        arguments: [
            ("grpc-timeout", "soon", MartletError.Code.invalidArgument), ("grpc-encoding", "br", .unimplemented),
            ("trace-bin", "!", .invalidArgument),
        ])
    func refuses(name: String, value: String, code: MartletError.Code) async {
        #expect(await failure { _ = try GRPCRequestHead(Self.headers((name, value))) }?.code == code)
    }

    @Test(
        "answers are compressed as the request was, or as the server likes, if the client accepts it",
        arguments: [
            (MessageEncoding.gzip, [.identity, .gzip], false, MessageEncoding.gzip),
            (.gzip, [.identity, .deflate], false, .identity),
            (.identity, [.identity, .gzip, .deflate], false, .identity),
            (.identity, [.identity, .gzip, .deflate], true, .gzip), (.identity, [.identity, .deflate], true, .deflate),
            (.deflate, [.identity, .gzip, .deflate], true, .deflate), (.identity, [.identity], true, .identity),
        ] as [(MessageEncoding, Set<MessageEncoding>, Bool, MessageEncoding)])
    func answers(request: MessageEncoding, acceptable: Set<MessageEncoding>, prefers: Bool, expected: MessageEncoding) {
        #expect(
            MessageEncoding.ofAnswers(request: request, acceptable: acceptable, prefersCompression: prefers) == expected
        )
    }
}
