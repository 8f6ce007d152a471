internal import MartletCore
internal import MartletWire

/// The OpenAPI 3.1 document: made of the route table, so that it cannot name another set of routes.
enum OpenAPIDocument {
    static func make(of routes: [HTTPRoute], limits: Limits, software: String) -> JSONValue {
        var patterns: [String] = []
        var operations: [String: [JSONValue.Member]] = [:]
        var bodies: [JSONValue] = []
        for route in routes {
            if operations[route.pattern] == nil { patterns.append(route.pattern) }
            operations[route.pattern, default: []].append(
                .init(route.method.lowercased(), operation(route)))
            bodies += (route.documentation.map { $0.requests + $0.responses } ?? []).compactMap(schema)
        }
        var schemas = RequestBounds(limits: limits).applied(
            to: MessageJSON.embedded.schemas(of: messages(in: bodies)))
        schemas.append(.init("Error", errorSchema))
        let parts = software.split(separator: "/", maxSplits: 1)
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "Martlet", "version": .string(parts.count == 2 ? String(parts[1]) : software),
                "description": "A model server for text encoders. Every path answers over HTTP/1.1 and HTTP/2.",
            ],
            "paths": .object(patterns.sorted().map { .init($0, .object(operations[$0] ?? [])) }),
            "components": ["schemas": .object(schemas)],
        ]
    }

    private static func operation(_ route: HTTPRoute) -> JSONValue {
        let documentation = route.documentation
        var members: [JSONValue.Member] = [
            .init("operationId", .string(identifier(route))),
            .init("summary", .string(documentation?.summary ?? "\(route.method) \(route.pattern)")),
            .init("tags", [.string(documentation?.tag ?? "other")]),
        ]
        let inPath = HTTPRouter.segments(route.pattern).compactMap { HTTPRouter.parameterName($0) }
        var parameters: [JSONValue] = inPath.map {
            ["name": .string($0), "in": "path", "required": true, "schema": schema(of: $0, among: inPath)]
        }
        for parameter in documentation?.parameters ?? [] {
            parameters.append([
                "name": .string(parameter.name), "in": "query", "schema": parameter.schema,
                "description": .string(parameter.text),
            ])
        }
        if !parameters.isEmpty { members.append(.init("parameters", .array(parameters))) }
        let requests = content(documentation?.requests ?? [])
        if !requests.isEmpty {
            let isOptional = documentation?.isBodyOptional ?? true
            members.append(
                .init("requestBody", ["content": .object(requests), "required": .bool(!isOptional)]))
        }
        var success: [JSONValue.Member] = [.init("description", "The answer.")]
        let responses = content(documentation?.responses ?? [])
        if !responses.isEmpty { success.append(.init("content", .object(responses))) }
        members.append(
            .init(
                "responses",
                [
                    "200": .object(success),
                    "default": [
                        "description": "What is wrong: the field, the limit, the way out.", "content": failure(route),
                    ],
                ]))
        return .object(members)
    }

    /// What a segment of a path looks like, by its name. Where the version stands in a segment of its own, the model
    /// is a name alone.
    private static func schema(of segment: String, among segments: [String]) -> JSONValue {
        switch segment {
        case "model" where segments.count == 1: BodySchema.model
        case "version": segments.contains("name") ? BodySchema.version : BodySchema.name
        default: BodySchema.name
        }
    }

    /// The media type and form of a route's errors, as the route itself shows one.
    private static func failure(_ route: HTTPRoute) -> JSONValue {
        let example = route.failure(MartletError(.invalidArgument, "inputs is missing"))
        let type = example.headers.first { $0.name == "content-type" }?.value ?? "application/json"
        let isOwn = type == "application/json" && !isDialect(example)
        return .object([.init(type, isOwn ? ["schema": ["$ref": "#/components/schemas/Error"]] : [:])])
    }

    private static func isDialect(_ response: HTTPResponse) -> Bool {
        guard case .bytes(let bytes) = response.body, let value = try? JSONValue(parsing: bytes) else { return true }
        return value["error"]?["retryAfterMs"] == nil && value["error"]?["status"] == nil
    }

    private static func identifier(_ route: HTTPRoute) -> String {
        let words = route.pattern.split { !$0.isLetter && !$0.isNumber }
            .map { $0.prefix(1).uppercased() + $0.dropFirst() }
        return route.method.lowercased() + (words.isEmpty ? "Index" : words.joined())
    }

    private static func content(_ bodies: [HTTPDocumentation.Body]) -> [JSONValue.Member] {
        bodies.flatMap { body -> [JSONValue.Member] in
            switch body {
            case .none: []
            case .json(let schema): [.init("application/json", ["schema": schema])]
            case .events(let schema):
                [.init("text/event-stream", [:]), .init("application/x-ndjson", ["schema": schema])]
            case .other(let type): [.init(type, [:])]
            }
        }
    }

    private static func schema(_ body: HTTPDocumentation.Body) -> JSONValue? {
        switch body {
        case .json(let schema), .events(let schema): schema
        case .none, .other: nil
        }
    }

    /// The messages that schemas refer to.
    private static func messages(in schemas: [JSONValue]) -> [Int] {
        let prefix = "#/components/schemas/"
        var found: Set<Int> = []
        var open = schemas
        while let schema = open.popLast() {
            switch schema {
            case .object(let members):
                for member in members {
                    if member.name == "$ref", case .string(let text) = member.value, text.hasPrefix(prefix),
                        let place = Schema.embedded.message(named: String(text.dropFirst(prefix.count)))
                    {
                        found.insert(place)
                    }
                    open.append(member.value)
                }
            case .array(let elements): open += elements
            default: break
            }
        }
        return found.sorted()
    }

    private static let errorSchema: JSONValue = [
        "type": "object",
        "properties": [
            "error": [
                "type": "object",
                "properties": [
                    "code": ["type": "string", "description": "the name of a gRPC status"],
                    "status": ["type": "integer", "description": "the HTTP status"],
                    "message": ["type": "string"],
                    "retryAfterMs": [
                        "type": "integer", "description": "how long to wait; missing when waiting does not help",
                    ],
                ],
                "required": ["code", "status", "message"],
            ]
        ],
        "required": ["error"],
    ]
}
