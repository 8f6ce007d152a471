/// The first bytes each way on a native connection.
package enum Preface {
    package static let bytes: [UInt8] = Array("MARTLET1".utf8)

    package enum Match: Sendable, Hashable {
        /// So far right; more bytes are needed.
        case incomplete
        case complete
        case wrong
    }

    /// Compares the connection's first bytes, however many have come.
    package static func match(_ received: some Collection<UInt8>) -> Match {
        guard zip(received, bytes).allSatisfy({ $0 == $1 }) else { return .wrong }
        return received.count >= bytes.count ? .complete : .incomplete
    }
}
