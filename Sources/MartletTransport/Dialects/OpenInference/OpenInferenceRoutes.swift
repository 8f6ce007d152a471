package import MartletCore
internal import MartletWire

/// The REST form of the Open Inference Protocol, with Triton's binary tensors, repository, configuration and
/// statistics.
package struct OpenInferenceRoutes: Sendable {
    private let service: OpenInferenceService
    private let limits: Limits

    package init(handler: any InferenceHandler, limits: Limits, software: String, readiness: Readiness) {
        service = OpenInferenceService(handler: handler, limits: limits, software: software, readiness: readiness)
        self.limits = limits
    }

    package var routes: [HTTPRoute] {
        server + ["", "/versions/{version}"].flatMap { model("/v2/models/{model}" + $0) } + repository
    }

    private var server: [HTTPRoute] {
        [
            route("GET", "/v2", "What this server is.", response: OpenInferenceSchema.server) {
                (_) throws(MartletError) in
                let metadata = service.metadata
                return HTTPResponse(json: [
                    "name": .string(metadata.name), "version": .string(metadata.version),
                    "extensions": .array(metadata.extensions.map { .string($0) }),
                ])
            },
            route("GET", "/v2/health/live", "Whether the server answers at all.") { (_) throws(MartletError) in
                HTTPResponse(json: ["live": true])
            },
            route("GET", "/v2/health/ready", "Whether requests should come here.") { (exchange) throws(MartletError) in
                let isReady = try await service.readiness.isReady(exchange.context)
                return HTTPResponse(status: isReady ? 200 : 503, json: ["ready": .bool(isReady)])
            },
            route("GET", "/v2/models", "Names of the models.") { (exchange) throws(MartletError) in
                let entries = try await service.index(readyOnly: false, exchange.context)
                var names: [String] = []
                for entry in entries where names.last != entry.name { names.append(entry.name) }
                return HTTPResponse(json: ["models": .array(names.map { .string($0) })])
            },
            route("GET", "/v2/models/stats", "What every version has done.") { (exchange) throws(MartletError) in
                try await statistics(OpenInference.ModelName(name: ""), exchange)
            },
        ]
    }

    /// - Parameter path: of the model, or of one version of it.
    private func model(_ path: String) -> [HTTPRoute] {
        [
            route("GET", path, "The model's tensors.", response: OpenInferenceSchema.model) {
                (exchange) throws(MartletError) in
                let metadata = try await service.metadata(of: Self.model(exchange), exchange.context)
                return HTTPResponse(json: [
                    "name": .string(metadata.name), "versions": .array(metadata.versions.map { .string($0) }),
                    "platform": .string(metadata.platform), "inputs": .array(metadata.inputs.map(Self.json)),
                    "outputs": .array(metadata.outputs.map(Self.json)),
                ])
            },
            route("GET", path + "/ready", "Whether the model answers.") { (exchange) throws(MartletError) in
                let model = Self.model(exchange)
                let isReady = try await service.readiness(of: model, exchange.context)
                return HTTPResponse(
                    status: isReady ? 200 : 503, json: ["name": .string(model.name), "ready": .bool(isReady)])
            },
            route("GET", path + "/config", "The model as Triton configures it.") { (exchange) throws(MartletError) in
                HTTPResponse(
                    json: Self.json(try await service.configuration(of: Self.model(exchange), exchange.context)))
            },
            route("GET", path + "/stats", "What the model has done.") { (exchange) throws(MartletError) in
                try await statistics(Self.model(exchange), exchange)
            },
            route(
                "POST", path + "/infer",
                "What the model makes of texts; raw tensors may follow the JSON (inference-header-content-length).",
                request: OpenInferenceSchema.request, response: OpenInferenceSchema.response, infer),
        ]
    }

    private var repository: [HTTPRoute] {
        [
            route("POST", "/v2/repository/index", "Every version and its state.") { (exchange) throws(MartletError) in
                let body = try await Self.optionalObject(exchange, limits)
                let readyOnly = body["ready"].isMissing ? false : try body["ready"].bool()
                let entries = try await service.index(readyOnly: readyOnly, exchange.context)
                return HTTPResponse(
                    json: .array(
                        entries.map { entry in
                            [
                                "name": .string(entry.name), "version": .string(entry.version),
                                "state": .string(entry.state), "reason": .string(entry.reason),
                            ]
                        }))
            },
            route("POST", "/v2/repository/models/{model}/load", "Serves a model again.", isManagement: true) {
                (exchange) throws(MartletError) in
                let parameters = try await Self.optionalObject(exchange, limits)["parameters"]
                let names = parameters.isMissing ? [] : try parameters.members().map(\.name)
                let name = Self.model(exchange).name
                try await service.load(name, parameters: names, exchange.context)
                return HTTPResponse(json: ["name": .string(name), "load": true])
            },
            route("POST", "/v2/repository/models/{model}/unload", "Takes a model out of service.", isManagement: true)
            {
                (exchange) throws(MartletError) in
                let name = Self.model(exchange).name
                try await service.unload(name, exchange.context)
                return HTTPResponse(json: ["name": .string(name), "unload": true])
            },
        ]
    }

    private func infer(_ exchange: HTTPExchange) async throws(MartletError) -> HTTPResponse {
        let body = try await exchange.body.collect(atMost: limits.messageBytesMax)
        let request = try OpenInference.InferRequest(
            body: body, headerLength: exchange.headers["inference-header-content-length"], model: Self.model(exchange))
        let isRequestBinary = try InferenceParameters.areOutputsBinary(request.parameters)
        let (response, outputs) = try await service.infer(request, exchange.context)
        return response.httpResponse { output in
            outputs.wanted.first { $0.name.rawValue == output.name }?.isBinary ?? isRequestBinary
        }
    }

    private func statistics(
        _ model: OpenInference.ModelName, _ exchange: HTTPExchange
    ) async throws(MartletError) -> HTTPResponse {
        let statistics = try await service.statistics(of: model, exchange.context)
        return HTTPResponse(json: ["model_stats": .array(statistics.map(Self.json))])
    }

    // MARK: Forms

    private func route(
        _ method: String, _ pattern: String, _ summary: String, isManagement: Bool = false, request: JSONValue? = nil,
        response: JSONValue = [:],
        _ run: @escaping @Sendable (HTTPExchange) async throws(MartletError) -> HTTPResponse
    ) -> HTTPRoute {
        HTTPRoute(
            method, pattern, isManagement: isManagement,
            documentation: HTTPDocumentation(
                summary, tag: "Open Inference Protocol", request: request.map { .json($0) } ?? .none,
                response: .json(response)),
            failure: { error in
                HTTPResponse(
                    status: error.httpStatus, json: ["error": .string(error.message)],
                    headers: HTTPFailure.retryHeader(error))
            }, run: run)
    }

    private static func model(_ exchange: HTTPExchange) -> OpenInference.ModelName {
        OpenInference.ModelName(
            name: exchange.parameters["model"] ?? "", version: exchange.parameters["version"] ?? "")
    }

    /// An object, or nothing at all, which is an object without members.
    private static func optionalObject(_ exchange: HTTPExchange, _ limits: Limits) async throws(MartletError)
        -> JSONField
    {
        let body = try await exchange.body.collect(atMost: limits.messageBytesMax)
        guard !body.isEmpty else { return JSONField([:]) }
        let field = JSONField(try JSONValue(parsing: body))
        _ = try field.members()
        return field
    }

    private static func json(_ tensor: OpenInference.TensorMetadata) -> JSONValue {
        [
            "name": .string(tensor.name), "datatype": .string(tensor.datatype.rawValue),
            "shape": .array(tensor.shape.map { .integer($0) }),
        ]
    }

    private static func json(_ configuration: OpenInference.ModelConfiguration) -> JSONValue {
        func json(_ tensor: OpenInference.TensorMetadata) -> JSONValue {
            [
                "name": .string(tensor.name), "data_type": .string(tensor.datatype.configurationName),
                "dims": .array(tensor.shape.map { .integer($0) }),
            ]
        }
        return [
            "name": .string(configuration.name), "platform": .string(configuration.platform),
            "backend": .string(configuration.backend), "max_batch_size": .integer(configuration.batchSizeMax),
            "input": .array(configuration.inputs.map(json)), "output": .array(configuration.outputs.map(json)),
            "model_transaction_policy": ["decoupled": false],
        ]
    }

    private static func json(_ statistics: OpenInference.Statistics) -> JSONValue {
        func json(_ duration: OpenInference.StatisticDuration) -> JSONValue {
            ["count": .integer(duration.count), "ns": .integer(duration.nanoseconds)]
        }
        let none = json(OpenInference.StatisticDuration())
        return [
            "name": .string(statistics.name), "version": .string(statistics.version),
            "last_inference": .integer(statistics.lastInferenceMilliseconds),
            "inference_count": .integer(statistics.inferences), "execution_count": .integer(statistics.executions),
            "inference_stats": [
                "success": json(statistics.success), "fail": json(statistics.fail), "queue": json(statistics.queue),
                "compute_input": json(statistics.computeInput), "compute_infer": json(statistics.computeInfer),
                "compute_output": json(statistics.computeOutput), "cache_hit": none, "cache_miss": none,
            ],
            "batch_stats": [],
        ]
    }
}
