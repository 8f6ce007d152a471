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
            if case .window(let window) = event { windows.append(window) }
        }
        guard let found = Self.strongestRun(of: label, in: windows) else { return passage }
        let bytes = found.bytes.clamped(to: 0..<text.count)
        return Passage(
            bytes: passage.bytes.lowerBound + bytes.lowerBound..<passage.bytes.lowerBound + bytes.upperBound,
            text: String(decoding: text[bytes], as: UTF8.self), score: found.score)
    }

    /// The bytes of neighbouring windows whose best label is `label`, around the one with the highest score.
    package static func strongestRun(of label: String, in windows: [WindowResult]) -> (bytes: Range<Int>, score: Float)?
    {
        func score(_ index: Int) -> Float? {
            guard let best = windows[index].scores.first, best.label == label else { return nil }
            return best.score
        }
        let candidates = windows.indices.compactMap { index in score(index).map { (index, $0) } }
        guard let best = candidates.max(by: { $0.1 < $1.1 }) else { return nil }
        var first = best.0
        var last = best.0
        while first > 0, score(first - 1) != nil { first -= 1 }
        while last + 1 < windows.count, score(last + 1) != nil { last += 1 }
        let lower = windows[first].span.byteStart
        return (lower..<max(lower, windows[last].span.byteEnd), best.1)
    }
}
