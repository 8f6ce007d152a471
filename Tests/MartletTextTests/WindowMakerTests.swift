import MartletCore
import MartletTestSupport
import MartletText
import Testing

@Suite("Windows")
struct WindowMakerTests {
    /// Tokens 1000, 1001, … where token `n` stands at bytes 4n to 4n+3 and characters 2n to 2n+1.
    static func document(_ count: Int) -> (ids: [Int32], spans: [TextSpan]) {
        (
            (0..<count).map { 1_000 + Int32($0) },
            (0..<count).map {
                TextSpan(byteStart: 4 * $0, byteEnd: 4 * $0 + 3, characterStart: 2 * $0, characterEnd: 2 * $0 + 1)
            }
        )
    }

    static func windows(_ count: Int, window: Int, stride: Int) throws -> [Window] {
        let (ids, spans) = document(count)
        return try WindowMaker.windows(of: ids, spans, windowTokens: window, strideTokens: stride, cls: 1, sep: 2)
    }

    @Test("overlap by the stride, carry special tokens and span from their first token to their last")
    func overlap() throws {
        let windows = try Self.windows(10, window: 6, stride: 3)
        #expect(windows.map(\.ids) == [
            [1, 1000, 1001, 1002, 1003, 2], [1, 1003, 1004, 1005, 1006, 2], [1, 1006, 1007, 1008, 1009, 2],
        ])
        #expect(windows.map(\.newTokens) == [4, 3, 3])
        #expect(windows.map(\.index) == [0, 1, 2])
        #expect(windows[1].span == TextSpan(byteStart: 12, byteEnd: 27, characterStart: 6, characterEnd: 13))
    }

    @Test("end with a window only when it brings a new token", arguments: [(4, 1), (5, 2), (7, 2), (8, 3)])
    func lastWindow(count: Int, expected: Int) throws {
        let windows = try Self.windows(count, window: 6, stride: 3)
        #expect(windows.count == expected)
        #expect(windows.allSatisfy { $0.newTokens > 0 })
        #expect(windows.map(\.newTokens).reduce(0, +) == count)
    }

    @Test("are none for a document without tokens")
    func empty() throws {
        #expect(try Self.windows(0, window: 6, stride: 3).isEmpty)
    }

    @Test("hold one token at the least, the shortest window")
    func smallest() throws {
        #expect(try Self.windows(3, window: 3, stride: 1).map(\.ids) == [[1, 1000, 2], [1, 1001, 2], [1, 1002, 2]])
    }

    @Test("are the same however the tokens arrive, and cover every token", arguments: 0..<40)
    func anyArrival(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let window = Int.random(in: 3...40, using: &random)
        let stride = Int.random(in: 1...window - 2, using: &random)
        let (ids, spans) = Self.document(Int.random(in: 0...300, using: &random))
        let whole = try WindowMaker.windows(
            of: ids, spans, windowTokens: window, strideTokens: stride, cls: 1, sep: 2)

        var maker = try WindowMaker(windowTokens: window, strideTokens: stride, cls: 1, sep: 2)
        var windows: [Window] = []
        var place = 0
        while place < ids.count {
            let end = min(ids.count, place + Int.random(in: 0...50, using: &random))
            windows += maker.append(Array(ids[place..<end]), Array(spans[place..<end]))
            place = end
        }
        if let last = maker.finish() { windows.append(last) }
        #expect(windows == whole)

        for (index, window) in windows.enumerated() {
            #expect(window.ids[1] == 1_000 + Int32(index * stride))
        }
        let last = windows.last?.ids.dropLast().last
        #expect(last == ids.last)
    }

    @Test("are refused when a stride would leave tokens out or stand still", arguments: [0, -1, 5, Int.max, Int.min])
    func badStride(stride: Int) {
        let error = #expect(throws: MartletError.self) { try Self.windows(1, window: 6, stride: stride) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains("stride_tokens is \(stride)") == true)
    }

    @Test("are refused without room for a token", arguments: [2, 1, 0, -5, Int.min])
    func badWindow(window: Int) {
        let error = #expect(throws: MartletError.self) { try Self.windows(1, window: window, stride: 1) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains("window_tokens is \(window)") == true)
    }
}
