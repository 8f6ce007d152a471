internal import MartletCore

/// What every request must keep to, whatever transport brought it. Messages name the field, the limit and the value.
struct RequestCheck: Sendable {
    let limits: Limits

    func check(_ request: ClassifyRequest) throws(MartletError) {
        try check(request.model)
        guard !request.inputs.isEmpty else {
            throw MartletError(.invalidArgument, "inputs is empty; send 1 to \(limits.textsPerRequestMax) texts")
        }
        guard request.inputs.count <= limits.textsPerRequestMax else {
            throw MartletError(
                .invalidArgument,
                "inputs has \(request.inputs.count) texts and \(limits.textsPerRequestMax) is the limit "
                    + "(textsPerRequestMax); send several requests")
        }
        for (index, input) in request.inputs.enumerated() {
            let bytes = input.text.utf8.count + (input.pair?.utf8.count ?? 0)
            guard bytes > 0 else {
                throw MartletError(.invalidArgument, "inputs[\(index)].text is empty; there is nothing to classify")
            }
            guard bytes <= limits.textBytesMax else {
                throw MartletError(
                    .invalidArgument,
                    "inputs[\(index)] has \(bytes) bytes and \(limits.textBytesMax) is the limit (textBytesMax); "
                        + "send it as a document")
            }
        }
    }

    func check(_ options: DocumentOptions) throws(MartletError) {
        try check(options.model)
        guard options.minConfidence >= 0, options.minConfidence <= 1 else {
            throw MartletError(
                .invalidArgument, "min_confidence is \(options.minConfidence) and must be 0 to 1; 0 reads to the end")
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
