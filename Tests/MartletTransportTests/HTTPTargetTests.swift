import MartletCore
import Testing

import MartletTransport

@Suite struct HTTPTargetTests {
    @Test(
        arguments: [
            ("/", "/", [], [:]),
            ("/a/b", "/a/b", ["a", "b"], [:]),
            ("/a/b/", "/a/b/", ["a", "b"], [:]),
            ("/a//b", "/a//b", ["a", "", "b"], [:]),
            ("/a%20b/%E6%96%87", "/a b/文", ["a b", "文"], [:]),
            ("/a%2Fb", "/a/b", ["a/b"], [:]),
            ("/a+b?c+d=e%2Bf&g", "/a+b", ["a+b"], ["c d": "e+f", "g": ""]),
            ("/a?", "/a", ["a"], [:]),
            ("/a?b=c=d&&e=", "/a", ["a"], ["b": "c=d", "e": ""]),
            ("/a#b?c", "/a", ["a"], [:]),
            ("http://host:1/a?b=c", "/a", ["a"], ["b": "c"]),
            ("HTTPS://host", "/", [], [:]),
            ("http://host?b=c", "/", [], ["b": "c"]),
            ("*", "*", [], [:]),
        ] as [(String, String, [String], [String: String])])
    func `a target is a path and a query`(
        _ uri: String, _ path: String, _ segments: [String], _ query: [String: String]
    ) throws {
        let target = try HTTPTarget(uri)
        #expect(target.path == path)
        #expect(target.segments == segments)
        #expect(Dictionary(target.query.map { ($0.name, $0.value) }) { $1 } == query)
    }

    @Test(arguments: ["", "a", "?a", "ftp://x/", "/%", "/%4", "/%zz", "/%ff", "/%00", "/?a=%", "/?%ff=1", "/%c3%28"])
    func `what is none is refused`(_ uri: String) {
        #expect(throws: MartletError.self) { _ = try HTTPTarget(uri) }
    }
}

@Suite struct HTTPRouterTests {
    private static func route(_ method: String, _ pattern: String) -> HTTPRoute {
        HTTPRoute(method, pattern, failure: HTTPFailure.response) { (_) throws(MartletError) in HTTPResponse() }
    }

    private let router = HTTPRouter([
        route("GET", "/"), route("GET", "/a/b"), route("POST", "/a/b"), route("GET", "/a/{x}"),
        route("GET", "/a/{y}/c"),
        route("PUT", "/a/{z}/{w}/d"),
    ])

    private func find(_ method: String, _ uri: String) throws -> String {
        switch router.find(method, try HTTPTarget(uri)) {
        case .found(let match):
            return
                ([match.route.method + " " + match.route.pattern]
                + match.parameters.sorted { $0.key < $1.key }.map { "\($0)=\($1)" })
                .joined(separator: " ")
        case .noPath: return "no path"
        case .noMethod(let allowed): return "only " + allowed.joined(separator: " ")
        }
    }

    @Test(arguments: [
        ("GET", "/", "GET /"), ("GET", "/a/b", "GET /a/b"), ("GET", "/a/b/", "GET /a/b"), ("POST", "/a/b", "POST /a/b"),
        ("HEAD", "/a/b", "GET /a/b"), ("GET", "/a/k", "GET /a/{x} x=k"), ("GET", "/a/k%2Fl", "GET /a/{x} x=k/l"),
        ("GET", "/a/b/c", "GET /a/{y}/c y=b"), ("PUT", "/a/1/2/d", "PUT /a/{z}/{w}/d w=2 z=1"),
        ("GET", "/a", "no path"),
        ("GET", "/a//c", "no path"), ("GET", "/x", "no path"), ("GET", "/a/b/d", "no path"),
        ("DELETE", "/a/b", "only GET HEAD OPTIONS POST"), ("GET", "/a/1/2/d", "only OPTIONS PUT"),
        ("GET", "/A/b", "no path"),
    ])
    func `a path has its route, literals before parameters`(_ method: String, _ uri: String, _ found: String) throws {
        #expect(try find(method, uri) == found)
    }
}

@Suite struct HTTPPartsTests {
    @Test(arguments: [
        ("gzip", true), ("gzip, deflate, br", true), ("br", false), ("*", true), ("gzip;q=0", false),
        ("gzip; q=0.5", true),
        ("identity", false), ("", false), ("GZIP", true), ("gzip;q=x", true),
    ])
    func `an accept-encoding takes gzip or not`(_ value: String, _ accepts: Bool) {
        #expect(HTTPRequestFacts.acceptsGzip(value) == accepts)
    }

    @Test func `a date is written as HTTP has it`() {
        #expect(HTTPDate.text(secondsSince1970: 784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
    }

    @Test(arguments: [
        (MartletError(.invalidArgument, ""), 400), (MartletError(.resourceExhausted, ""), 429),
        (MartletError(.unavailable, ""), 503), (MartletError(.unimplemented, ""), 501),
        (MartletError(.dataLoss, ""), 500),
        (.http(413, .resourceExhausted, ""), 413), (.bodyTooLarge(limit: 1), 413),
    ])
    func `an error has one HTTP status`(_ error: MartletError, _ status: Int) {
        #expect(error.httpStatus == status)
    }
}
