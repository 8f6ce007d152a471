internal import MartletCore
internal import MartletWire

/// `grpc.health.v1.Health`.
struct HealthCalls: Sendable {
    /// More names than this `List` does not answer (health.proto).
    private static let listMax = 100

    let handler: any InferenceHandler
    let codec: MessageCodec
    let drain: DrainSignal
    /// Full names of the services that are checked.
    let services: [String]

    var calls: [Call] {
        [
            .unary(.healthCheck) { (request, context) throws(MartletError) in
                let name = try codec.decodeHealthCheckRequest(request)
                guard let status = try await board(for: name, context).status(of: name) else {
                    throw MartletError(
                        .notFound,
                        "service: nothing of that name is checked; the call List names what is, models as model/NAME")
                }
                return codec.encode(status)
            },
            .unary(.healthList) { (request, context) throws(MartletError) in
                try codec.decodeHealthListRequest(request)
                let board = board(try await handler.listModels(named: nil, context: context))
                let count = board.names.count
                guard count <= Self.listMax else {
                    throw MartletError(
                        .resourceExhausted,
                        "there are \(count) names to check, above the \(Self.listMax) of one list; check each by name")
                }
                return codec.encodeHealthListResponse(board.all)
            },
            .stream(.healthWatch) { (requests, answers, context) throws(MartletError) in
                let name = try codec.decodeHealthCheckRequest(try await Call.only(requests))
                try await watch(name, answers, context)
            },
        ]
    }

    private func board(_ models: [ModelStatus]) -> HealthBoard {
        HealthBoard(services: services, models: models, isDraining: drain.isRaised)
    }

    private func board(for name: String, _ context: CallContext) async throws(MartletError) -> HealthBoard {
        guard let model = HealthBoard.model(of: name) else { return board([]) }
        return board(try await handler.listModels(named: model.name, context: context))
    }

    /// Sends the status now and after each change, until the client leaves or the server drains. A name that is not
    /// known may become so.
    private func watch(
        _ name: String, _ answers: any MessageSink, _ context: CallContext
    ) async throws(MartletError) {
        var changes: AsyncStream<[ModelStatus]>?
        if let model = HealthBoard.model(of: name) {
            changes = try await handler.watchModels(named: model.name, context: context)
        }
        let following = changes
        let last = LastSent(answers: answers, codec: codec)
        let failure = await withTaskGroup(of: MartletError?.self) { group in
            group.addTask {
                do throws(MartletError) {
                    guard let following else {
                        try await last.send(board([]).status(of: name) ?? .serviceUnknown)
                        return nil
                    }
                    for await models in following {
                        try await last.send(board(models).status(of: name) ?? .serviceUnknown)
                    }
                    return nil
                } catch {
                    return error
                }
            }
            group.addTask {
                await drain.wait()
                return MartletError.shuttingDown
            }
            // A name without a model behind it changes with the drain only.
            while let failure = await group.next() {
                guard let failure else { continue }
                group.cancelAll()
                return failure
            }
            return MartletError.shuttingDown
        }
        // Balancers that watch should move on before the connection goes.
        if drain.isRaised { try await last.send(.notServing) }
        throw failure
    }
}

/// Sends a status where it differs from the one before.
private actor LastSent {
    private let answers: any MessageSink
    private let codec: MessageCodec
    private var last: HealthStatus?

    init(answers: any MessageSink, codec: MessageCodec) {
        self.answers = answers
        self.codec = codec
    }

    func send(_ status: HealthStatus) async throws(MartletError) {
        guard status != last else { return }
        last = status
        try await answers.send(message: codec.encode(status))
    }
}
