internal import MartletCore

/// The source of a method that takes one request and answers with many.
final class SingleMessage: MessageSource {
    private let message: OneTime<[UInt8]>

    init(_ message: [UInt8]) { self.message = OneTime(message) }

    func nextMessage() async throws(MartletError) -> [UInt8]? { message.take() }
}
