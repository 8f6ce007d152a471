internal import MartletCore

/// Which model a request means where its dialect has no field for one: the header or metadata `x-martlet-model`, the
/// query's `model`, else the only model served.
struct ModelChoice: Sendable {
    static let header = "x-martlet-model"

    let handler: any InferenceHandler

    /// - Throws: `.invalidArgument` for a name of another form, or when several models could be meant; `.unavailable`
    ///   when none is ready.
    func reference(
        _ context: CallContext, query: [(name: String, value: String)] = []
    ) async throws(MartletError) -> ModelReference {
        if let name = context.metadata[Self.header] ?? query.last(where: { $0.name == "model" })?.value {
            return try Self.reference(named: name)
        }
        var names: [String] = []
        for status in try await handler.listModels(named: nil, context: context) where status.state == .ready {
            if names.last != status.name { names.append(status.name) }
        }
        guard let only = names.first else { throw MartletError(.unavailable, "no model is ready") }
        guard names.count == 1 else {
            throw MartletError(
                .invalidArgument,
                "this server has \(names.count) models; name one by the header \(Self.header) or the query's model, "
                    + "such as ?model=\(only)")
        }
        return ModelReference(name: only)
    }

    /// - Throws: `.invalidArgument` for a name of another form.
    static func reference(named name: String) throws(MartletError) -> ModelReference {
        guard let reference = ModelReference(parsing: name) else {
            throw MartletError(.invalidArgument, "a model is named name, name@version or name:label")
        }
        return reference
    }
}
