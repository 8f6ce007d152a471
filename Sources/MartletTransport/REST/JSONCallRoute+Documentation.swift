internal import MartletCore
internal import MartletWire

extension JSONCallRoute {
    var documentation: HTTPDocumentation {
        let schema = Schema.embedded
        let input = HTTPDocumentation.message(schema.messages[types.input].fullName)
        let output = HTTPDocumentation.message(schema.messages[types.output].fullName)
        let inPath = HTTPRouter.segments(line.pattern).compactMap { HTTPRouter.parameterName($0) }
        var requests: [HTTPDocumentation.Body] = line.method == "GET" ? [] : [.json(input)]
        var parameters: [HTTPDocumentation.Parameter] = []
        var queryType: Int? = line.method == "GET" ? types.input : nil
        if call.method.clientStreams { requests.append(.other("application/x-ndjson")) }
        if call.method == .classifyDocument {
            requests.append(.other("text/plain"))
            queryType = schema.message(named: "martlet.v1.DocumentOptions")
        }
        if let queryType {
            for path in MessageJSON.embedded.textPaths(of: queryType)
            where !inPath.contains(String(path.prefix { $0 != "." })) {
                guard let type = MessageJSON.embedded.schema(ofText: path, in: queryType) else { continue }
                parameters.append(.init(path, type, "Field \(path) of \(schema.messages[queryType].fullName)."))
            }
        }
        var responses: [HTTPDocumentation.Body] = []
        if call.method.serverStreams {
            responses.append(.events(output))
            if call.method == .classifyDocument {
                responses.append(.json(HTTPDocumentation.message("martlet.v1.FinalVerdict")))
            }
        } else {
            responses.append(.json(output))
        }
        var documentation = HTTPDocumentation(
            line.summary, tag: "martlet.v1", parameters: parameters, requests: requests, responses: responses)
        documentation.isBodyOptional = !inPath.isEmpty
        return documentation
    }
}
