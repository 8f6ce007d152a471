internal import MartletCore
internal import MartletWire

extension OpenInference.InferRequest {
    /// The REST form: a JSON text, behind which raw tensors follow when `headerLength`
    /// (`inference-header-content-length`) says where it ends; 0 is a body that is one text and nothing else.
    /// - Throws: `.invalidArgument` naming what does not agree.
    init(
        body: [UInt8], headerLength: String?, model: OpenInference.ModelName
    ) throws(MartletError) {
        guard let headerLength else {
            try self.init(json: JSONValue(parsing: body), raw: [], hasRaw: false, model: model)
            return
        }
        guard let length = Int(headerLength), length >= 0, length <= body.count else {
            throw MartletError(
                .invalidArgument,
                "inference-header-content-length must be a number of bytes, at most the \(body.count) of the body")
        }
        guard length > 0 else {
            self.init(
                model: model,
                inputs: [
                    OpenInference.Input(
                        name: BytesTensor.inputName, datatype: OpenInference.Datatype.bytes.rawValue, shape: [1],
                        contents: .elements([body]))
                ])
            return
        }
        try self.init(
            json: JSONValue(parsing: Array(body.prefix(length))), raw: body.dropFirst(length), hasRaw: true,
            model: model)
    }

    private init(
        json: JSONValue, raw: ArraySlice<UInt8>, hasRaw: Bool, model: OpenInference.ModelName
    ) throws(MartletError) {
        let body = JSONField(json)
        guard case .object = json else { throw body.mustBe("an object with the member inputs") }
        self.init(
            model: model, id: body["id"].isMissing ? "" : try body["id"].string(),
            parameters: try Self.parameters(body["parameters"]))
        var rest = raw
        for field in try body["inputs"].elements() {
            inputs.append(try Self.input(field, raw: &rest, hasRaw: hasRaw))
        }
        guard rest.isEmpty else {
            throw MartletError(
                .invalidArgument,
                "\(rest.count) bytes follow the JSON text and the binary_data_size of the inputs, and belong to nothing"
            )
        }
        guard !body["outputs"].isMissing else { return }
        for field in try body["outputs"].elements() {
            outputs.append(
                OpenInference.RequestedOutput(
                    name: try field["name"].string(), parameters: try Self.parameters(field["parameters"])))
        }
    }

    private static func input(
        _ field: JSONField, raw: inout ArraySlice<UInt8>, hasRaw: Bool
    ) throws(MartletError) -> OpenInference.Input {
        var shape: [Int64] = []
        for size in try field["shape"].elements() { shape.append(Int64(try size.integer(in: Int.min...Int.max))) }
        var input = OpenInference.Input(
            name: try field["name"].string(), datatype: try field["datatype"].string(), shape: shape,
            contents: .elements([]))
        let size = field["parameters"]["binary_data_size"]
        guard size.isMissing else {
            guard hasRaw else {
                throw MartletError(
                    .invalidArgument,
                    "\(size.path) needs the header inference-header-content-length, which says where the JSON text ends"
                )
            }
            guard field["data"].isMissing else {
                throw MartletError(.invalidArgument, "\(field["data"].path) and \(size.path) came; send one of them")
            }
            let count = try size.integer(in: 0...Int.max)
            guard count <= raw.count else {
                throw MartletError(
                    .invalidArgument, "\(size.path) is \(count), and \(raw.count) bytes are left of the body")
            }
            input.contents = .raw(Array(raw.prefix(count)))
            raw = raw.dropFirst(count)
            return input
        }
        // Of another datatype nothing is read: BytesTensor says what it must be.
        guard input.datatype == OpenInference.Datatype.bytes.rawValue else { return input }
        var elements: [[UInt8]] = []
        for element in try field["data"].elements() {
            if case .array = element.value {
                for inner in try element.elements() { elements.append(Array(try inner.string().utf8)) }
            } else {
                elements.append(Array(try element.string().utf8))
            }
        }
        input.contents = .elements(elements)
        return input
    }

    private static func parameters(_ field: JSONField) throws(MartletError) -> [String: OpenInference.Parameter] {
        var table: [String: OpenInference.Parameter] = [:]
        guard !field.isMissing else { return table }
        for (name, member) in try field.members() {
            switch member.value {
            case .bool(let value): table[name] = .bool(value)
            case .string(let text): table[name] = .text(text)
            case .number(let number):
                if let integer = number.integer {
                    table[name] = .integer(Int64(integer))
                } else if let unsigned = UInt64(number.text) {
                    table[name] = .unsigned(unsigned)
                } else {
                    table[name] = .double(try member.double())
                }
            // Triton hands `headers` and nested values to the model; here nobody reads them.
            default: break
            }
        }
        return table
    }
}
