internal import MartletCore
internal import MartletWire

/// The body of a request as its route reads it.
struct HTTPRequestBody: HTTPBody {
    let source: any MessageSource
    let facts: HTTPRequestFacts
    /// Told how the body is read: as a whole, or as it comes.
    let wanted: @Sendable (_ whole: Bool) -> Void
    private let inflation: GzipStream?

    init(source: any MessageSource, facts: HTTPRequestFacts, wanted: @escaping @Sendable (_ whole: Bool) -> Void) {
        self.source = source
        self.facts = facts
        self.wanted = wanted
        inflation = facts.isGzipped ? GzipStream() : nil
    }

    func next() async throws(MartletError) -> [UInt8]? {
        wanted(false)
        return try await part()
    }

    func collect(atMost limit: Int) async throws(MartletError) -> [UInt8] {
        if let length = facts.declaredLength, length > limit { throw .bodyTooLarge(limit: limit) }
        wanted(true)
        var bytes: [UInt8] = []
        while let part = try await part() {
            guard part.count <= limit - bytes.count else { throw .bodyTooLarge(limit: limit) }
            if bytes.isEmpty { bytes = part } else { bytes.append(contentsOf: part) }
        }
        return bytes
    }

    private func part() async throws(MartletError) -> [UInt8]? {
        guard let inflation else { return try await source.nextMessage() }
        while true {
            if let part = try inflation.next() { return part }
            guard let input = try await source.nextMessage() else {
                try inflation.end()
                return nil
            }
            inflation.append(input)
        }
    }
}
