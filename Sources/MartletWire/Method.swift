/// The calls a client can open. The raw value is what `Open.method` holds.
package enum Method: String, CaseIterable, Sendable {
    case classify = "/martlet.v1.InferenceService/Classify"
    case classifyDocument = "/martlet.v1.InferenceService/ClassifyDocument"
    case listModels = "/martlet.v1.ModelService/ListModels"
    case getModel = "/martlet.v1.ModelService/GetModel"

    /// True when the client may send any number of messages, false when exactly one.
    package var clientStreams: Bool { self == .classifyDocument }
    /// True when the server may send any number of messages, false when exactly one.
    package var serverStreams: Bool { self == .classifyDocument }
}
