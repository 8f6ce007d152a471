internal import CMartletProtos
package import MartletCore

/// One request message of `ClassifyStream`.
package struct ClassifyStreamItem: Sendable {
    package var id: String
    /// A request that cannot be read fails alone: the stream goes on.
    package var request: Result<ClassifyRequest, MartletError>
    /// Of meaning in the first message only.
    package var isUnordered: Bool

    package init(id: String, request: Result<ClassifyRequest, MartletError>, isUnordered: Bool = false) {
        self.id = id
        self.request = request
        self.isUnordered = isUnordered
    }
}

extension MessageCodec {
    /// - Throws: for a message whose `id` cannot be read; other faults are the item's own.
    package func decodeClassifyStreamItem(_ bytes: [UInt8]) throws(MartletError) -> ClassifyStreamItem {
        try decode(bytes, as: "ClassifyStreamRequest", with: martlet__v1__classify_stream_request__unpack) {
            (message) throws(MartletError) in
            let request: Result<ClassifyRequest, MartletError>
            do throws(MartletError) {
                guard let given = message.request?.pointee else {
                    throw MartletError(.invalidArgument, "request is missing")
                }
                request = .success(try ClassifyRequest(given))
            } catch {
                request = .failure(error)
            }
            return ClassifyStreamItem(
                id: try CField.text(message.id, "id"), request: request, isUnordered: message.unordered != 0)
        }
    }

    package func encode(_ request: ClassifyStreamRequest, isUnordered: Bool) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__classify_stream_request__init)
            message.pointee.id = arena.copy(request.id)
            message.pointee.request = request.request.build(in: arena)
            message.pointee.unordered = isUnordered ? 1 : 0
            return message
        }
    }

    package func decodeClassifyStreamAnswer(_ bytes: [UInt8]) throws(MartletError) -> ClassifyStreamAnswer {
        try decode(bytes, as: "ClassifyStreamResponse", with: martlet__v1__classify_stream_response__unpack) {
            (message) throws(MartletError) in
            let id = try CField.text(message.id, "id")
            switch message.outcome_case {
            case MARTLET__V1__CLASSIFY_STREAM_RESPONSE__OUTCOME_RESPONSE:
                if let response = message.response?.pointee {
                    return ClassifyStreamAnswer(id: id, outcome: .success(try ClassifyAnswer(response)))
                }
            case MARTLET__V1__CLASSIFY_STREAM_RESPONSE__OUTCOME_FAILURE:
                if let failure = message.failure?.pointee {
                    return ClassifyStreamAnswer(id: id, outcome: .failure(try MartletError(failure)))
                }
            default: break
            }
            throw MartletError(.invalidArgument, "a ClassifyStreamResponse has no known outcome")
        }
    }

    package func encode(_ answer: ClassifyStreamAnswer) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__classify_stream_response__init)
            message.pointee.id = arena.copy(answer.id)
            switch answer.outcome {
            case .success(let response):
                message.pointee.outcome_case = MARTLET__V1__CLASSIFY_STREAM_RESPONSE__OUTCOME_RESPONSE
                message.pointee.response = response.build(in: arena)
            case .failure(let error):
                message.pointee.outcome_case = MARTLET__V1__CLASSIFY_STREAM_RESPONSE__OUTCOME_FAILURE
                message.pointee.failure = error.build(in: arena)
            }
            return message
        }
    }
}

extension MartletError {
    fileprivate init(_ failure: Martlet__V1__Failure) throws(MartletError) {
        let status = CallStatus(
            code: failure.code, message: try CField.text(failure.message, "failure.message"),
            retryAfterMilliseconds: failure.retry_after_ms)
        guard let error = status.error else {
            throw MartletError(.invalidArgument, "failure.code is 0, which is success")
        }
        self = error
    }

    fileprivate func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__Failure> {
        let status = CallStatus(self)
        let failure = arena.make(martlet__v1__failure__init)
        failure.pointee.code = status.code
        failure.pointee.message = arena.copy(status.message)
        failure.pointee.retry_after_ms = status.retryAfterMilliseconds
        return failure
    }
}
