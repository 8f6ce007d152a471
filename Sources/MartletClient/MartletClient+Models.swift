public import MartletCore
internal import MartletWire

/// What the server serves.
extension MartletClient {
    /// Every version of every model the server knows, or of the one model named; sorted by name, then version.
    public func listModels(
        named name: String? = nil, timeout: Duration? = nil
    ) async throws(MartletError) -> [ModelStatus] {
        let request = codec.encodeListModelsRequest(named: name)
        return try codec.decodeListModelsResponse(try await unary(.listModels, request, timeout))
    }

    /// The state of the version that `reference` leads to.
    public func model(
        _ reference: ModelReference, timeout: Duration? = nil
    ) async throws(MartletError) -> ModelStatus {
        let request = codec.encodeGetModelRequest(reference)
        return try codec.decodeModelStatus(try await unary(.getModel, request, timeout))
    }

    /// What `listModels` answers, now and after each change. The stream ends with `.unavailable` when the server
    /// leaves.
    public func watchModels(named name: String? = nil, timeout: Duration? = nil) -> ServerStream<[ModelStatus]> {
        let codec = codec
        return serverStream(.watchModels, codec.encodeWatchModelsRequest(named: name), timeout) {
            (message) throws(MartletError) in
            try codec.decodeListModelsResponse(message)
        }
    }

    /// Looks at a model's folder now and loads what its policy wants, also after `unloadModel`.
    /// - Returns: its versions once nothing is left to do.
    /// - Throws: `.notFound` when its folder holds no version, `.failedPrecondition` with the reason when none got
    ///   ready.
    public func loadModel(named name: String, timeout: Duration? = nil) async throws(MartletError) -> [ModelStatus] {
        let request = codec.encodeLoadModelRequest(named: name)
        return try codec.decodeLoadModelResponse(try await unary(.loadModel, request, timeout))
    }

    /// Takes every version of a model out of service until `loadModel`; calls that hold one end first.
    public func unloadModel(named name: String, timeout: Duration? = nil) async throws(MartletError) {
        let request = codec.encodeUnloadModelRequest(named: name)
        try codec.decodeUnloadModelResponse(try await unary(.unloadModel, request, timeout))
    }

    /// Points a version label at a ready version; nil takes the label away.
    public func setLabel(
        _ label: String, of name: String, to version: Int?, timeout: Duration? = nil
    ) async throws(MartletError) {
        let request = codec.encode(SetLabelRequest(model: name, label: label, version: version))
        try codec.decodeSetLabelResponse(try await unary(.setLabel, request, timeout))
    }

    /// What each loaded version has done, or each of the one model named; sorted by name, then version.
    public func statistics(
        named name: String? = nil, timeout: Duration? = nil
    ) async throws(MartletError) -> [ModelStatistics] {
        let request = codec.encodeGetStatisticsRequest(named: name)
        return try codec.decodeGetStatisticsResponse(try await unary(.getStatistics, request, timeout))
    }

    /// What the server tells about itself.
    public func serverStatus(timeout: Duration? = nil) async throws(MartletError) -> ServerStatus {
        try codec.decodeServerStatus(try await unary(.getServer, codec.encodeGetServerRequest(), timeout))
    }
}
