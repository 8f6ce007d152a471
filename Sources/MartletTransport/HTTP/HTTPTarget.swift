package import MartletCore

/// What a request line asks for: the path in decoded segments, and the query.
package struct HTTPTarget: Sendable {
    /// As it came, without the query; what a route without parameters is found by.
    package let rawPath: String
    /// Percent-decoded; a trailing slash adds none.
    package var segments: [String] {
        if let decoded { return decoded }
        var segments = rawPath.utf8.dropFirst()
            .split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { String(Substring($0)) }
        if segments.last == "" { segments.removeLast() }
        return segments
    }
    /// Nil where nothing is to be decoded: most paths are found whole, and need no segments.
    private let decoded: [String]?
    package let query: [(name: String, value: String)]
    /// The decoded path.
    package var path: String {
        rawPath.utf8.contains(UInt8(ascii: "%")) ? "/" + segments.joined(separator: "/") : rawPath
    }
    /// `OPTIONS *`.
    var isAsterisk: Bool { rawPath == "*" }

    /// - Throws: `.invalidArgument` (400) for what is no path, and for escapes that are broken or no UTF-8.
    package init(_ uri: String) throws(MartletError) {
        let isPlain =
            uri.utf8.first == UInt8(ascii: "/")
            && !uri.utf8.contains { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }
        if isPlain {
            rawPath = uri
            decoded = nil
            query = []
            return
        }
        var rest = Substring(uri)
        if let fragment = rest.firstIndex(of: "#") { rest = rest[..<fragment] }
        if !rest.hasPrefix("/"), rest != "*" {
            // The absolute form, as for a proxy (RFC 9112, 3.2.2).
            guard let scheme = ["http://", "https://"].first(where: { rest.lowercased().hasPrefix($0) }) else {
                throw MartletError(.invalidArgument, "the request's target must be a path that begins with '/'")
            }
            rest = rest.dropFirst(scheme.count)
            rest = rest.firstIndex(where: { $0 == "/" || $0 == "?" }).map { rest[$0...] } ?? "/"
            if rest.hasPrefix("?") { rest = "/" + rest }
        }
        let end = rest.utf8.firstIndex(of: UInt8(ascii: "?"))
        let path = end.map { rest[..<$0] } ?? rest
        rawPath = String(path)
        var segments: [String] = []
        for part in path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            segments.append(try Self.decoded(part, plusIsSpace: false, in: "path"))
        }
        if segments.last == "" { segments.removeLast() }
        decoded = segments
        guard let end else {
            query = []
            return
        }
        var query: [(name: String, value: String)] = []
        for pair in rest.utf8[rest.utf8.index(after: end)...].split(separator: UInt8(ascii: "&")) {
            let sign = pair.firstIndex(of: UInt8(ascii: "="))
            let name = sign.map { pair[..<$0] } ?? pair
            let value = sign.map { pair[pair.index(after: $0)...] } ?? pair[pair.endIndex...]
            query.append(
                (
                    name: try Self.decoded(name, plusIsSpace: true, in: "query"),
                    value: try Self.decoded(value, plusIsSpace: true, in: "query")
                ))
        }
        self.query = query
    }

    private static func decoded(
        _ text: Substring.UTF8View, plusIsSpace: Bool, in place: String
    ) throws(MartletError) -> String {
        let isPlain = !text.contains { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") && plusIsSpace }
        if isPlain { return String(Substring(text)) }
        var bytes: [UInt8] = []
        var rest = text[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(hexadecimal), let low = rest.popFirst().flatMap(hexadecimal)
                else {
                    throw MartletError(
                        .invalidArgument, "the \(place) has a '%' without two hexadecimal digits after it")
                }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        guard !bytes.contains(0), let decoded = String(validating: bytes, as: UTF8.self) else {
            throw MartletError(.invalidArgument, "the \(place), decoded, is not UTF-8 text")
        }
        return decoded
    }

    private static func hexadecimal(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
