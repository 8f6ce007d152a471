package import MartletCore
internal import MartletWire

/// Everything a server answers: its calls, and its HTTP routes, each dialect with one line.
package struct ServerContract: Sendable {
    package let calls: CallTable
    package let routes: [HTTPRoute]
    let router: HTTPRouter

    /// - Parameters:
    ///   - rollouts: what a model's owner asks; without it the server answers no call of `RolloutService`.
    ///   - software: name and version, such as `martlet/0.1.0`.
    ///   - defaultModel: what a request means that names no model, where a dialect allows that.
    ///   - drain: raised when the server takes no further calls.
    ///   - metrics: what `GET /metrics` answers; nil: no such route.
    package init(
        handler: any InferenceHandler, rollouts: (any RolloutHandler)? = nil, limits: Limits, software: String,
        defaultModel: ModelReference?, drain: DrainSignal, metrics: (@Sendable () -> [UInt8])? = nil
    ) {
        let codec = MessageCodec(arenaBytesMax: limits.decodeArenaBytesMax)
        var calls: [Call] = []
        calls += InferenceCalls(handler: handler, codec: codec, limits: limits).calls
        calls += ModelCalls(
            handler: handler, codec: codec, limits: limits, software: software, drain: drain
        ).calls
        if let rollouts {
            calls += RolloutCalls(handler: rollouts, codec: codec, limits: limits, drain: drain).calls
        }
        let readiness = Readiness(handler: handler, drain: drain)
        calls += OpenInferenceCalls(
            handler: handler, codec: codec, limits: limits, software: software, readiness: readiness
        ).calls
        calls += TEICalls(
            handler: handler, codec: codec, limits: limits, software: software, defaultModel: defaultModel
        ).calls
        let services = Set(calls.map(\.method.service)).union(
            [Method.healthCheck, .reflect, .reflectAlpha].map(\.service)
        ).sorted()
        calls += HealthCalls(handler: handler, codec: codec, drain: drain, services: services).calls
        calls += ReflectionCalls(codec: codec, services: services).calls
        self.calls = CallTable(calls)
        let choice = ModelChoice(handler: handler, defaultModel: defaultModel)
        var routes = [TextClassificationRoute(handler: handler, limits: limits, choice: choice).route]
        routes += JSONRoutes(calls: self.calls, limits: limits, choice: choice).routes
        routes += HealthRoutes(readiness: readiness).routes
        if let metrics { routes += MetricsRoutes(metrics: metrics).routes }
        routes += OpenInferenceRoutes(handler: handler, limits: limits, software: software, readiness: readiness).routes
        routes += TEIRoutes(
            handler: handler, limits: limits, software: software, defaultModel: defaultModel, readiness: readiness
        ).routes
        routes += OpenAIRoutes(handler: handler, limits: limits, defaultModel: defaultModel).routes
        self.routes = IndexRoutes.adding(to: routes, limits: limits, software: software)
        router = HTTPRouter(self.routes)
    }
}
