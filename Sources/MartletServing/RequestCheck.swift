internal import MartletCore

/// What every request must keep to, whatever transport brought it. Messages name the field, the limit and the value.
struct RequestCheck: Sendable {
    let limits: Limits

    func check(_ request: ClassifyRequest) throws(MartletError) {
        try check(request.model)
        try checkCount("inputs", of: request.inputs.count)
        for (index, input) in request.inputs.enumerated() {
            let bytes = input.text.utf8.count + (input.pair?.utf8.count ?? 0)
            guard bytes > 0 else {
                throw MartletError(.invalidArgument, "inputs[\(index)].text is empty; there is nothing to classify")
            }
            try checkSize(bytes, at: index, wayOut: "send it as a document")
        }
    }

    func check(_ request: EmbedRequest) throws(MartletError) {
        try check(request.model)
        try checkCount("inputs", of: request.inputs.count)
        guard request.overflow != .window else {
            throw MartletError(
                .invalidArgument,
                "overflow is window, and the vector of several windows has no agreed meaning; set it to error or "
                    + "truncate, or send the parts of a text as texts")
        }
        guard request.dimensions >= 0 else {
            throw MartletError(
                .invalidArgument, "dimensions is \(request.dimensions) and must be at least 1, or 0 for all")
        }
        for (index, input) in request.inputs.enumerated() {
            let (size, field) =
                switch input {
                case .text(let text): (text.utf8.count, "text")
                // A token stands for at least a byte.
                case .tokens(let ids): (ids.count, "token_ids")
                }
            guard size > 0 else {
                throw MartletError(.invalidArgument, "inputs[\(index)].\(field) is empty; there is nothing to embed")
            }
            try checkSize(size, at: index, unit: field == "text" ? "bytes" : "tokens", wayOut: "send it in parts")
        }
    }

    func check(_ request: TokenizeRequest) throws(MartletError) {
        try check(request.model)
        try checkCount("inputs", of: request.inputs.count)
        for (index, input) in request.inputs.enumerated() {
            let bytes = input.text.utf8.count + (input.pair?.utf8.count ?? 0)
            try checkSize(bytes, at: index, wayOut: "send it in parts")
        }
    }

    func check(_ request: DetokenizeRequest) throws(MartletError) {
        try check(request.model)
        try checkCount("sequences", of: request.sequences.count)
    }

    private func checkCount(_ field: String, of count: Int) throws(MartletError) {
        guard count > 0 else {
            throw MartletError(.invalidArgument, "\(field) is empty; send 1 to \(limits.textsPerRequestMax) texts")
        }
        guard count <= limits.textsPerRequestMax else {
            throw MartletError(
                .invalidArgument,
                "\(field) has \(count) texts and \(limits.textsPerRequestMax) is the limit (textsPerRequestMax); send "
                    + "several requests")
        }
    }

    private func checkSize(
        _ size: Int, at index: Int, unit: String = "bytes", wayOut: String
    ) throws(MartletError) {
        guard size <= limits.textBytesMax else {
            throw MartletError(
                .invalidArgument,
                "inputs[\(index)] has \(size) \(unit) and \(limits.textBytesMax) is the limit (textBytesMax); "
                    + wayOut)
        }
    }

    func check(_ options: DocumentOptions) throws(MartletError) {
        try check(options.model)
        guard options.minConfidence >= 0, options.minConfidence <= 1 else {
            throw MartletError(
                .invalidArgument, "min_confidence is \(options.minConfidence) and must be 0 to 1; 0 reads to the end")
        }
    }

    func check(_ id: VersionID) throws(MartletError) {
        try check(ModelReference(name: id.model))
        guard id.number >= 1 else {
            throw MartletError(.invalidArgument, "version is \(id.number); versions are positive")
        }
    }

    func check(_ reference: ModelReference) throws(MartletError) {
        guard !reference.name.isEmpty else {
            throw MartletError(.invalidArgument, "model.name is empty; ListModels lists the models served")
        }
        guard VersionID.isValidModelName(reference.name) else {
            throw MartletError(
                .invalidArgument, "model.name is not a model's name: 1 to 128 letters, digits, '.', '_' or '-'")
        }
    }
}
