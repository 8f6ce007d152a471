internal import MartletCore
internal import MartletWire

/// The Open Inference Protocol on the `InferenceHandler`: what its gRPC and its REST form both do.
struct OpenInferenceService: Sendable {
    let handler: any InferenceHandler
    let limits: Limits
    /// Name and version, such as `martlet/0.1.0`.
    let software: String
    let readiness: Readiness

    // MARK: The server

    var metadata: OpenInference.ServerMetadata {
        let parts = software.split(separator: "/", maxSplits: 1)
        return OpenInference.ServerMetadata(
            name: parts.first.map(String.init) ?? software, version: parts.count > 1 ? String(parts[1]) : "",
            extensions: [
                "binary_tensor_data", "classification", "model_configuration", "model_repository", "parameters",
                "schedule_policy", "statistics",
            ])
    }

    // MARK: One model

    /// How this protocol names a model: by name and version, where a version may also be a version label; or by the
    /// name alone in the forms of `ModelReference`, `guard:stable`.
    static func reference(_ model: OpenInference.ModelName) -> ModelReference {
        guard !model.version.isEmpty else {
            return ModelReference(parsing: model.name) ?? ModelReference(name: model.name)
        }
        let isNumber = model.version.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard isNumber, let number = Int(model.version) else {
            return ModelReference(name: model.name, selector: .label(model.version))
        }
        return ModelReference(name: model.name, selector: .version(number))
    }

    /// - Throws: `.notFound` for a model that does not exist.
    func readiness(of model: OpenInference.ModelName, _ context: CallContext) async throws(MartletError) -> Bool {
        do throws(MartletError) {
            return try await handler.model(Self.reference(model), context: context).state == .ready
        } catch {
            guard error.code == .unavailable else { throw error }
            return false
        }
    }

    /// False also for a model that does not exist, as Triton's gRPC has it.
    func isReady(_ model: OpenInference.ModelName, _ context: CallContext) async throws(MartletError) -> Bool {
        do throws(MartletError) {
            return try await readiness(of: model, context)
        } catch {
            guard error.code == .notFound else { throw error }
            return false
        }
    }

    func metadata(
        of model: OpenInference.ModelName, _ context: CallContext
    ) async throws(MartletError) -> OpenInference.ModelMetadata {
        let status = try await handler.model(Self.reference(model), context: context)
        let versions = try await handler.listModels(named: status.name, context: context)
            .filter { $0.state == .ready }.map { String($0.version) }
        return OpenInference.ModelMetadata(
            name: status.name, versions: versions, platform: Self.platform(of: status),
            // A column of texts, so that a tool which makes up its own input (perf_analyzer) knows the row.
            inputs: [.init(name: BytesTensor.inputName, datatype: .bytes, shape: [-1, 1])],
            outputs: Self.outputs(of: status))
    }

    func configuration(
        of model: OpenInference.ModelName, _ context: CallContext
    ) async throws(MartletError) -> OpenInference.ModelConfiguration {
        let metadata = try await metadata(of: model, context)
        func withoutBatch(_ tensor: OpenInference.TensorMetadata) -> OpenInference.TensorMetadata {
            var tensor = tensor
            // A configuration must not be without dimensions.
            tensor.shape = tensor.shape.count > 1 ? Array(tensor.shape.dropFirst()) : [1]
            return tensor
        }
        return OpenInference.ModelConfiguration(
            name: metadata.name, platform: metadata.platform, backend: self.metadata.name,
            batchSizeMax: limits.textsPerRequestMax, inputs: metadata.inputs.map(withoutBatch),
            outputs: metadata.outputs.map(withoutBatch))
    }

    private static func platform(of status: ModelStatus) -> String {
        status.architecture.isEmpty ? "martlet" : "martlet_\(status.architecture)"
    }

    private static func outputs(of status: ModelStatus) -> [OpenInference.TensorMetadata] {
        InferenceOutputs.names(givesEmbeddings: status.dimensions > 0).map { name in
            let classes = status.classLabels.count
            return switch name {
            case .label: .init(name: name.rawValue, datatype: .bytes, shape: [-1])
            case .score: .init(name: name.rawValue, datatype: .float32, shape: [-1])
            case .labels: .init(name: name.rawValue, datatype: .bytes, shape: [-1, classes])
            case .scores, .logits: .init(name: name.rawValue, datatype: .float32, shape: [-1, classes])
            case .embedding: .init(name: name.rawValue, datatype: .float32, shape: [-1, status.dimensions])
            }
        }
    }

    // MARK: Inference

    /// - Returns: the answer, and what was asked for, in the order of the answer's outputs.
    func infer(
        _ request: OpenInference.InferRequest, _ context: CallContext
    ) async throws(MartletError) -> (response: OpenInference.InferResponse, outputs: InferenceOutputs) {
        let reference = Self.reference(request.model)
        let status = try await handler.model(reference, context: context)
        let outputs = try InferenceOutputs(request.outputs, givesEmbeddings: status.dimensions > 0)
        let texts = try BytesTensor.texts(of: request.inputs)
        let overflow = try InferenceParameters.overflow(request.parameters)
        try InferenceParameters.checkPriority(request.parameters)
        var context = context
        context.deadline = try InferenceParameters.deadline(request.parameters, context)
        let identity: ModelIdentity
        let tensors: [OpenInference.Output]
        if status.dimensions > 0 {
            guard texts.allSatisfy({ $0.pair == nil }) else {
                throw MartletError(.invalidArgument, "inputs[0] has pairs of texts; an embedding is of one text")
            }
            let answer = try await handler.embed(
                EmbedRequest(model: reference, inputs: texts.map { .text($0.text) }, overflow: overflow),
                context: context)
            identity = answer.model
            tensors = outputs.tensors(of: answer.results)
        } else {
            let answer = try await handler.classify(
                ClassifyRequest(
                    model: reference, inputs: texts, overflow: overflow, returnLogits: outputs.wantsLogits),
                context: context)
            identity = answer.model
            tensors = try outputs.tensors(of: answer.results)
        }
        let response = OpenInference.InferResponse(
            modelName: identity.name, modelVersion: String(identity.version), id: request.id, outputs: tensors)
        return (response, outputs)
    }

    // MARK: Statistics and the repository

    /// Of every model for an empty name, and of every version for an empty version.
    func statistics(
        of model: OpenInference.ModelName, _ context: CallContext
    ) async throws(MartletError) -> [OpenInference.Statistics] {
        guard !model.name.isEmpty else {
            return try await handler.statistics(named: nil, context: context).map { OpenInference.Statistics($0) }
        }
        let reference = Self.reference(model)
        var statistics = try await handler.statistics(named: reference.name, context: context)
        if reference.selector != .latest {
            let version = try await handler.model(reference, context: context).version
            statistics.removeAll { $0.version != version }
        }
        return statistics.map { OpenInference.Statistics($0) }
    }

    func index(
        readyOnly: Bool, _ context: CallContext
    ) async throws(MartletError) -> [OpenInference.RepositoryEntry] {
        try await handler.listModels(named: nil, context: context)
            .filter { !readyOnly || $0.state == .ready }
            .map { status in
                OpenInference.RepositoryEntry(
                    name: status.name, version: String(status.version), state: Self.state(status.state),
                    reason: status.reason.isEmpty && status.state == .unloaded ? "unloaded" : status.reason)
            }
    }

    private static func state(_ state: VersionState) -> String {
        switch state {
        case .ready: "READY"
        case .discovered, .verifying, .loading, .warming: "LOADING"
        case .draining: "UNLOADING"
        case .unloaded, .failed: "UNAVAILABLE"
        }
    }

    /// - Parameter parameters: their names; none changes how a model is loaded.
    func load(
        _ name: String, parameters: [String], _ context: CallContext
    ) async throws(MartletError) {
        if let parameter = parameters.first(where: { $0 == "config" || $0.hasPrefix("file:") }) {
            throw MartletError(
                .invalidArgument,
                "parameters.\(parameter.prefix(60)): a model is what its folder holds; leave the parameter out")
        }
        _ = try await handler.loadModel(named: name, context: context)
    }

    func unload(_ name: String, _ context: CallContext) async throws(MartletError) {
        try await handler.unloadModel(named: name, context: context)
    }
}
