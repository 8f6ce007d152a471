internal import MartletCore
internal import MartletWire

/// Everything a server answers: its calls, and its HTTP routes, each dialect with one line.
struct ServerContract: Sendable {
    let calls: CallTable
    let routes: [HTTPRoute]
    let router: HTTPRouter

    /// - Parameters:
    ///   - software: name and version, such as `martlet/0.1.0`.
    ///   - drain: raised when the server takes no further calls.
    init(handler: any InferenceHandler, limits: Limits, software: String, drain: DrainSignal) {
        let codec = MessageCodec(arenaBytesMax: limits.decodeArenaBytesMax)
        var calls: [Call] = []
        calls += InferenceCalls(handler: handler, codec: codec, limits: limits).calls
        calls += ModelCalls(
            handler: handler, codec: codec, limits: limits, software: software, drain: drain
        ).calls
        let services = Set(calls.map(\.method.service)).union(
            [Method.healthCheck, .reflect, .reflectAlpha].map(\.service)
        ).sorted()
        calls += HealthCalls(handler: handler, codec: codec, drain: drain, services: services).calls
        calls += ReflectionCalls(codec: codec, services: services).calls
        self.calls = CallTable(calls)
        let routes = HealthRoutes(handler: handler, drain: drain).routes
        self.routes = routes
        router = HTTPRouter(routes)
    }
}
