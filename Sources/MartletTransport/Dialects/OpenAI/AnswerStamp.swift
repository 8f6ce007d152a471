internal import MartletCore
internal import MartletWire

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// What infinity's answers carry beside their values: an id of their own and when they were made.
struct AnswerStamp: Sendable {
    let id: String
    /// Seconds since 1970.
    let created: Int

    init(random: some RandomNumberGenerator = SystemRandomNumberGenerator(), created: Int = time(nil)) {
        var random = random
        let digits = [random.next() as UInt64, random.next()].map { value in
            let text = String(value, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }
        id = "martlet-" + digits.joined()
        self.created = created
    }

    func members(model: ModelIdentity, usage: Usage) -> [JSONValue.Member] {
        [
            .init("model", .string(model.id.reference)), .init("usage", usage.json), .init("id", .string(id)),
            .init("created", .integer(created)),
        ]
    }
}

/// Tokens that a call read.
struct Usage: Sendable {
    let tokens: Int

    var json: JSONValue { ["prompt_tokens": .integer(tokens), "total_tokens": .integer(tokens)] }
}
