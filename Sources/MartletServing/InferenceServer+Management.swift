package import MartletCore
internal import MartletRollout

extension InferenceServer {
    package func listModels(named name: String?, context: CallContext) async throws(MartletError) -> [ModelStatus] {
        let statuses = manager.statuses(named: name)
        if name != nil, statuses.isEmpty { throw Self.unknownName }
        return statuses
    }

    static var unknownName: MartletError {
        MartletError(.notFound, "there is no model of that name; ListModels without a name lists them all")
    }

    package func model(
        _ reference: ModelReference, context: CallContext
    ) async throws(MartletError) -> ModelStatus {
        try RequestCheck(limits: limits).check(reference)
        if case .version(let number) = reference.selector {
            // A version that is not ready has a status too, and its reason is what people ask for.
            if let status = manager.statuses(named: reference.name).first(where: { $0.version == number }) {
                return status
            }
        }
        let identity = try manager.lease(reference).lease.identity
        guard let status = manager.statuses(named: identity.name).first(where: { $0.version == identity.version })
        else {
            throw MartletError(.unavailable, "the version was unloaded while it was looked up; ask again")
        }
        return status
    }

    package func watchModels(
        named name: String?, context: CallContext
    ) async throws(MartletError) -> AsyncStream<[ModelStatus]> {
        if let name { try RequestCheck(limits: limits).check(ModelReference(name: name)) }
        return manager.watch(named: name)
    }

    package func loadModel(named name: String, context: CallContext) async throws(MartletError) -> [ModelStatus] {
        try RequestCheck(limits: limits).check(ModelReference(name: name))
        return try await manager.load(model: name, asking: survey.look)
    }

    package func unloadModel(named name: String, context: CallContext) async throws(MartletError) {
        try RequestCheck(limits: limits).check(ModelReference(name: name))
        try await manager.unload(model: name)
    }

    package func setLabel(
        _ label: String, of name: String, to version: Int?, context: CallContext
    ) async throws(MartletError) {
        try RequestCheck(limits: limits).check(ModelReference(name: name))
        try await manager.setLabel(label, of: name, to: version)
    }
}
