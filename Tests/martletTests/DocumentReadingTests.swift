import MartletCore
import Testing
import martlet

struct DocumentReadingTests {
    private func window(_ index: Int, _ scores: [(String, Float)]) -> WindowResult {
        WindowResult(
            index: index,
            span: TextSpan(
                byteStart: index * 100, byteEnd: index * 100 + 150, characterStart: index * 100,
                characterEnd: index * 100 + 150), tokens: 40,
            scores: scores.enumerated().map { LabelScore(label: $1.0, index: $0, score: $1.1) })
    }

    @Test("looks for the focus label, else for the second of two labels")
    func target() {
        #expect(WindowReading(focusLabel: "", classLabels: ["SAFE", "INJECTION"]).target == "INJECTION")
        #expect(WindowReading(focusLabel: "SAFE", classLabels: ["SAFE", "INJECTION"]).target == "SAFE")
        #expect(WindowReading(focusLabel: "", classLabels: ["a", "b", "c"]).target == nil)
    }

    @Test("makes windows with the target stand out, and windows where the best label changes")
    func standingOut() {
        var reading = WindowReading(focusLabel: "", classLabels: ["SAFE", "INJECTION"])
        let safe: [(String, Float)] = [("SAFE", 0.9), ("INJECTION", 0.1)]
        let hit: [(String, Float)] = [("INJECTION", 0.8), ("SAFE", 0.2)]
        let notes = [safe, safe, hit, hit, safe, safe].enumerated().map { reading.note(window($0, $1)) }
        #expect(notes.map(\.standsOut) == [true, false, true, true, true, false])
        #expect(notes.map(\.heat) == [0.1, 0.1, 0.8, 0.8, 0.1, 0.1])
    }

    @Test("leaves out what windows without the label read")
    func pinpointNarrows() throws {
        // Windows of 40 bytes every 10; a passage at 100 to 130 that a window notices when it sees 10 bytes of it.
        let windows = (0..<20).map { index in
            let start = index * 10
            let seen = min(start + 40, 130) - max(start, 100)
            return WindowResult(
                index: index,
                span: TextSpan(
                    byteStart: start, byteEnd: start + 40, characterStart: start, characterEnd: start + 40),
                tokens: 10, scores: [LabelScore(label: seen >= 10 ? "B" : "A", index: 0, score: 0.9)])
        }
        let found = try #require(Pinpoint.strongestRun(of: "B", in: windows))
        #expect(found.bytes == 90..<140)
    }

    @Test("takes the run of windows around the strongest one")
    func pinpoint() throws {
        let scores: [(String, Float)] = [("B", 0.6), ("A", 0.9), ("B", 0.7), ("B", 0.99), ("A", 0.8), ("B", 0.9)]
        let windows = scores.enumerated().map { window($0, [$1]) }
        let found = try #require(Pinpoint.strongestRun(of: "B", in: windows))
        #expect(found.bytes == 200..<450)
        #expect(found.score == 0.99)
        #expect(Pinpoint.strongestRun(of: "C", in: windows) == nil)
        #expect(Pinpoint.strongestRun(of: "C", in: []) == nil)
    }

    @Test(
        "brings the offsets of a server that lies into the text",
        arguments: [
            (Int.min, Int.max, 0..<100), (Int.max, Int.min, 100..<100), (60, 40, 60..<60), (20, Int.max, 20..<100),
            (-5, -1, 0..<0),
        ])
    func hostileOffsets(start: Int, end: Int, bytes: Range<Int>) throws {
        let wild = TextSpan(byteStart: start, byteEnd: end, characterStart: 0, characterEnd: 0)
        let scores = ["A", "B", "A"].map { [LabelScore(label: $0, index: 0, score: 0.9)] }
        let windows = scores.enumerated().map { index, scores in
            Pinpoint.within(100, WindowResult(index: index, span: wild, tokens: 1, scores: scores))
        }
        #expect(windows.allSatisfy { $0.span.byteStart..<$0.span.byteEnd == bytes })
        let found = try #require(Pinpoint.strongestRun(of: "B", in: windows))
        #expect(found.bytes.lowerBound >= 0 && found.bytes.upperBound <= 100)
    }
}

struct ExitStatusTests {
    @Test("gives every known error code a status other than ok")
    func codes() {
        for value in Int32(1)...17 { #expect(ExitStatus(MartletError.Code(value: value)) != .ok) }
    }

    @Test("tells when to try again")
    func retry() {
        let failure = CommandFailure(
            MartletError(.resourceExhausted, "the queue is full", retryAfter: .milliseconds(250)))
        #expect(failure.status == .tryAgain)
        #expect(failure.message == "the queue is full (try again in 250 ms)")
    }
}
