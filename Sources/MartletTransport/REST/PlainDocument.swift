internal import MartletCore
internal import MartletWire

/// A text/plain body as the chunks of a document.
struct PlainDocument: MessageSource {
    private let body: any HTTPBody
    private let first: OneTime<[UInt8]>

    /// - Parameter options: `martlet.v1.DocumentOptions` as wire bytes, for the first chunk.
    init(body: any HTTPBody, options: [UInt8]) {
        self.body = body
        var chunk = WireWriter()
        chunk.field(1, options)
        first = OneTime(chunk.bytes)
    }

    func nextMessage() async throws(MartletError) -> [UInt8]? {
        if let first = first.take() { return first }
        guard let part = try await body.next() else { return nil }
        var chunk = WireWriter()
        chunk.field(2, part)
        return chunk.bytes
    }
}
