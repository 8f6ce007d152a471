internal import MartletCore
internal import MartletWire
internal import Synchronization

/// A body of JSON lines (NDJSON) as messages, one for each line that is not blank.
final class JSONLines: MessageSource {
    private let body: any HTTPBody
    private let message: Int
    private let lineBytesMax: Int
    private let state = Mutex(State())

    private struct State {
        var buffer: [UInt8] = []
        /// Where the next line begins. What stands before goes when the next part comes: taking it away line by line
        /// would move the rest of the buffer for each of thousands of blank lines.
        var start = 0
        /// Between `start` and it there is no line end.
        var searched = 0
        var line = 0
        var isEnded = false

        mutating func append(_ part: [UInt8]) {
            buffer.removeSubrange(..<start)
            searched -= start
            start = 0
            buffer.append(contentsOf: part)
        }

        mutating func takeLine() -> [UInt8]? {
            let end: Int
            if let found = buffer[searched...].firstIndex(of: 0x0A) {
                end = found
            } else {
                searched = buffer.count
                // The last line needs no end.
                guard isEnded, start < buffer.count else { return nil }
                end = buffer.count
            }
            let taken = Array(buffer[start..<end])
            start = min(end + 1, buffer.count)
            searched = start
            line += 1
            return taken
        }
    }

    init(body: any HTTPBody, message: Int, limits: Limits) {
        self.body = body
        self.message = message
        lineBytesMax = limits.messageBytesMax
    }

    /// - Throws: an error that names the line.
    func nextMessage() async throws(MartletError) -> [UInt8]? {
        while true {
            if let line = state.withLock({ $0.takeLine() }) {
                if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
                do throws(MartletError) {
                    return try MessageJSON.embedded.wire(of: line, as: message)
                } catch {
                    let number = state.withLock { $0.line }
                    throw MartletError(error.code, "line \(number): \(error.message)")
                }
            }
            let (isEnded, size) = state.withLock { ($0.isEnded, $0.buffer.count - $0.start) }
            guard !isEnded else { return nil }
            guard size <= lineBytesMax else {
                throw .http(
                    413, .resourceExhausted, "a line is over the limit of \(lineBytesMax) bytes; send shorter ones")
            }
            let part = try await body.next()
            state.withLock { state in
                if let part { state.append(part) } else { state.isEnded = true }
            }
        }
    }
}
