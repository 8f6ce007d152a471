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
        Line("POST", "/martlet/v1/models/{name}/versions/{version}/load", .loadVersion, "Load one version."),
        Line("POST", "/martlet/v1/models/{name}/versions/{version}/unload", .unloadVersion, "Unload one version."),
        Line(
            "POST", "/martlet/v1/models/{name}/versions/{version}/clear", .clearQuarantine,
            "Let a refused version be tried again."),
        Line("GET", "/martlet/v1/routes", .listRoutes, "Where labels lead, and what shadows have shown."),
        Line("POST", "/martlet/v1/models/{name}/routes/{label}", .setRoute, "Replace the route of a label."),
        Line("GET", "/martlet/v1/rollouts", .listRollouts, "Rollouts that go on, and the last of each route."),
        Line("GET", "/martlet/v1/rollouts/watch", .watchRollouts, "The rollouts, now and after each change."),
        Line("POST", "/martlet/v1/rollouts", .startRollout, "Start a guarded rollout."),
        Line("POST", "/martlet/v1/rollouts/plan", .planRollout, "What starting a rollout would do."),
        Line("POST", "/martlet/v1/rollouts/{name}/promote", .promoteRollout, "Take a rollout's next step now."),
        Line("POST", "/martlet/v1/rollouts/{name}/rollback", .rollback, "Give a route's calls back."),
        Line("POST", "/martlet/v1/publish", .publishVersion, "Make a version exist out of its files."),
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
