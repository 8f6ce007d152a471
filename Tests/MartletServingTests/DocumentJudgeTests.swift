import MartletCore
import MartletServing
import Testing

@Suite("Judging a document by its windows")
struct DocumentJudgeTests {
    static let guardHead = ClassificationHead(problemType: .singleLabel, labels: ["SAFE", "INJECTION"])
    static let topicsHead = ClassificationHead(problemType: .singleLabel, labels: ["tech", "sports", "politics"])

    static func judge(
        _ head: ClassificationHead, _ aggregation: Aggregation, focus: Int? = nil, windows: [([Float], Int)]
    ) -> DocumentJudge {
        var judge = DocumentJudge(head: head, rule: .init(aggregation: aggregation, focus: focus))
        for (index, window) in windows.enumerated() {
            let span = TextSpan(byteStart: index * 100, byteEnd: index * 100 + 150, characterStart: 0, characterEnd: 0)
            judge.add(
                window.0, newTokens: window.1,
                window: WindowResult(index: index, span: span, tokens: 32, scores: head.ranked(window.0, topK: 0)))
        }
        return judge
    }

    static func close(_ left: [Float], _ right: [Float]) -> Bool {
        left.count == right.count && zip(left, right).allSatisfy { abs($0 - $1) < 1e-5 }
    }

    @Test("one injected window among many decides under max with a focus label, and is the evidence")
    func maxWithFocus() {
        var windows = [([Float], Int)](repeating: ([0.99, 0.01], 24), count: 9)
        windows[6] = ([0.02, 0.98], 24)
        let judge = Self.judge(Self.guardHead, .max, focus: 1, windows: windows)
        #expect(Self.close(judge.scores(), [0.02, 0.98]))
        #expect(judge.evidence(for: 1)?.index == 6)
        #expect(judge.isDecided(minConfidence: 0.9) && !judge.isDecided(minConfidence: 0.99))
        #expect(judge.windows == 9 && judge.tokens == 9 * 24)
    }

    @Test("absence is never certain before the end")
    func absence() {
        let judge = Self.judge(Self.guardHead, .max, focus: 1, windows: [([0.999, 0.001], 24)])
        #expect(!judge.isDecided(minConfidence: 0.9))
    }

    @Test("mean weighs windows by the tokens no earlier window had")
    func mean() {
        let judge = Self.judge(Self.guardHead, .mean, windows: [([0.9, 0.1], 30), ([0.3, 0.7], 10)])
        #expect(Self.close(judge.scores(), [0.75, 0.25]))
    }

    @Test("vote counts the winners' tokens, and first looks at one window alone")
    func voteAndFirst() {
        let windows: [([Float], Int)] = [([0.5, 0.4, 0.1], 10), ([0.1, 0.8, 0.1], 20), ([0.2, 0.7, 0.1], 10)]
        #expect(Self.close(Self.judge(Self.topicsHead, .vote, windows: windows).scores(), [0.25, 0.75, 0]))
        #expect(Self.close(Self.judge(Self.topicsHead, .first, windows: windows).scores(), [0.5, 0.4, 0.1]))
    }

    @Test("noisy-or adds up weak signs, and certain windows leave finite numbers")
    func noisyOr() {
        let weak = Self.judge(
            Self.guardHead, .noisyOr, focus: 1, windows: Array(repeating: ([0.7, 0.3], 10), count: 3))
        #expect(Self.close(weak.scores(), [0.343, 0.657]))
        let certain = Self.judge(
            Self.guardHead, .noisyOr, focus: 1, windows: Array(repeating: ([0, 1], 10), count: 500))
        #expect(certain.scores().allSatisfy { $0.isFinite } && certain.scores()[1] > 0.999)
    }

    @Test("scores of a softmax head sum to one whatever the aggregation", arguments: Aggregation.allCases)
    func sumsToOne(aggregation: Aggregation) {
        let windows: [([Float], Int)] = [([0.5, 0.4, 0.1], 10), ([0.1, 0.8, 0.1], 20)]
        let scores = Self.judge(Self.topicsHead, aggregation, focus: 2, windows: windows).scores()
        #expect(abs(scores.reduce(0, +) - 1) < 1e-5)
    }

    @Test("a document without windows has no scores and no evidence")
    func empty() {
        let judge = Self.judge(Self.topicsHead, .mean, windows: [])
        #expect(judge.scores() == [0, 0, 0] && judge.evidence(for: 0) == nil && !judge.isDecided(minConfidence: 0.1))
    }

    @Test("a rule that the model cannot follow is refused with the way out")
    func rules() throws {
        func rule(_ options: DocumentOptions, _ head: ClassificationHead) throws -> DocumentJudge.Rule {
            try DocumentJudge.rule(for: options, head: head, positiveLabel: nil, defaultAggregation: nil)
        }
        let model = ModelReference(name: "m")
        #expect(try rule(DocumentOptions(model: model), Self.topicsHead).aggregation == .mean)
        var error = #expect(throws: MartletError.self) {
            try rule(DocumentOptions(model: model, focusLabel: "nonsense"), Self.topicsHead)
        }
        #expect(error?.message.contains("tech, sports, politics") == true)
        error = #expect(throws: MartletError.self) {
            try rule(DocumentOptions(model: model, aggregation: .noisyOr), Self.topicsHead)
        }
        #expect(error?.message.contains("focus_label") == true)
        error = #expect(throws: MartletError.self) {
            try rule(
                DocumentOptions(model: model, aggregation: .vote),
                ClassificationHead(problemType: .regression, labels: ["value"]))
        }
        #expect(error?.code == .invalidArgument)
    }

    @Test("the manifest's label and aggregation are the defaults")
    func manifestDefaults() throws {
        let rule = try DocumentJudge.rule(
            for: DocumentOptions(model: ModelReference(name: "guard")), head: Self.guardHead,
            positiveLabel: "INJECTION",
            defaultAggregation: .max)
        #expect(rule == .init(aggregation: .max, focus: 1))
    }
}

@Suite("Scores of a head")
struct ClassificationHeadTests {
    @Test("softmax sums to one and does not overflow")
    func softmax() {
        let head = ClassificationHead(problemType: .singleLabel, labels: ["a", "b", "c"])
        let scores = head.scores(of: [1000, 1001, 900])
        #expect(abs(scores.reduce(0, +) - 1) < 1e-6 && scores[1] > 0.7)
    }

    @Test("sigmoid judges each label alone, and regression is the logit")
    func others() {
        let sigmoid = ClassificationHead(problemType: .multiLabel, labels: ["a", "b"]).scores(of: [0, 200])
        #expect(sigmoid == [0.5, 1])
        #expect(ClassificationHead(problemType: .regression, labels: ["v"]).scores(of: [-3.25]) == [-3.25])
    }

    @Test("the best comes first, equals keep class order, and top k cuts")
    func ranking() {
        let head = ClassificationHead(problemType: .multiLabel, labels: ["a", "b", "c", "d"])
        let ranked = head.ranked([0.1, 0.5, 0.5, 0.9], topK: 3)
        #expect(ranked.map(\.label) == ["d", "b", "c"] && ranked.map(\.index) == [3, 1, 2])
    }
}
