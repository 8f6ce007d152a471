package import MartletCore
package import MartletWire

/// The messages of one call, as bytes, in order. One reader.
package protocol MessageSource: Sendable {
    /// Nil after the last. Asking is what lets the peer send more.
    func nextMessage() async throws(MartletError) -> [UInt8]?
}

/// Where the messages of one call go.
package protocol MessageSink: Sendable {
    /// Suspends while the peer does not read.
    func send(message: [UInt8]) async throws(MartletError)
}

/// One row of the call table: a method, and what runs it. It knows messages as bytes, and no connection.
package struct Call: Sendable {
    /// One request, one answer.
    package typealias Unary = @Sendable ([UInt8], CallContext) async throws(MartletError) -> [UInt8]
    /// Any number of either. Where the method takes one request, the source has exactly that one.
    package typealias Stream =
        @Sendable (any MessageSource, any MessageSink, CallContext) async throws(MartletError) -> Void

    package enum Body: Sendable {
        case unary(Unary)
        case stream(Stream)
    }

    package let method: Method
    package let body: Body
    /// Changes what is served, so it can be kept to a listener of its own.
    package let isManagement: Bool

    package static func unary(_ method: Method, isManagement: Bool = false, _ run: @escaping Unary) -> Call {
        precondition(!method.clientStreams && !method.serverStreams, "\(method.path) is a stream")
        return Call(method: method, body: .unary(run), isManagement: isManagement)
    }

    package static func stream(_ method: Method, isManagement: Bool = false, _ run: @escaping Stream) -> Call {
        precondition(method.clientStreams || method.serverStreams, "\(method.path) is no stream")
        return Call(method: method, body: .stream(run), isManagement: isManagement)
    }

    /// The only request of a method that takes one.
    /// - Throws: `.unimplemented` for none, as gRPC has it. A second one is refused before it comes here.
    package static func only(_ requests: any MessageSource) async throws(MartletError) -> [UInt8] {
        guard let request = try await requests.nextMessage() else {
            throw MartletError(.unimplemented, "this method takes one request, none came")
        }
        return request
    }
}

/// Every call the server answers, whatever brings it: native frames, gRPC, or a JSON route.
package struct CallTable: Sendable {
    private let calls: [String: Call]

    package init(_ calls: [Call]) {
        self.calls = Dictionary(calls.map { ($0.method.path, $0) }) { first, _ in
            preconditionFailure("\(first.method.path) is in the table twice")
        }
    }

    /// The call of a path such as `/martlet.v1.InferenceService/Classify`; nil when there is none.
    package subscript(_ path: String) -> Call? { calls[path] }

    /// The call of a path, for a connection.
    /// - Parameter mayManage: whether management calls are answered where the connection came in.
    /// - Throws: `.unimplemented` when there is none, `.permissionDenied` for a management call in the wrong place.
    package func call(at path: String, mayManage: Bool) throws(MartletError) -> Call {
        guard let call = calls[path] else { throw .unknownMethod }
        guard mayManage || !call.isManagement else { throw .managedElsewhere }
        return call
    }

    /// Sorted by path.
    package var all: [Call] { calls.values.sorted { $0.method.path < $1.method.path } }

    /// Full names of the services, sorted.
    package var services: [String] { Set(calls.values.map(\.method.service)).sorted() }
}
