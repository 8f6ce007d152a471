import MartletClient
import MartletCore

/// Narrows an evidence window down: reads it again in short windows, and takes the run of them around the strongest one
/// whose best label is the verdict's.
package struct Pinpoint: Sendable {
    let client: MartletClient
    let model: ModelReference
    let label: String

    /// About two sentences; a quarter of it as the step.
    private static let windowTokens = 40
    private static let strideTokens = 10

    /// - Parameter text: the bytes of `passage`.
    /// - Returns: `passage` itself when no short window has the label.
    func narrow(_ passage: Passage, text: [UInt8]) async throws -> Passage {
        let options = DocumentOptions(
            model: model, windowTokens: Self.windowTokens, strideTokens: Self.strideTokens, emitRunning: false)
        var windows: [WindowResult] = []
        for try await event in client.classifyDocument(options, chunks: OneChunk(bytes: text)) {
            if case .window(let window) = event { windows.append(Self.within(text.count, window)) }
        }
        guard let found = Self.strongestRun(of: label, in: windows) else { return passage }
        let bytes = found.bytes
        return Passage(
            bytes: passage.bytes.lowerBound + bytes.lowerBound..<passage.bytes.lowerBound + bytes.upperBound,
            text: String(decoding: text[bytes], as: UTF8.self), score: found.score)
    }

    /// The window with its bytes inside the text: offsets are the server's word, and what follows computes with them.
    package static func within(_ textBytes: Int, _ window: WindowResult) -> WindowResult {
        var window = window
        window.span.byteStart = min(max(0, window.span.byteStart), textBytes)
        window.span.byteEnd = min(max(window.span.byteStart, window.span.byteEnd), textBytes)
        return window
    }

    /// The bytes that make the windows around the strongest one answer `label`: the run of neighbours that have it as
    /// their best, without what their first and last neighbours read and did not answer it for. A step is added on both
    /// sides, since a window notices a passage only when it sees some of it.
    /// - Parameter windows: in order, each `within` the text.
    package static func strongestRun(of label: String, in windows: [WindowResult]) -> (bytes: Range<Int>, score: Float)?
    {
        func score(_ index: Int) -> Float? {
            guard windows.indices.contains(index), let best = windows[index].scores.first, best.label == label else {
                return nil
            }
            return best.score
        }
        let candidates = windows.indices.compactMap { index in score(index).map { (index, $0) } }
        guard let best = candidates.max(by: { $0.1 < $1.1 }) else { return nil }
        var first = best.0
        var last = best.0
        while score(first - 1) != nil { first -= 1 }
        while score(last + 1) != nil { last += 1 }
        let run = windows[first].span.byteStart..<max(windows[first].span.byteStart, windows[last].span.byteEnd)
        var lower = run.lowerBound
        var upper = run.upperBound
        if first > 0 {
            let before = windows[first - 1].span
            lower = max(lower, before.byteEnd - (windows[first].span.byteStart - before.byteStart))
        }
        if last + 1 < windows.count {
            let after = windows[last + 1].span
            upper = min(upper, after.byteStart + (after.byteEnd - windows[last].span.byteEnd))
        }
        // A run of one or two windows leaves too little: then the strongest window is the better answer.
        let strongest = windows[best.0].span
        if upper - lower < (strongest.byteEnd - strongest.byteStart) / 2 {
            lower = strongest.byteStart
            upper = max(lower, strongest.byteEnd)
        }
        return (lower..<upper, best.1)
    }
}
