import MartletCore
import MartletWire

/// A client of HTTP/1.1 that sends what a test likes and reads answers one by one.
final class HTTPPeer {
    struct Answer {
        var status: Int
        /// Names in lower case.
        var headers: [(name: String, value: String)]
        var body: [UInt8]

        subscript(_ name: String) -> String? { headers.first { $0.name == name }?.value }
        var text: String { String(decoding: body, as: UTF8.self) }
        var json: JSONValue? { try? JSONValue(parsing: body) }
        var message: String? {
            guard case .string(let text)? = json?["error"]?["message"] else { return nil }
            return text
        }
    }

    private let peer: RawPeer
    private var received: [UInt8] = []

    init(port: Int) throws { peer = try RawPeer(port: port) }

    func send(_ text: String) async throws { try await peer.send(Array(text.utf8)) }
    func send(_ bytes: [UInt8]) async throws { try await peer.send(bytes) }
    func trySend(_ bytes: [UInt8]) async throws -> Bool { try await peer.trySend(bytes) }

    func post(_ path: String, _ body: String, type: String = "application/json", headers: [String] = []) async throws {
        let lines = headers.map { "\($0)\r\n" }.joined()
        try await send(
            "POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Type: \(type)\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\(lines)\r\n\(body)"
        )
    }

    func get(_ path: String, headers: [String] = []) async throws {
        try await send("GET \(path) HTTP/1.1\r\nHost: x\r\n" + headers.map { "\($0)\r\n" }.joined() + "\r\n")
    }

    /// The next answer; nil when the server has closed.
    func answer(isHead: Bool = false) async throws -> Answer? {
        guard let head = try await line(through: Array("\r\n\r\n".utf8)) else { return nil }
        var lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n").map(String.init)
        guard let first = lines.first, first.hasPrefix("HTTP/1."), let status = Int(first.dropFirst(9).prefix(3)) else {
            throw RawPeer.Failure(what: "no status line: \(lines.first ?? "")")
        }
        lines.removeFirst()
        var answer = Answer(status: status, headers: [], body: [])
        for line in lines {
            let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
            answer.headers.append((parts[0].lowercased(), String(parts.last?.drop { $0 == " " } ?? "")))
        }
        if isHead || status < 200 || status == 204 { return answer }
        if answer["transfer-encoding"] == "chunked" {
            while let chunk = try await self.chunk() { answer.body += chunk }
        } else {
            answer.body = try await bytes(Int(answer["content-length"] ?? "") ?? 0)
        }
        return answer
    }

    /// Only the head of an answer whose body is read by `chunk()`.
    func head() async throws -> String? {
        try await line(through: Array("\r\n\r\n".utf8)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The next chunk of a body; nil after the last.
    func chunk() async throws -> [UInt8]? {
        guard let line = try await line(through: [13, 10]),
            let size = Int(String(decoding: line.dropLast(2), as: UTF8.self), radix: 16)
        else { throw RawPeer.Failure(what: "the body broke off") }
        let chunk = try await bytes(size)
        _ = try await bytes(2)
        return size == 0 ? nil : chunk
    }

    /// Whether the server closes without another byte.
    func isClosed() async throws -> Bool {
        guard received.isEmpty else { return false }
        return try await peer.rawBytes() == nil
    }

    private func line(through end: [UInt8]) async throws -> [UInt8]? {
        while true {
            if let range = received.firstRange(of: end) {
                defer { received.removeSubrange(..<range.upperBound) }
                return Array(received[..<range.upperBound])
            }
            guard let more = try await peer.rawBytes() else {
                guard received.isEmpty else { throw RawPeer.Failure(what: "the answer broke off") }
                return nil
            }
            received += more
        }
    }

    private func bytes(_ count: Int) async throws -> [UInt8] {
        while received.count < count {
            guard let more = try await peer.rawBytes() else { throw RawPeer.Failure(what: "the body broke off") }
            received += more
        }
        defer { received.removeSubrange(..<count) }
        return Array(received[..<count])
    }
}
