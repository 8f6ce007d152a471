internal import MartletCore
internal import MartletWire

/// What tells a newcomer where to go: `GET /`, and the OpenAPI document of all other routes.
enum IndexRoutes {
    /// - Returns: `routes` and the two that describe them.
    static func adding(to routes: [HTTPRoute], limits: Limits, software: String) -> [HTTPRoute] {
        let documentation = HTTPDocumentation(
            "This document.", tag: "server", response: .json(["type": "object"]))
        func route(_ pattern: String, _ documentation: HTTPDocumentation, _ response: HTTPResponse) -> HTTPRoute {
            HTTPRoute(
                "GET", pattern, documentation: documentation, failure: HTTPFailure.response,
                run: { (_) throws(MartletError) in response })
        }
        let index = route(
            "/", HTTPDocumentation("What is served here, and where.", tag: "server", response: .other("text/plain")),
            HTTPResponse(
                headers: [(name: "content-type", value: "text/plain; charset=utf-8")],
                body: .bytes(Array(text(routes, software: software).utf8))))
        let described = routes + [index, route("/openapi.json", documentation, HTTPResponse())]
        let document = HTTPResponse(json: OpenAPIDocument.make(of: described, limits: limits, software: software))
        return routes + [index, route("/openapi.json", documentation, document)]
    }

    private static func text(_ routes: [HTTPRoute], software: String) -> String {
        let width = routes.map(\.pattern.count).max() ?? 0
        let lines = routes.map { route in
            let pattern = route.pattern.padding(to: width)
            return "  \(route.method.padding(to: 4))  \(pattern)  \(route.documentation?.summary ?? "")"
        }
        return """
            \(software)

            curl -H 'content-type: application/json' -d '{"text": "..."}' .../api/text-classification

            \(lines.joined(separator: "\n"))

            gRPC and the native protocol answer on this port too. All of the above in full: /openapi.json

            """
    }
}

extension String {
    fileprivate func padding(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
