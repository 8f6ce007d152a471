internal import CMartletProtos
internal import CProtobufC
package import MartletCore

extension MessageCodec {
    /// - Returns: the request, and whether its tensors came raw: then the client reads raw tensors too.
    package func decodeInferRequest(
        _ bytes: [UInt8]
    ) throws(MartletError) -> (request: OpenInference.InferRequest, isRaw: Bool) {
        try decode(bytes, as: "ModelInferRequest", with: inference__model_infer_request__unpack) {
            (message) throws(MartletError) in
            let isRaw = message.n_raw_input_contents > 0
            var request = OpenInference.InferRequest(
                model: OpenInference.ModelName(
                    name: try CField.text(message.model_name, "model_name"),
                    version: try CField.text(message.model_version, "model_version")),
                id: try CField.text(message.id, "id"),
                parameters: try OpenInference.Parameter.table(
                    message.n_parameters, message.parameters, "parameters", { ($0.key, $0.value) }))
            let inputs = CField.elements(message.n_inputs, message.inputs)
            guard !isRaw || message.n_raw_input_contents == inputs.count else {
                throw MartletError(
                    .invalidArgument,
                    "raw_input_contents has \(message.n_raw_input_contents) entries for \(inputs.count) inputs; when "
                        + "one input is raw, all are")
            }
            for (index, input) in inputs.enumerated() {
                guard let input = input?.pointee else { continue }
                request.inputs.append(
                    try OpenInference.Input(input, raw: isRaw ? message.raw_input_contents?[index] : nil, index: index)
                )
            }
            for (index, output) in CField.elements(message.n_outputs, message.outputs).enumerated() {
                guard let output = output?.pointee else { continue }
                request.outputs.append(
                    OpenInference.RequestedOutput(
                        name: try CField.text(output.name, "outputs[\(index)].name"),
                        parameters: try OpenInference.Parameter.table(
                            output.n_parameters, output.parameters, "outputs[\(index)].parameters",
                            { ($0.key, $0.value) })))
            }
            return (request, isRaw)
        }
    }

    /// - Parameter isRaw: whether tensors go as `raw_output_contents`.
    package func encode(_ response: OpenInference.InferResponse, isRaw: Bool) -> [UInt8] {
        encode { arena in response.build(in: arena, isRaw: isRaw) }
    }

    /// Triton's form of a stream's answer: a response, or what went wrong with the request of that id.
    package func encodeStreamAnswer(
        _ outcome: Result<OpenInference.InferResponse, MartletError>, id: String, isRaw: Bool
    ) -> [UInt8] {
        encode { arena in
            let message = arena.make(inference__model_stream_infer_response__init)
            switch outcome {
            case .success(let response): message.pointee.infer_response = response.build(in: arena, isRaw: isRaw)
            case .failure(let error):
                message.pointee.error_message = arena.copy(error.message)
                let response = arena.make(inference__model_infer_response__init)
                response.pointee.id = arena.copy(id)
                message.pointee.infer_response = response
            }
            return message
        }
    }
}

extension OpenInference.Parameter {
    /// The entries of a `map<string, InferParameter>` field; of one key the last holds.
    fileprivate static func table<Entry>(
        _ count: Int, _ start: UnsafeMutablePointer<UnsafeMutablePointer<Entry>?>?, _ field: @autoclosure () -> String,
        _ parts: (Entry) -> (key: ProtobufCBinaryData, value: UnsafeMutablePointer<Inference__InferParameter>?)
    ) throws(MartletError) -> [String: OpenInference.Parameter] {
        var table: [String: OpenInference.Parameter] = [:]
        for entry in CField.elements(count, start) {
            guard let entry = entry?.pointee else { continue }
            let (key, value) = parts(entry)
            let name = try CField.text(key, "a key of \(field())")
            guard let value = value?.pointee else { continue }
            switch value.parameter_choice_case {
            case INFERENCE__INFER_PARAMETER__PARAMETER_CHOICE_BOOL_PARAM: table[name] = .bool(value.bool_param != 0)
            case INFERENCE__INFER_PARAMETER__PARAMETER_CHOICE_INT64_PARAM: table[name] = .integer(value.int64_param)
            case INFERENCE__INFER_PARAMETER__PARAMETER_CHOICE_UINT64_PARAM: table[name] = .unsigned(value.uint64_param)
            case INFERENCE__INFER_PARAMETER__PARAMETER_CHOICE_DOUBLE_PARAM: table[name] = .double(value.double_param)
            case INFERENCE__INFER_PARAMETER__PARAMETER_CHOICE_STRING_PARAM:
                table[name] = .text(try CField.text(value.string_param, "\(field())[\(name)]"))
            default: break
            }
        }
        return table
    }

    fileprivate func build(in arena: Arena) -> UnsafeMutablePointer<Inference__InferParameter> {
        let message = arena.make(inference__infer_parameter__init)
        switch self {
        case .bool(let value):
            message.pointee.parameter_choice_case = INFERENCE__INFER_PARAMETER__PARAMETER_CHOICE_BOOL_PARAM
            message.pointee.bool_param = value ? 1 : 0
        case .integer(let value):
            message.pointee.parameter_choice_case = INFERENCE__INFER_PARAMETER__PARAMETER_CHOICE_INT64_PARAM
            message.pointee.int64_param = value
        case .unsigned(let value):
            message.pointee.parameter_choice_case = INFERENCE__INFER_PARAMETER__PARAMETER_CHOICE_UINT64_PARAM
            message.pointee.uint64_param = value
        case .double(let value):
            message.pointee.parameter_choice_case = INFERENCE__INFER_PARAMETER__PARAMETER_CHOICE_DOUBLE_PARAM
            message.pointee.double_param = value
        case .text(let value):
            message.pointee.parameter_choice_case = INFERENCE__INFER_PARAMETER__PARAMETER_CHOICE_STRING_PARAM
            message.pointee.string_param = arena.copy(value)
        }
        return message
    }
}

extension OpenInference.Input {
    fileprivate init(
        _ input: Inference__ModelInferRequest__InferInputTensor, raw: ProtobufCBinaryData?, index: Int
    ) throws(MartletError) {
        self.init(
            name: try CField.text(input.name, "inputs[\(index)].name"),
            datatype: try CField.text(input.datatype, "inputs[\(index)].datatype"),
            shape: CField.scalars(input.n_shape, input.shape),
            contents: .elements([]))
        if let raw {
            guard input.contents == nil else {
                throw MartletError(
                    .invalidArgument,
                    "inputs[\(index)] has contents beside raw_input_contents; send one of them")
            }
            contents = .raw(CField.bytes(raw))
        } else if let elements = input.contents?.pointee, let start = elements.bytes_contents {
            let list = UnsafeBufferPointer(start: start, count: elements.n_bytes_contents)
            contents = .elements(list.map { CField.bytes($0) })
        }
    }
}

extension OpenInference.InferResponse {
    fileprivate func build(in arena: Arena, isRaw: Bool) -> UnsafeMutablePointer<Inference__ModelInferResponse> {
        let message = arena.make(inference__model_infer_response__init)
        message.pointee.model_name = arena.copy(modelName)
        message.pointee.model_version = arena.copy(modelVersion)
        message.pointee.id = arena.copy(id)
        message.pointee.n_parameters = parameters.count
        message.pointee.parameters = arena.list(parameters.sorted { $0.key < $1.key }) { name, value in
            let entry = arena.make(inference__model_infer_response__parameters_entry__init)
            entry.pointee.key = arena.copy(name)
            entry.pointee.value = value.build(in: arena)
            return entry
        }
        message.pointee.n_outputs = outputs.count
        message.pointee.outputs = arena.list(outputs) { $0.build(in: arena, isRaw: isRaw) }
        if isRaw {
            message.pointee.n_raw_output_contents = outputs.count
            message.pointee.raw_output_contents = arena.values(outputs) { arena.copy($0.elements.raw) }
        }
        return message
    }
}

extension OpenInference.Output {
    fileprivate func build(
        in arena: Arena, isRaw: Bool
    ) -> UnsafeMutablePointer<Inference__ModelInferResponse__InferOutputTensor> {
        let message = arena.make(inference__model_infer_response__infer_output_tensor__init)
        message.pointee.name = arena.copy(name)
        message.pointee.datatype = arena.copy(elements.datatype.rawValue)
        message.pointee.n_shape = shape.count
        message.pointee.shape = arena.values(shape) { Int64($0) }
        guard !isRaw else { return message }
        let contents = arena.make(inference__infer_tensor_contents__init)
        switch elements {
        case .floats(let values):
            contents.pointee.n_fp32_contents = values.count
            contents.pointee.fp32_contents = arena.values(values) { $0 }
        case .texts(let texts):
            contents.pointee.n_bytes_contents = texts.count
            contents.pointee.bytes_contents = arena.values(texts) { arena.copy($0) }
        }
        message.pointee.contents = contents
        return message
    }
}
