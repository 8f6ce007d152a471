internal import CMartletProtos
internal import MartletCore

extension TextSpan {
    /// A span that was not sent is the empty span at the start.
    init(_ span: UnsafeMutablePointer<Martlet__V1__TextSpan>?, _ field: StaticString) throws(MartletError) {
        self.init(
            byteStart: try CField.integer(span?.pointee.byte_start ?? 0, "\(field).byte_start"),
            byteEnd: try CField.integer(span?.pointee.byte_end ?? 0, "\(field).byte_end"),
            characterStart: try CField.integer(span?.pointee.character_start ?? 0, "\(field).character_start"),
            characterEnd: try CField.integer(span?.pointee.character_end ?? 0, "\(field).character_end"))
    }

    func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__TextSpan> {
        let span = arena.make(martlet__v1__text_span__init)
        span.pointee.byte_start = UInt64(clamping: byteStart)
        span.pointee.byte_end = UInt64(clamping: byteEnd)
        span.pointee.character_start = UInt64(clamping: characterStart)
        span.pointee.character_end = UInt64(clamping: characterEnd)
        return span
    }
}

extension WindowResult {
    init(_ window: Martlet__V1__WindowResult, _ field: StaticString) throws(MartletError) {
        self.init(
            index: try CField.integer(window.index, "\(field).index"),
            span: try TextSpan(window.span, "span"), tokens: Int(window.tokens),
            scores: try LabelScore.list(window.n_scores, window.scores, "\(field).scores"))
    }

    func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__WindowResult> {
        let window = arena.make(martlet__v1__window_result__init)
        window.pointee.index = UInt64(clamping: index)
        window.pointee.span = span.build(in: arena)
        window.pointee.tokens = UInt32(clamping: tokens)
        window.pointee.n_scores = scores.count
        window.pointee.scores = arena.list(scores) { $0.build(in: arena) }
        return window
    }
}

extension Coverage {
    init(_ coverage: UnsafeMutablePointer<Martlet__V1__Coverage>?) throws(MartletError) {
        self.init(
            bytesReceived: try CField.integer(coverage?.pointee.bytes_received ?? 0, "coverage.bytes_received"),
            bytesClassified: try CField.integer(coverage?.pointee.bytes_classified ?? 0, "coverage.bytes_classified"),
            tokensClassified: try CField.integer(
                coverage?.pointee.tokens_classified ?? 0, "coverage.tokens_classified"))
    }

    func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__Coverage> {
        let coverage = arena.make(martlet__v1__coverage__init)
        coverage.pointee.bytes_received = UInt64(clamping: bytesReceived)
        coverage.pointee.bytes_classified = UInt64(clamping: bytesClassified)
        coverage.pointee.tokens_classified = UInt64(clamping: tokensClassified)
        return coverage
    }
}

extension RunningVerdict {
    init(_ running: Martlet__V1__RunningVerdict) throws(MartletError) {
        self.init(
            windows: try CField.integer(running.windows, "running.windows"),
            scores: try LabelScore.list(running.n_scores, running.scores, "running.scores"),
            coverage: try Coverage(running.coverage))
    }

    func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__RunningVerdict> {
        let running = arena.make(martlet__v1__running_verdict__init)
        running.pointee.windows = UInt64(clamping: windows)
        running.pointee.n_scores = scores.count
        running.pointee.scores = arena.list(scores) { $0.build(in: arena) }
        running.pointee.coverage = coverage.build(in: arena)
        return running
    }
}

extension FinalVerdict {
    init(_ final: Martlet__V1__FinalVerdict) throws(MartletError) {
        guard let aggregation = Aggregation(final.aggregation) else {
            throw CField.unknownEnum(final.aggregation.rawValue, "final.aggregation")
        }
        var evidence: WindowResult?
        if let window = final.evidence { evidence = try WindowResult(window.pointee, "final.evidence") }
        self.init(
            model: try ModelIdentity(final.model), label: try CField.text(final.label, "final.label"),
            scores: try LabelScore.list(final.n_scores, final.scores, "final.scores"),
            windows: try CField.integer(final.windows, "final.windows"), coverage: try Coverage(final.coverage),
            stoppedEarly: final.stopped_early != 0, aggregation: aggregation, evidence: evidence,
            timing: try CallTiming(final.timing))
    }

    func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__FinalVerdict> {
        let final = arena.make(martlet__v1__final_verdict__init)
        final.pointee.model = model.build(in: arena)
        final.pointee.label = arena.copy(label)
        final.pointee.n_scores = scores.count
        final.pointee.scores = arena.list(scores) { $0.build(in: arena) }
        final.pointee.windows = UInt64(clamping: windows)
        final.pointee.coverage = coverage.build(in: arena)
        final.pointee.stopped_early = stoppedEarly ? 1 : 0
        final.pointee.aggregation = aggregation.wire
        final.pointee.evidence = evidence?.build(in: arena)
        final.pointee.timing = timing.build(in: arena)
        return final
    }
}
