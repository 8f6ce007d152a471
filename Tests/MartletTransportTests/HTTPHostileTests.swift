import MartletCore
import MartletTransport
import MartletWire
import Testing

/// What is wrong on the wire, and the status that says so.
@Suite(.timeLimit(.minutes(5))) struct HTTPHostileTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var what: String
        var bytes: String
        var status: Int
        /// Part of the message.
        var says = ""
        var closes = false
        var testDescription: String { what }
    }

    private static func post(_ path: String, _ body: String, _ headers: String = "Content-Type: application/json\r\n")
        -> String
    {
        "POST \(path) HTTP/1.1\r\nHost: x\r\n\(headers)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private static func framing(_ headers: String, _ body: String = "0\r\n\r\n") -> String {
        "POST /martlet/v1/classify HTTP/1.1\r\nHost: x\r\n\(headers)\r\n\(body)"
    }

    static let heads: [Case] = [
        Case(what: "unknown path", bytes: "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", status: 404),
        Case(what: "path above", bytes: "GET /martlet/v1 HTTP/1.1\r\nHost: x\r\n\r\n", status: 404),
        Case(what: "empty segment", bytes: "GET /martlet//v1/models HTTP/1.1\r\nHost: x\r\n\r\n", status: 404),
        Case(what: "encoded slash", bytes: "GET /martlet%2Fv1/models HTTP/1.1\r\nHost: x\r\n\r\n", status: 404),
        Case(
            what: "wrong method", bytes: "GET /martlet/v1/classify HTTP/1.1\r\nHost: x\r\n\r\n", status: 405,
            says: "OPTIONS, POST"),
        Case(
            what: "broken escape", bytes: "GET /a%2 HTTP/1.1\r\nHost: x\r\n\r\n", status: 400, says: "hexadecimal",
            closes: true),
        Case(
            what: "escape of no UTF-8", bytes: "GET /a%ff HTTP/1.1\r\nHost: x\r\n\r\n", status: 400, says: "UTF-8",
            closes: true),
        Case(what: "NUL in the path", bytes: "GET /a%00b HTTP/1.1\r\nHost: x\r\n\r\n", status: 400, closes: true),
        Case(
            what: "broken query", bytes: "GET /healthz?a=%zz HTTP/1.1\r\nHost: x\r\n\r\n", status: 400, says: "query",
            closes: true),
        Case(what: "no host", bytes: "GET /healthz HTTP/1.1\r\n\r\n", status: 400, says: "host", closes: true),
        Case(
            what: "two hosts", bytes: "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", status: 400, says: "host",
            closes: true),
        Case(what: "CONNECT", bytes: "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", status: 400, closes: true),
        Case(
            what: "unknown method", bytes: "BREW /healthz HTTP/1.1\r\nHost: x\r\n\r\n", status: 501, says: "method",
            closes: true),
        Case(
            what: "method in the wrong case", bytes: "Get /healthz HTTP/1.1\r\nHost: x\r\n\r\n", status: 501,
            closes: true),
        Case(what: "no method", bytes: "G /healthz\r\nHost: x\r\n\r\n", status: 400, closes: true),
        Case(what: "HTTP/3.0", bytes: "GET /healthz HTTP/3.0\r\nHost: x\r\n\r\n", status: 505, closes: true),
        Case(what: "garbage", bytes: "GARBAGE\r\n\r\n", status: 400, closes: true),
        Case(
            what: "folded header", bytes: "GET /healthz HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", status: 400,
            closes: true),
        Case(what: "space before colon", bytes: "GET /healthz HTTP/1.1\r\nHost : x\r\n\r\n", status: 400, closes: true),
        Case(
            what: "control character", bytes: "GET /healthz HTTP/1.1\r\nHost: x\r\nA: \u{1}\r\n\r\n", status: 400,
            closes: true),
        Case(
            what: "another expectation",
            bytes: "POST /martlet/v1/classify HTTP/1.1\r\nHost: x\r\nExpect: tea\r\nContent-Length: 2\r\n\r\n{}",
            status: 417, closes: true),
        Case(
            what: "time limit of letters",
            bytes: "GET /healthz HTTP/1.1\r\nHost: x\r\nx-martlet-timeout-ms: soon\r\n\r\n", status: 400,
            says: "x-martlet-timeout-ms", closes: true),
        Case(
            what: "time limit of zero", bytes: "GET /healthz HTTP/1.1\r\nHost: x\r\nx-martlet-timeout-ms: 0\r\n\r\n",
            status: 400,
            closes: true),
        Case(
            what: "header of 1 MiB",
            bytes: "GET /healthz HTTP/1.1\r\nHost: x\r\nA: \(String(repeating: "a", count: 1 << 20))\r\n\r\n",
            status: 431,
            closes: true),
        Case(
            what: "many headers",
            bytes: "GET /healthz HTTP/1.1\r\nHost: x\r\n\(String(repeating: "a: b\r\n", count: 1_000))\r\n",
            status: 431, closes: true),
        Case(
            what: "path of 1 MiB", bytes: "GET /\(String(repeating: "a", count: 1 << 20)) HTTP/1.1\r\nHost: x\r\n\r\n",
            status: 414,
            closes: true),
    ]

    static let framings: [Case] = [
        Case(
            what: "length and chunked", bytes: framing("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
            status: 400, closes: true),
        Case(
            what: "chunked and length", bytes: framing("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
            status: 400, closes: true),
        Case(
            what: "two lengths", bytes: framing("Content-Length: 2\r\nContent-Length: 3\r\n", "{}x"), status: 400,
            closes: true),
        Case(
            what: "the same length twice", bytes: framing("Content-Length: 2\r\nContent-Length: 2\r\n", "{}"),
            status: 400, closes: true),
        Case(what: "lengths in a list", bytes: framing("Content-Length: 2, 2\r\n", "{}"), status: 400, closes: true),
        Case(what: "negative length", bytes: framing("Content-Length: -2\r\n", "{}"), status: 400, closes: true),
        Case(what: "signed length", bytes: framing("Content-Length: +2\r\n", "{}"), status: 400, closes: true),
        Case(what: "hexadecimal length", bytes: framing("Content-Length: 0x2\r\n", "{}"), status: 400, closes: true),
        Case(
            what: "huge length", bytes: framing("Content-Length: 99999999999999999999\r\n", "{}"), status: 400,
            closes: true),
        Case(
            what: "chunked twice", bytes: framing("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
            status: 400, closes: true),
        Case(
            what: "chunked, chunked", bytes: framing("Transfer-Encoding: chunked, chunked\r\n"), status: 400,
            closes: true),
        Case(
            what: "chunked, identity", bytes: framing("Transfer-Encoding: chunked, identity\r\n"), status: 400,
            closes: true),
        Case(what: "identity", bytes: framing("Transfer-Encoding: identity\r\n"), status: 400, closes: true),
        Case(what: "gzip, chunked", bytes: framing("Transfer-Encoding: gzip, chunked\r\n"), status: 400, closes: true),
        Case(what: "xchunked", bytes: framing("Transfer-Encoding: xchunked\r\n"), status: 400, closes: true),
        Case(
            what: "chunked with a tab before it", bytes: framing("Transfer-Encoding:\u{b}chunked\r\n"), status: 400,
            closes: true),
        Case(
            what: "chunked in HTTP/1.0",
            bytes: "POST /martlet/v1/classify HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", status: 400,
            closes: true),
        Case(
            what: "chunk of no size", bytes: framing("Transfer-Encoding: chunked\r\n", "x\r\n"), status: 400,
            closes: true),
        Case(
            what: "chunk of negative size", bytes: framing("Transfer-Encoding: chunked\r\n", "-1\r\n"), status: 400,
            closes: true),
        Case(
            what: "chunk of huge size", bytes: framing("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n"),
            status: 400, closes: true),
        Case(
            what: "chunk that goes on", bytes: framing("Transfer-Encoding: chunked\r\n", "2\r\n{}xx\r\n0\r\n\r\n"),
            status: 400, closes: true),
        Case(
            what: "unknown coding", bytes: post("/martlet/v1/classify", "{}", "Content-Encoding: br\r\n"), status: 415,
            says: "gzip", closes: true),
        Case(
            what: "not gzip", bytes: post("/martlet/v1/classify", "{}", "Content-Encoding: gzip\r\n"), status: 400,
            says: "gzip"),
        Case(
            what: "endless chunk extension",
            bytes: framing("Transfer-Encoding: chunked\r\n", "1;" + String(repeating: "a", count: 1 << 20)),
            status: 400, closes: true),
        Case(
            what: "endless trailers",
            bytes: framing("Transfer-Encoding: chunked\r\n", "0\r\n" + String(repeating: "a: b\r\n", count: 200_000)),
            status: 431,
            closes: true),
    ]

    static let bodies: [Case] = [
        Case(
            what: "form",
            bytes: post("/martlet/v1/classify", "a=b", "Content-Type: application/x-www-form-urlencoded\r\n"),
            status: 415, says: "application/json"),
        Case(
            what: "image for a document",
            bytes: post("/martlet/v1/classify-document?model=echo", "x", "Content-Type: image/png\r\n"), status: 415,
            says: "text/plain"),
        Case(
            what: "document of another charset",
            bytes: post(
                "/martlet/v1/classify-document?model=echo", "x", "Content-Type: text/plain; charset=latin1\r\n"),
            status: 415, says: "utf-8"),
        Case(what: "no JSON", bytes: post("/martlet/v1/classify", "hello"), status: 400, says: "not valid JSON"),
        Case(
            what: "name twice", bytes: post("/martlet/v1/classify", #"{"topK":1,"topK":1}"#), status: 400,
            says: "topK"),
        Case(
            what: "unknown field", bytes: post("/martlet/v1/classify", #"{"inputs":[{"txt":"a"}]}"#), status: 400,
            says: "inputs[0].txt"),
        Case(what: "huge number", bytes: post("/martlet/v1/classify", #"{"topK":1e999}"#), status: 400, says: "topK"),
        Case(what: "NaN", bytes: post("/martlet/v1/classify", #"{"topK":NaN}"#), status: 400),
        Case(
            what: "deep", bytes: post("/martlet/v1/classify", #"{"inputs":"# + String(repeating: "[", count: 10_000)),
            status: 400),
        Case(
            what: "deep for text classification",
            bytes: post("/api/text-classification", #"{"text":"# + String(repeating: "[", count: 10_000)), status: 400,
            says: "deeper"),
        Case(
            what: "name twice for text classification",
            bytes: post("/api/text-classification", #"{"text":"a","text":"b"}"#), status: 400, says: "twice"),
        Case(
            what: "unknown field of text classification", bytes: post("/api/text-classification", #"{"txt":"a"}"#),
            status: 400, says: "txt"),
        Case(what: "no text", bytes: post("/api/text-classification", "{}"), status: 400, says: "text"),
        Case(
            what: "text and texts", bytes: post("/api/text-classification", #"{"text":"a","texts":["b"]}"#),
            status: 400, says: "either"),
        Case(
            what: "text of a number", bytes: post("/api/text-classification", #"{"text":5}"#), status: 400,
            says: "text must be a string"),
        Case(
            what: "model name of another form",
            bytes: post("/api/text-classification", #"{"text":"a","model":"../x"}"#), status: 400,
            says: "name@version"),
        Case(
            what: "query that is no field", bytes: "GET /martlet/v1/models?nam=x HTTP/1.1\r\nHost: x\r\n\r\n",
            status: 400, says: "nam"),
        Case(
            what: "unknown model", bytes: "GET /martlet/v1/models/missing HTTP/1.1\r\nHost: x\r\n\r\n", status: 404,
            says: "missing"),
        Case(
            what: "body over the limit",
            bytes: "POST /martlet/v1/classify HTTP/1.1\r\nHost: x\r\nContent-Length: 4194305\r\n\r\n", status: 413,
            says: "4194304", closes: true),
    ]

    @Test(arguments: heads + framings + bodies)
    func `what is wrong has its status`(_ wrong: Case) async throws {
        try await TestServer.with { test in
            let peer = try HTTPPeer(port: test.port)
            _ = try await peer.trySend(Array(wrong.bytes.utf8))
            let answer = try #require(try await peer.answer(), "closed without an answer")
            #expect(answer.status == wrong.status, "\(answer.text)")
            // `contains` finds no empty text in any other.
            let message = try #require(answer.message)
            #expect(wrong.says.isEmpty || message.contains(wrong.says), "\(answer.text)")
            if wrong.closes {
                #expect(answer["connection"] == "close")
            } else {
                try await peer.get("/healthz")
                #expect(try await peer.answer()?.status == 200)
            }
        }
    }

    @Test func `what follows a request whose framing is doubtful is never read as a request`() async throws {
        for wrong in Self.framings where wrong.closes {
            try await TestServer.with { test in
                let peer = try HTTPPeer(port: test.port)
                _ = try await peer.trySend(Array((wrong.bytes + "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").utf8))
                #expect(try await peer.answer()?.status ?? 0 >= 400)
                #expect(try await peer.isClosed(), "\(wrong.what)")
            }
        }
    }

    @Test func `a chunked body over the limit is refused while it comes`() async throws {
        var limits = Limits()
        limits.messageBytesMax = 64 << 10
        limits.textBytesMax = 1 << 10
        try await TestServer.with(limits: limits) { test in
            let peer = try HTTPPeer(port: test.port)
            let chunk = "4000\r\n" + String(repeating: " ", count: 0x4000) + "\r\n"
            _ = try await peer.trySend(
                Array(
                    ("POST /martlet/v1/classify HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                        + String(repeating: chunk, count: 5)).utf8))
            #expect(try await peer.answer()?.status == 413)
        }
    }

    @Test func `a body of chunks of one byte is read`() async throws {
        try await TestServer.with { test in
            let peer = try HTTPPeer(port: test.port)
            let text = String(repeating: "x", count: 50_000)
            let body = #"{"model":{"name":"echo"},"inputs":[{"text":"\#(text)"}]}"#
            var bytes = Array(
                "POST /martlet/v1/classify HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
            for byte in body.utf8 { bytes += Array("1\r\n".utf8) + [byte, 13, 10] }
            try await peer.send(bytes + Array("0\r\n\r\n".utf8))
            #expect(try await peer.answer()?.status == 200)
        }
    }

    @Test func `a slow body and a slow head are answered 408`() async throws {
        var limits = Limits()
        limits.frameTimeout = .milliseconds(50)
        limits.handshakeTimeout = .milliseconds(50)
        try await TestServer.with(limits: limits) { test in
            let body = try HTTPPeer(port: test.port)
            try await body.send("POST /martlet/v1/classify HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
            #expect(try await body.answer()?.status == 408)
            #expect(try await body.isClosed())
            let head = try HTTPPeer(port: test.port)
            try await head.send("GET /healthz HTTP/1.1\r\nHost: x\r\n")
            #expect(try await head.answer()?.status == 408)
            #expect(try await head.isClosed())
        }
    }

    @Test func `a slow head is answered 408 on a connection that was kept too`() async throws {
        var limits = Limits()
        limits.handshakeTimeout = .milliseconds(50)
        try await TestServer.with(limits: limits) { test in
            let peer = try HTTPPeer(port: test.port)
            for _ in 0..<2 {
                try await peer.get("/healthz")
                #expect(try await peer.answer()?.status == 200)
                // A line end between requests begins none.
                try await peer.send("\r\n")
            }
            try await peer.send("GET /healthz HTTP/1.1\r\nHo")
            let answer = try await peer.answer()
            #expect(answer?.status == 408 && answer?.message?.contains("head") == true)
            #expect(try await peer.isClosed())
        }
    }

    @Test func `an idle connection is closed`() async throws {
        var limits = Limits()
        limits.idleTimeout = .milliseconds(50)
        try await TestServer.with(limits: limits) { test in
            let peer = try HTTPPeer(port: test.port)
            try await peer.get("/healthz")
            #expect(try await peer.answer()?.status == 200)
            #expect(try await peer.isClosed())
        }
    }
}
