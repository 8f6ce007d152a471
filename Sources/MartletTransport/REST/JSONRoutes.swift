internal import MartletCore
package import MartletWire

/// `martlet.v1` as JSON over HTTP. A call is a line of `lines`: everything else follows from its protos.
package struct JSONRoutes: Sendable {
    let calls: CallTable
    let limits: Limits
    let choice: ModelChoice

    package struct Line: Sendable {
        let method: String
        let pattern: String
        package let call: Method
        let summary: String

        init(_ method: String, _ pattern: String, _ call: Method, _ summary: String) {
            self.method = method
            self.pattern = pattern
            self.call = call
            self.summary = summary
        }
    }

    /// Parameters of a path are fields of the request, as are the pairs of the query.
    package static let lines = [
        Line("POST", "/martlet/v1/classify", .classify, "Labels and scores of texts."),
        Line("POST", "/martlet/v1/classify-stream", .classifyStream, "Many classify requests on one call."),
        Line("POST", "/martlet/v1/classify-document", .classifyDocument, "The verdict on a document, as it arrives."),
        Line("POST", "/martlet/v1/embed", .embed, "Vectors of texts."),
        Line("POST", "/martlet/v1/tokenize", .tokenize, "The tokens a model makes of texts."),
        Line("POST", "/martlet/v1/detokenize", .detokenize, "The texts that tokens stand for."),
        Line("GET", "/martlet/v1/models", .listModels, "Every known version of every model."),
        Line("GET", "/martlet/v1/models/{model}", .getModel, "One version: name, name@version or name:label."),
        Line("GET", "/martlet/v1/watch", .watchModels, "What is served, now and after each change."),
        Line("POST", "/martlet/v1/models/{name}/load", .loadModel, "Load a model, also after an unload."),
        Line("POST", "/martlet/v1/models/{name}/unload", .unloadModel, "Take a model out of service."),
        Line("POST", "/martlet/v1/models/{name}/labels/{label}", .setLabel, "Point a version label at a version."),
        Line("GET", "/martlet/v1/statistics", .getStatistics, "What each loaded version has done."),
        Line("GET", "/martlet/v1/server", .getServer, "What this server is and what it takes."),
    ]

    /// - Returns: a route for each line whose call is in the table.
    var routes: [HTTPRoute] {
        Self.lines.compactMap { line in
            guard let call = calls[line.call.path], let types = Schema.embedded.method(at: line.call.path)
            else { return nil }
            let route = JSONCallRoute(line: line, call: call, types: types, limits: limits, choice: choice)
            return HTTPRoute(
                line.method, line.pattern, isManagement: call.isManagement, documentation: route.documentation,
                failure: HTTPFailure.response, run: route.run)
        }
    }
}
