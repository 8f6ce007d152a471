internal import MartletCore
internal import MartletWire

/// Reads the bodies of TEI's REST form.
struct TEIBody {
    let field: JSONField
    private let limits: Limits

    init(_ exchange: HTTPExchange, limits: Limits) async throws(MartletError) {
        field = JSONField(try await exchange.json(atMost: limits.messageBytesMax))
        _ = try field.members()
        self.limits = limits
    }

    /// `truncate` and `truncation_direction`. Without `truncate`, or null: TEI's own default, to cut.
    func overflow(in field: JSONField) throws(MartletError) -> OverflowPolicy {
        let truncates = field["truncate"].isMissing ? true : try field["truncate"].bool()
        let direction = field["truncation_direction"]
        switch direction.isMissing ? "Right" : try direction.string() {
        case "Right", "right": return truncates ? .truncateRight : .error
        case "Left", "left": return truncates ? .truncateLeft : .error
        default: throw direction.mustBe("Right or Left")
        }
    }

    func flag(_ name: String, default value: Bool) throws(MartletError) -> Bool {
        field[name].isMissing ? value : try field[name].bool()
    }

    func embedOptions(in field: JSONField? = nil, normalize: Bool) throws(MartletError) -> TEI.EmbedOptions {
        let field = field ?? self.field
        return TEI.EmbedOptions(
            overflow: try overflow(in: field), normalize: normalize,
            dimensions: field["dimensions"].isMissing ? 0 : try field["dimensions"].integer(in: 1...Int(Int32.max)),
            promptName: field["prompt_name"].isMissing ? nil : try field["prompt_name"].string())
    }

    func predictOptions() throws(MartletError) -> TEI.PredictOptions {
        TEI.PredictOptions(
            overflow: try overflow(in: field), rawScores: try flag("raw_scores", default: false))
    }

    /// A text, a list of ids, or a list of either.
    func embedInputs(_ name: String = "inputs") throws(MartletError) -> [EmbedInput] {
        let inputs = field[name]
        if case .string(let text)? = inputs.value { return [.text(text)] }
        let elements = try inputs.elements()
        if case .number? = elements.first?.value { return [.tokens(try TokenIDList.read(inputs))] }
        var result: [EmbedInput] = []
        for element in try checked(elements, inputs) {
            if case .string(let text)? = element.value {
                result.append(.text(text))
            } else {
                result.append(.tokens(try TokenIDList.read(element)))
            }
        }
        return result
    }

    /// One text: a string, or a list of one. A pair: a list of two strings. A batch: a list of lists of one or two.
    /// - Returns: the inputs, and whether they came as a batch.
    func predictInputs() throws(MartletError) -> (inputs: [TextInput], isBatch: Bool) {
        let inputs = field["inputs"]
        if case .string(let text)? = inputs.value { return ([TextInput(text)], false) }
        let elements = try inputs.elements()
        guard case .array? = elements.first?.value else {
            return (elements.isEmpty ? [] : [try pair(inputs)], elements.isEmpty)
        }
        var result: [TextInput] = []
        for element in try checked(elements, inputs) { result.append(try pair(element)) }
        return (result, true)
    }

    private func pair(_ field: JSONField) throws(MartletError) -> TextInput {
        let texts = try field.elements()
        switch texts.count {
        case 1: return TextInput(try texts[0].string())
        case 2: return TextInput(try texts[0].string(), pair: try texts[1].string())
        default:
            throw field.mustBe(
                "a list of one text or of two, which are a pair; several texts are a list of such lists")
        }
    }

    /// A list of texts.
    func texts(_ field: JSONField) throws(MartletError) -> [String] {
        var texts: [String] = []
        for element in try checked(try field.elements(), field) { texts.append(try element.string()) }
        return texts
    }

    /// A text, or a list of them.
    func oneOrMoreTexts(_ name: String) throws(MartletError) -> [String] {
        if case .string(let text)? = field[name].value { return [text] }
        return try texts(field[name])
    }

    /// A list of ids, or a list of such lists.
    func idLists(_ name: String) throws(MartletError) -> [[Int32]] {
        let elements = try field[name].elements()
        guard case .array? = elements.first?.value else {
            return elements.isEmpty ? [] : [try TokenIDList.read(field[name])]
        }
        var lists: [[Int32]] = []
        for element in try checked(elements, field[name]) { lists.append(try TokenIDList.read(element)) }
        return lists
    }

    /// TEI's own limit on what one request may hold, which is below the one of every call.
    private func checked(_ elements: [JSONField], _ list: JSONField) throws(MartletError) -> [JSONField] {
        guard elements.count <= limits.teiBatchTextsMax else {
            throw MartletError(
                .invalidArgument,
                "batch size \(elements.count) > maximum allowed batch size \(limits.teiBatchTextsMax) "
                    + "(teiBatchTextsMax); split \(list.path) over several requests")
        }
        return elements
    }
}
