/// What a transport knows about the call it brings.
package struct CallContext: Sendable {
    package var deadline: Deadline
    /// When the call's first byte was decoded.
    package var arrival: ContinuousClock.Instant
    /// What the client sent beside the message: gRPC metadata, HTTP headers, or the entries of a native `Open`.
    package var metadata: CallMetadata

    package init(
        deadline: Deadline = .none, arrival: ContinuousClock.Instant = .now, metadata: CallMetadata = CallMetadata()
    ) {
        self.deadline = deadline
        self.arrival = arrival
        self.metadata = metadata
    }
}

/// Names in lower case and their values, in the order in which they came; a name may come more than once. Holds nothing
/// that speaks about the transport itself (`content-type`, `grpc-timeout`).
package struct CallMetadata: Sendable {
    package var entries: [(name: String, value: [UInt8])]

    package init(_ entries: [(name: String, value: [UInt8])] = []) { self.entries = entries }

    /// The last value of `name` as text; nil when it did not come, or is not UTF-8.
    package subscript(_ name: String) -> String? {
        guard let value = entries.last(where: { $0.name == name })?.value else { return nil }
        return String(validating: value, as: UTF8.self)
    }
}
