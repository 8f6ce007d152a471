internal import CMartletProtos
internal import MartletCore

extension DocumentOptions {
    init(_ options: Martlet__V1__DocumentOptions) throws(MartletError) {
        guard let aggregation = Aggregation(options.aggregation) else {
            throw CField.unknownEnum(options.aggregation.rawValue, "options.aggregation")
        }
        guard options.min_confidence.isFinite else {
            throw MartletError(.invalidArgument, "options.min_confidence is not a finite number")
        }
        self.init(
            model: try ModelReference(options.model, "options.model"), windowTokens: Int(options.window_tokens),
            strideTokens: Int(options.stride_tokens), aggregation: aggregation,
            focusLabel: try CField.text(options.focus_label, "options.focus_label"), topK: Int(options.top_k),
            minConfidence: options.min_confidence, emitWindows: options.omit_windows == 0,
            emitRunning: options.omit_running == 0)
    }

    func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__DocumentOptions> {
        let options = arena.make(martlet__v1__document_options__init)
        options.pointee.model = model.build(in: arena)
        options.pointee.window_tokens = UInt32(clamping: windowTokens)
        options.pointee.stride_tokens = UInt32(clamping: strideTokens)
        options.pointee.aggregation = aggregation.wire
        options.pointee.focus_label = arena.copy(focusLabel)
        options.pointee.top_k = UInt32(clamping: topK)
        options.pointee.min_confidence = minConfidence
        options.pointee.omit_windows = emitWindows ? 0 : 1
        options.pointee.omit_running = emitRunning ? 0 : 1
        return options
    }
}

extension Aggregation {
    init?(_ wire: Martlet__V1__Aggregation) {
        guard let aggregation = Self.allCases.first(where: { $0.wire == wire }) else { return nil }
        self = aggregation
    }

    var wire: Martlet__V1__Aggregation {
        switch self {
        case .modelDefault: MARTLET__V1__AGGREGATION__AGGREGATION_MODEL_DEFAULT
        case .mean: MARTLET__V1__AGGREGATION__AGGREGATION_MEAN
        case .max: MARTLET__V1__AGGREGATION__AGGREGATION_MAX
        case .noisyOr: MARTLET__V1__AGGREGATION__AGGREGATION_NOISY_OR
        case .first: MARTLET__V1__AGGREGATION__AGGREGATION_FIRST
        case .vote: MARTLET__V1__AGGREGATION__AGGREGATION_VOTE
        }
    }
}
