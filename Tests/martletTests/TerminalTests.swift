import Testing
import martlet

struct TerminalTests {
    @Test("aligns columns and leaves no spaces at the ends of lines")
    func table() {
        var table = Table([("model", .left), ("version", .right), ("state", .left)])
        table.append(["guard", "1", "ready"])
        table.append(["topics", "12", "failed", "too many"])
        table.append(["x"])
        #expect(
            table.lines() == [
                "model   version  state",
                "guard         1  ready",
                "topics       12  failed",
                "x",
            ])
    }

    @Test("keeps one hot window visible however many cold ones there are", arguments: [1, 7, 8, 9, 100, 4_321])
    func heatStripKeepsTheHotOne(windows: Int) {
        for hot in [0, windows / 2, windows - 1] {
            var strip = HeatStrip(capacity: 8)
            for index in 0..<windows { strip.append(index == hot ? 1 : 0) }
            #expect(strip.text.count <= 8)
            #expect(
                strip.text.filter { $0 == "█" }.count == 1, "\(windows) windows, the hot one at \(hot): \(strip.text)")
        }
    }

    @Test("brings heats that are no share into the strip's range")
    func heatStripRange() {
        var strip = HeatStrip(capacity: 8)
        for heat: Float in [-1, 0, 0.5, 1, 7, .nan, .infinity] { strip.append(heat) }
        #expect(strip.text == "▁▁▅██▁▁")
    }

    @Test("draws bars of exactly their width", arguments: [-1, 0, 0.26, 0.5, 1, 9, Double.nan])
    func progressBar(fraction: Double) {
        #expect(ProgressLine.bar(fraction, width: 10).count == 10)
    }

    @Test("draws a score to an eighth of a character")
    func scoreBar() {
        #expect(ScoreBar.text(0, width: 4) == "")
        #expect(ScoreBar.text(1, width: 4) == "████")
        #expect(ScoreBar.text(0.5, width: 4) == "██")
        #expect(ScoreBar.text(0.53125, width: 4) == "██▏")
        #expect(ScoreBar.text(.nan, width: 4) == "")
    }

    @Test("cuts a line by what shows and keeps colour sequences whole")
    func cut() {
        #expect(ProgressLine.cut("\u{1B}[31mabc\u{1B}[0mdef", to: 4) == "\u{1B}[31mabc\u{1B}[0md")
    }

    @Test("lets nothing in a document move the cursor or change colours")
    func excerptIsHarmless() {
        let hostile = "a\u{1B}[31mred\r\n\u{7}bell\u{202E}flip\u{0}end"
        let line = Excerpt.oneLine(hostile)
        #expect(line == "a·[31mred ·bell·flip·end")
        #expect(line.unicodeScalars.allSatisfy { $0.value >= 0x20 })
    }

    @Test("wraps at spaces, breaks longer words, and leaves out the middle")
    func excerptWraps() {
        #expect(Excerpt.wrapped("one two three four", width: 9, lines: 9) == ["one two", "three", "four"])
        #expect(
            Excerpt.wrapped(String(repeating: "x", count: 20), width: 8, lines: 9) == ["xxxxxxxx", "xxxxxxxx", "xxxx"])
        let words = (1...10).map { "word\($0)xxx" }.joined(separator: " ")
        #expect(
            Excerpt.wrapped(words, width: 10, lines: 5) == [
                "word1xxx", "word2xxx", "… 6 lines …", "word9xxx", "word10xxx",
            ])
        #expect(Excerpt.wrapped("", width: 10, lines: 5).isEmpty)
    }
}
