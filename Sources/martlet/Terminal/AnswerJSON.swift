import MartletCore

/// The JSON that `--json` prints. Names become those of the protocol's messages, in snake case.
enum AnswerJSON {
    struct Identity: Encodable {
        var name: String
        var version: Int
        var label: String
        var digest: String

        init(_ identity: ModelIdentity) {
            name = identity.name
            version = identity.version
            label = identity.label
            digest = identity.digest
        }
    }

    struct Score: Encodable {
        var label: String
        var index: Int
        var score: Float

        init(_ score: LabelScore) {
            label = score.label
            index = score.index
            self.score = score.score
        }
    }

    struct Timing: Encodable {
        var queueUs: UInt64
        var tokenizeUs: UInt64
        var computeUs: UInt64
        var totalUs: UInt64

        init(_ timing: CallTiming) {
            queueUs = timing.queue.wholeMicroseconds
            tokenizeUs = timing.tokenize.wholeMicroseconds
            computeUs = timing.compute.wholeMicroseconds
            totalUs = timing.total.wholeMicroseconds
        }
    }

    /// One answered text: a line of NDJSON.
    struct Text: Encodable {
        var model: Identity
        var scores: [Score]
        var logits: [Float]?
        var tokensRead: Int
        var tokensTotal: Int
        var truncated: Bool
        var windows: Int
        var timing: Timing

        init(_ result: TextResult, of answer: ClassifyAnswer) {
            model = Identity(answer.model)
            scores = result.scores.map(Score.init)
            logits = result.logits.isEmpty ? nil : result.logits
            tokensRead = result.tokensRead
            tokensTotal = result.tokensTotal
            truncated = result.truncated
            windows = result.windows
            timing = Timing(answer.timing)
        }
    }

    struct Span: Encodable {
        var byteStart: Int
        var byteEnd: Int
        var characterStart: Int
        var characterEnd: Int

        init(_ span: TextSpan) {
            byteStart = span.byteStart
            byteEnd = span.byteEnd
            characterStart = span.characterStart
            characterEnd = span.characterEnd
        }
    }

    struct Window: Encodable {
        var index: Int
        var span: Span
        var tokens: Int
        var scores: [Score]

        init(_ window: WindowResult) {
            index = window.index
            span = Span(window.span)
            tokens = window.tokens
            scores = window.scores.map(Score.init)
        }
    }

    struct Covered: Encodable {
        var bytesReceived: Int
        var bytesClassified: Int
        var tokensClassified: Int

        init(_ coverage: Coverage) {
            bytesReceived = coverage.bytesReceived
            bytesClassified = coverage.bytesClassified
            tokensClassified = coverage.tokensClassified
        }
    }

    struct Running: Encodable {
        var windows: Int
        var scores: [Score]
        var coverage: Covered
    }

    struct Final: Encodable {
        var model: Identity
        var label: String
        var scores: [Score]
        var windows: Int
        var coverage: Covered
        var stoppedEarly: Bool
        var aggregation: String
        var evidence: Window?
        var timing: Timing
        /// Byte offsets of the passage that `--pinpoint` narrowed the evidence to.
        var passage: [Int]?
    }

    /// One event of a document: a line of NDJSON with exactly one of the three.
    struct Event: Encodable {
        var window: Window?
        var running: Running?
        var final: Final?

        init(_ event: DocumentEvent, passage: Range<Int>? = nil) {
            switch event {
            case .window(let window): self.window = Window(window)
            case .running(let verdict):
                running = Running(
                    windows: verdict.windows, scores: verdict.scores.map(Score.init),
                    coverage: Covered(verdict.coverage))
            case .final(let verdict):
                final = Final(
                    model: Identity(verdict.model), label: verdict.label, scores: verdict.scores.map(Score.init),
                    windows: verdict.windows, coverage: Covered(verdict.coverage), stoppedEarly: verdict.stoppedEarly,
                    aggregation: verdict.aggregation.rawValue, evidence: verdict.evidence.map(Window.init),
                    timing: Timing(verdict.timing), passage: passage.map { [$0.lowerBound, $0.upperBound] })
            }
        }
    }

    struct Status: Encodable {
        var name: String
        var version: Int
        var state: String
        var reason: String
        var versionLabels: [String]
        var digest: String
        var classLabels: [String]
        var task: String
        var maxTokens: Int
        var memoryBytes: Int
        var leases: Int
        var problemType: String
        var dimensions: Int
        var vocabularySize: Int
        var architecture: String
        var precision: String
        var quarantined: Bool

        init(_ status: ModelStatus) {
            name = status.name
            version = status.version
            state = status.state.rawValue
            reason = status.reason
            versionLabels = status.versionLabels
            digest = status.digest
            classLabels = status.classLabels
            task = status.task
            maxTokens = status.maxTokens
            memoryBytes = status.memoryBytes
            leases = status.leases
            problemType = status.problemType
            dimensions = status.dimensions
            vocabularySize = status.vocabularySize
            architecture = status.architecture
            precision = status.precision
            quarantined = status.isQuarantined
        }
    }
}
