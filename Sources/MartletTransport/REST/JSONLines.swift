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
        /// Before it there is no line end.
        var searched = 0
        var line = 0
        var isEnded = false
    }

    init(body: any HTTPBody, message: Int, limits: Limits) {
        self.body = body
        self.message = message
        lineBytesMax = limits.messageBytesMax
    }

    /// - Throws: an error that names the line.
    func nextMessage() async throws(MartletError) -> [UInt8]? {
        while true {
            if let line = state.withLock({ Self.takeLine(&$0) }) {
                if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
                do throws(MartletError) {
                    return try MessageJSON.embedded.wire(of: line, as: message)
                } catch {
                    let number = state.withLock { $0.line }
                    throw MartletError(error.code, "line \(number): \(error.message)")
                }
            }
            let (isEnded, size) = state.withLock { ($0.isEnded, $0.buffer.count) }
            guard !isEnded else { return nil }
            guard size <= lineBytesMax else {
                throw .http(
                    413, .resourceExhausted, "a line is over the limit of \(lineBytesMax) bytes; send shorter ones")
            }
            let part = try await body.next()
            state.withLock { state in
                if let part { state.buffer.append(contentsOf: part) } else { state.isEnded = true }
            }
        }
    }

    private static func takeLine(_ state: inout State) -> [UInt8]? {
        if let end = state.buffer[state.searched...].firstIndex(of: 0x0A) {
            let line = Array(state.buffer[..<end])
            state.buffer.removeSubrange(...end)
            state.searched = 0
            state.line += 1
            return line
        }
        state.searched = state.buffer.count
        // The last line needs no end.
        guard state.isEnded, !state.buffer.isEmpty else { return nil }
        defer { state.buffer = [] }
        state.searched = 0
        state.line += 1
        return state.buffer
    }
}
