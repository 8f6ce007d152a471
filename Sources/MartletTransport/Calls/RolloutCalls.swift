internal import MartletCore
internal import MartletWire

/// `martlet.v1.RolloutService`.
struct RolloutCalls: Sendable {
    let handler: any RolloutHandler
    let codec: MessageCodec
    let limits: Limits
    let drain: DrainSignal

    var calls: [Call] { readingCalls + versionCalls + routeCalls + [publish] }

    private var readingCalls: [Call] {
        [
            .unary(.listRoutes) { (request, context) throws(MartletError) in
                let name = try codec.decodeListRoutesRequest(request)
                return codec.encodeListRoutesResponse(try await handler.routes(named: name, context: context))
            },
            .unary(.planRollout) { (request, context) throws(MartletError) in
                let spec = try codec.decodeRolloutSpec(request)
                return codec.encode(try await handler.planRollout(spec, context: context))
            },
            .unary(.listRollouts) { (request, context) throws(MartletError) in
                let name = try codec.decodeListRolloutsRequest(request)
                return codec.encodeListRolloutsResponse(try await handler.rollouts(named: name, context: context))
            },
            .stream(.watchRollouts) { (requests, answers, context) throws(MartletError) in
                let name = try codec.decodeListRolloutsRequest(try await Call.only(requests))
                let changes = try await handler.watchRollouts(named: name, context: context)
                try await ChangeWatch(drain: drain).run(changes, to: answers) { codec.encodeListRolloutsResponse($0) }
            },
        ]
    }

    private var versionCalls: [Call] {
        [
            .unary(.loadVersion, isManagement: true) { (request, context) throws(MartletError) in
                let id = try codec.decodeLoadVersionRequest(request)
                return codec.encode(try await handler.loadVersion(id, context: context))
            },
            .unary(.unloadVersion, isManagement: true) { (request, context) throws(MartletError) in
                try await handler.unloadVersion(try codec.decodeUnloadVersionRequest(request), context: context)
                return codec.encodeUnloadVersionResponse()
            },
            .unary(.clearQuarantine, isManagement: true) { (request, context) throws(MartletError) in
                try await handler.clearQuarantine(try codec.decodeClearQuarantineRequest(request), context: context)
                return codec.encodeClearQuarantineResponse()
            },
        ]
    }

    private var routeCalls: [Call] {
        [
            .unary(.setRoute, isManagement: true) { (request, context) throws(MartletError) in
                let request = try codec.decodeSetRouteRequest(request)
                try await handler.setRoute(request.route, label: request.label, of: request.model, context: context)
                return codec.encodeSetRouteResponse()
            },
            .unary(.startRollout, isManagement: true) { (request, context) throws(MartletError) in
                let spec = try codec.decodeRolloutSpec(request)
                return codec.encode(try await handler.startRollout(spec, context: context))
            },
            .unary(.promoteRollout, isManagement: true) { (request, context) throws(MartletError) in
                let request = try codec.decodePromoteRolloutRequest(request)
                return codec.encode(
                    try await handler.promoteRollout(label: request.label, of: request.model, context: context))
            },
            .unary(.rollback, isManagement: true) { (request, context) throws(MartletError) in
                let request = try codec.decodeRollbackRequest(request)
                return codec.encode(
                    try await handler.rollback(
                        label: request.label, of: request.model, reason: request.reason, context: context))
            },
        ]
    }

    private var publish: Call {
        .stream(.publishVersion, isManagement: true) { (requests, answers, context) throws(MartletError) in
            guard let first = try await requests.nextMessage() else {
                throw MartletError(
                    .invalidArgument, "begin: the upload ended before its first part, which holds the manifest")
            }
            let part = try codec.decodePublishPart(first, inflatedBytesMax: limits.messageBytesMax)
            guard case .begin = part else {
                throw MartletError(.invalidArgument, "begin: the first part of an upload must hold it")
            }
            let parts = DecodingParts(
                first: part, messages: requests, codec: codec, inflatedBytesMax: limits.messageBytesMax)
            try await handler.publish(
                parts, events: EncodingEvents(messages: answers, codec: codec), context: context)
        }
    }
}

/// The parts of an upload out of messages.
private final class DecodingParts: PublishSource {
    private let first: OneTime<PublishPart>
    private let messages: any MessageSource
    private let codec: MessageCodec
    private let inflatedBytesMax: Int

    init(first: PublishPart, messages: any MessageSource, codec: MessageCodec, inflatedBytesMax: Int) {
        self.first = OneTime(first)
        self.messages = messages
        self.codec = codec
        self.inflatedBytesMax = inflatedBytesMax
    }

    func next() async throws(MartletError) -> PublishPart? {
        if let part = first.take() { return part }
        guard let message = try await messages.nextMessage() else { return nil }
        let part = try codec.decodePublishPart(message, inflatedBytesMax: inflatedBytesMax)
        guard case .bytes = part else {
            throw MartletError(.invalidArgument, "begin: only the first part of an upload may hold it")
        }
        return part
    }
}

private struct EncodingEvents: PublishEventSink {
    let messages: any MessageSink
    let codec: MessageCodec

    func send(_ event: PublishEvent) async throws(MartletError) {
        try await messages.send(message: codec.encode(event))
    }
}
