package import MartletWire

/// What the OpenAPI document says about a route.
package struct HTTPDocumentation: Sendable {
    package enum Body: Sendable {
        case none
        /// A JSON schema (2020-12); `HTTPDocumentation.message` refers to one of the protos.
        case json(JSONValue)
        /// One event for each message, as text/event-stream or application/x-ndjson.
        case events(JSONValue)
        /// Another media type, such as `text/plain`.
        case other(String)
    }

    package struct Parameter: Sendable {
        package let name: String
        package let schema: JSONValue
        package let text: String

        package init(_ name: String, _ schema: JSONValue, _ text: String) {
            self.name = name
            self.schema = schema
            self.text = text
        }
    }

    /// One line.
    package var summary: String
    /// Such as `martlet.v1`, `Open Inference Protocol`.
    package var tag: String
    /// In the query.
    package var parameters: [Parameter]
    /// Several where the content type chooses.
    package var requests: [Body]
    package var responses: [Body]
    /// A request without a body is one too: what it says stands in its path.
    package var isBodyOptional = false

    package init(
        _ summary: String, tag: String, parameters: [Parameter] = [], request: Body = .none, response: Body = .none
    ) {
        self.init(summary, tag: tag, parameters: parameters, requests: [request], responses: [response])
    }

    package init(
        _ summary: String, tag: String, parameters: [Parameter] = [], requests: [Body], responses: [Body]
    ) {
        self.summary = summary
        self.tag = tag
        self.parameters = parameters
        self.requests = requests
        self.responses = responses
    }

    /// A reference to a message of the protos, by its full name.
    package static func message(_ fullName: String) -> JSONValue {
        ["$ref": .string("#/components/schemas/\(fullName)")]
    }
}
