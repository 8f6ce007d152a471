extension Method {
    /// A method of `inference.GRPCInferenceService`.
    package static func openInference(_ name: String, isStream: Bool = false) -> Method {
        Method("/inference.GRPCInferenceService/\(name)", clientStreams: isStream, serverStreams: isStream)
    }
}
