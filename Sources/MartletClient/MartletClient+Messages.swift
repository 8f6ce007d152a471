public import MartletCore
internal import MartletWire

/// Calls by their name and their messages' bytes: what generated stubs (`Tools/protoc-gen-martlet`) are written on.
///
/// `method` is such as `/martlet.v1.InferenceService/Classify`. A message is protobuf's bytes. `timeout` is how long
/// the whole call may take; nil waits for ever. Cancelling the task that waits cancels the call on the server too.
extension MartletClient {
    /// One request, one answer.
    /// - Throws: what the server says, `.deadlineExceeded`, or `.unavailable` when the connection is lost.
    public func unary(
        _ method: String, _ request: [UInt8], timeout: Duration? = nil
    ) async throws(MartletError) -> [UInt8] {
        try await unary(Method(method), request, timeout)
    }

    /// One request, any number of answers.
    public func serverStream(_ method: String, _ request: [UInt8], timeout: Duration? = nil) -> ServerStream<[UInt8]> {
        serverStream(Method(method, serverStreams: true), request, timeout) { (message) throws(MartletError) in message
        }
    }

    /// Any number of requests, one answer. `requests` is read only as fast as the server reads.
    public func clientStream<Requests: AsyncSequence & Sendable>(
        _ method: String, _ requests: Requests, timeout: Duration? = nil
    ) async throws(MartletError) -> [UInt8] where Requests.Element == [UInt8] {
        let method = Method(method, clientStreams: true)
        let answers = stream(method, requests, timeout) { (message) throws(MartletError) in message }
        var iterator = answers.makeAsyncIterator()
        guard let answer = try await iterator.next() else { throw ClientCall.withoutAnswer }
        guard try await iterator.next() == nil else {
            throw MartletError(.internalError, "the server answered more than once to a call with one answer")
        }
        return answer
    }

    /// Any number of either, in the order that the two sides agree on. `requests` is read only as fast as the server
    /// reads, and need not end before the answers do. When it throws, the call is cancelled and the answers end with
    /// that error, kept as `cause` unless it is a `MartletError`.
    public func bidirectionalStream<Requests: AsyncSequence & Sendable>(
        _ method: String, _ requests: Requests, timeout: Duration? = nil
    ) -> ServerStream<[UInt8]> where Requests.Element == [UInt8] {
        stream(Method(method, clientStreams: true, serverStreams: true), requests, timeout) {
            (message) throws(MartletError) in message
        }
    }
}

extension MartletClient {
    func unary(_ method: Method, _ request: [UInt8], _ timeout: Duration?) async throws(MartletError) -> [UInt8] {
        try await ClientCall(connection: connection, metadata: metadata)
            .unary(method, request: request, deadline: Self.deadline(timeout))
    }

    func serverStream<Answer>(
        _ method: Method, _ request: [UInt8], _ timeout: Duration?,
        decode: @escaping @Sendable ([UInt8]) throws(MartletError) -> Answer
    ) -> ServerStream<Answer> {
        let call = ClientCall(connection: connection, metadata: metadata)
        call.open(method, request: request, deadline: Self.deadline(timeout))
        return ServerStream(call: StreamCall(client: self, call: call), decode: decode)
    }

    func stream<Requests: AsyncSequence & Sendable, Answer>(
        _ method: Method, _ requests: Requests, _ timeout: Duration?,
        decode: @escaping @Sendable ([UInt8]) throws(MartletError) -> Answer
    ) -> ServerStream<Answer> where Requests.Element == [UInt8] {
        let call = ClientCall(connection: connection, metadata: metadata)
        call.open(method, deadline: Self.deadline(timeout))
        let sending = Task {
            do {
                for try await request in requests {
                    guard await call.send(request) else { return }
                }
                call.halfClose()
            } catch let error as MartletError {
                call.cancelSoon(error)
            } catch is CancellationError {
                call.cancelSoon()
            } catch {
                call.cancelSoon(MartletError(.aborted, "the requests could not be read to their end", cause: error))
            }
        }
        return ServerStream(call: StreamCall(client: self, call: call, sending: sending), decode: decode)
    }

    private static func deadline(_ timeout: Duration?) -> ContinuousClock.Instant? {
        timeout.map { .now.advanced(by: $0) }
    }
}
