internal import MartletCore
internal import MartletWire

/// What a load balancer asks.
struct HealthRoutes: Sendable {
    let readiness: Readiness

    var routes: [HTTPRoute] {
        [
            HTTPRoute(
                "GET", "/healthz",
                documentation: HTTPDocumentation(
                    "Whether the process answers at all.", tag: "health", response: .other("text/plain")),
                failure: HTTPFailure.response
            ) { (_) throws(MartletError) in Self.text("ok") },
            HTTPRoute(
                "GET", "/readyz",
                documentation: HTTPDocumentation(
                    "Whether requests should come here: 503 while the server drains, and while no model is ready.",
                    tag: "health", response: .other("text/plain")),
                failure: HTTPFailure.response
            ) { (exchange) throws(MartletError) in
                try await readiness.check(exchange.context)
                return Self.text("ready")
            },
        ]
    }

    private static func text(_ line: String) -> HTTPResponse {
        HTTPResponse(headers: [(name: "content-type", value: "text/plain")], body: .bytes(Array("\(line)\n".utf8)))
    }
}
