internal import MartletCore
internal import MartletWire

extension OpenInference.InferResponse {
    /// JSON alone, or with the outputs for which `isBinary` holds behind it, raw, in their order.
    func httpResponse(isBinary: (OpenInference.Output) -> Bool) -> HTTPResponse {
        var outputList: [UInt8] = []
        var raw: [UInt8] = []
        var hasRaw = false
        for output in outputs {
            if !outputList.isEmpty { outputList.append(UInt8(ascii: ",")) }
            outputList.append(contentsOf: "{\"name\":".utf8)
            JSONValue.append(output.name, to: &outputList)
            outputList.append(contentsOf: ",\"datatype\":\"\(output.elements.datatype.rawValue)\",\"shape\":".utf8)
            JSONValue.array(output.shape.map { .integer($0) }).append(to: &outputList)
            if isBinary(output) {
                hasRaw = true
                let bytes = output.elements.raw
                raw.append(contentsOf: bytes)
                outputList.append(contentsOf: ",\"parameters\":{\"binary_data_size\":\(bytes.count)}}".utf8)
            } else {
                outputList.append(contentsOf: ",\"data\":".utf8)
                output.elements.appendJSON(to: &outputList)
                outputList.append(UInt8(ascii: "}"))
            }
        }
        var json: [UInt8] = Array("{\"model_name\":".utf8)
        JSONValue.append(modelName, to: &json)
        json.append(contentsOf: ",\"model_version\":".utf8)
        JSONValue.append(modelVersion, to: &json)
        if !id.isEmpty {
            json.append(contentsOf: ",\"id\":".utf8)
            JSONValue.append(id, to: &json)
        }
        json.append(contentsOf: ",\"outputs\":[".utf8)
        json.append(contentsOf: outputList)
        json.append(contentsOf: "]}".utf8)
        guard hasRaw else {
            return HTTPResponse(headers: [("content-type", "application/json")], body: .bytes(json))
        }
        return HTTPResponse(
            headers: [
                ("content-type", "application/octet-stream"), ("inference-header-content-length", String(json.count)),
            ],
            body: .bytes(json + raw))
    }
}

extension OpenInference.Elements {
    fileprivate func appendJSON(to bytes: inout [UInt8]) {
        switch self {
        case .floats(let values): values.appendJSON(to: &bytes)
        case .texts(let texts):
            bytes.append(UInt8(ascii: "["))
            for (index, text) in texts.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                JSONValue.append(text, to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        }
    }
}
