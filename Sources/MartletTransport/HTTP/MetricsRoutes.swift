internal import MartletCore

/// What a Prometheus server scrapes.
struct MetricsRoutes: Sendable {
    let metrics: @Sendable () -> [UInt8]

    var routes: [HTTPRoute] {
        [
            HTTPRoute(
                "GET", "/metrics",
                documentation: HTTPDocumentation(
                    "Counters and gauges in Prometheus' text form.", tag: "health", response: .other("text/plain")),
                failure: HTTPFailure.response
            ) { (_) throws(MartletError) in
                HTTPResponse(
                    headers: [(name: "content-type", value: "text/plain; version=0.0.4; charset=utf-8")],
                    body: .bytes(metrics()))
            }
        ]
    }
}
