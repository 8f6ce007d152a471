package import MartletCore
internal import MartletWire

/// How the messages of one direction of a call are compressed (gRPC's `grpc-encoding`).
package enum MessageEncoding: String, CaseIterable, Sendable {
    case identity, deflate, gzip

    /// What this server accepts, for `grpc-accept-encoding`.
    static let accepted = allCases.map(\.rawValue).joined(separator: ",")
    /// Messages below this leave as they are: the frames around them weigh more than what compressing saves.
    static let compressedBytesMin = 1_024

    private var format: Zlib.Format? {
        switch self {
        case .identity: nil
        case .deflate: .zlib
        case .gzip: .gzip
        }
    }

    /// The compressed form; nil when the message leaves as it is.
    package func compressed(_ message: [UInt8]) -> [UInt8]? {
        guard let format, message.count >= Self.compressedBytesMin else { return nil }
        return message.withUnsafeBytes { Zlib.deflated($0, format: format) }
    }

    /// - Throws: `.internalError` when messages of this encoding cannot be compressed, `.resourceExhausted` above
    ///   `bytesMax`, `.invalidArgument` for broken data.
    package func inflated(_ message: [UInt8], bytesMax: Int) throws(MartletError) -> [UInt8] {
        guard let format else {
            throw MartletError(
                .internalError, "a message is flagged as compressed, but the call named no grpc-encoding")
        }
        return try Zlib.inflated(message, bytesMax: bytesMax, format: format)
    }

    /// What answers are compressed with.
    /// - Parameters:
    ///   - request: the encoding of the request's messages.
    ///   - acceptable: the peer's `grpc-accept-encoding`.
    ///   - prefersCompression: the server compresses whenever it may.
    package static func ofAnswers(
        request: MessageEncoding, acceptable: Set<MessageEncoding>, prefersCompression: Bool
    ) -> MessageEncoding {
        if request != .identity, acceptable.contains(request) { return request }
        guard prefersCompression else { return .identity }
        return [.gzip, .deflate].first(where: acceptable.contains) ?? .identity
    }
}
