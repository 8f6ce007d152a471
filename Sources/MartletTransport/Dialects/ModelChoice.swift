internal import MartletCore
internal import MartletWire

/// Which model a request means where its dialect has no field for one, or lets it be empty: the header or metadata
/// `x-martlet-model`, the query's `model`, the configured default, else the only ready model that does the task.
struct ModelChoice: Sendable {
    static let header = "x-martlet-model"

    let handler: any InferenceHandler
    var defaultModel: ModelReference?

    /// - Parameter task: what the model must be able to do; nil for any.
    /// - Throws: `.invalidArgument` for a name of another form, or when several models could be meant; `.unavailable`
    ///   when none is ready.
    func reference(
        _ context: CallContext, query: [(name: String, value: String)] = [], task: ModelTask? = nil
    ) async throws(MartletError) -> ModelReference {
        if let name = context.metadata[Self.header] ?? query.last(where: { $0.name == "model" })?.value {
            return try Self.reference(named: name)
        }
        var names: [String] = []
        var others: Set<String> = []
        for status in try await handler.listModels(named: nil, context: context) where status.state == .ready {
            if let task, status.task != task.rawValue {
                others.insert(status.name)
            } else if names.last != status.name {
                names.append(status.name)
            }
        }
        // A default that does another task is not meant here. One that is not ready is: the engine says why it is not.
        if let defaultModel, !others.contains(defaultModel.name) || names.contains(defaultModel.name) {
            return defaultModel
        }
        guard let only = names.first else {
            let what = task.map { "no model for \($0.rawValue) is ready" } ?? "no model is ready"
            throw MartletError(.unavailable, what)
        }
        guard names.count == 1 else {
            throw MartletError(
                .invalidArgument,
                "model is missing, and this server has \(names.count) that could be meant: "
                    + "\(names.prefix(20).joined(separator: ", ")); name one, by the header \(Self.header) or by "
                    + "model=\(only) in the query too, or start the server with --default-model")
        }
        return ModelReference(name: only)
    }

    /// The body's `model`, else what holds for a body without one.
    func reference(
        _ field: JSONField, _ exchange: HTTPExchange, task: ModelTask? = nil
    ) async throws(MartletError) -> ModelReference {
        guard field.isMissing else { return try Self.reference(named: try field.string()) }
        return try await reference(exchange.context, query: exchange.query, task: task)
    }

    /// - Throws: `.invalidArgument` for a name of another form.
    static func reference(named name: String) throws(MartletError) -> ModelReference {
        guard let reference = ModelReference(parsing: name) else {
            throw MartletError(.invalidArgument, "a model is named name, name@version or name:label")
        }
        return reference
    }
}
