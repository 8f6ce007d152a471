internal import MartletCore
internal import MartletWire

/// Everything a server answers: its calls, and its HTTP routes, each dialect with one line.
struct ServerContract: Sendable {
    let calls: CallTable
    let routes: [HTTPRoute]

    /// - Parameter software: name and version, such as `martlet/0.1.0`.
    init(handler: any InferenceHandler, limits: Limits, software: String) {
        let codec = MessageCodec(arenaBytesMax: limits.decodeArenaBytesMax)
        var calls: [Call] = []
        calls += InferenceCalls(handler: handler, codec: codec).calls
        calls += ModelCalls(handler: handler, codec: codec).calls
        self.calls = CallTable(calls)
        routes = []
    }
}
