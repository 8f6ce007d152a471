/// A call as client and server name it.
package struct Method: Hashable, Sendable {
    /// Such as `/martlet.v1.InferenceService/Classify`: what gRPC's `:path` and a native `Open` hold.
    package let path: String
    /// True when the client may send any number of messages, false when exactly one.
    package let clientStreams: Bool
    /// True when the server may send any number of messages, false when exactly one.
    package let serverStreams: Bool

    package init(_ path: String, clientStreams: Bool = false, serverStreams: Bool = false) {
        self.path = path
        self.clientStreams = clientStreams
        self.serverStreams = serverStreams
    }

    /// The full name of the service, such as `martlet.v1.InferenceService`.
    package var service: String { String(path.dropFirst().prefix { $0 != "/" }) }
}

extension Method {
    package static let classify = inference("Classify")
    package static let classifyStream = inference("ClassifyStream", clientStreams: true, serverStreams: true)
    package static let classifyDocument = inference("ClassifyDocument", clientStreams: true, serverStreams: true)
    package static let embed = inference("Embed")
    package static let tokenize = inference("Tokenize")
    package static let detokenize = inference("Detokenize")

    package static let listModels = models("ListModels")
    package static let getModel = models("GetModel")
    package static let watchModels = models("WatchModels", serverStreams: true)
    package static let loadModel = models("LoadModel")
    package static let unloadModel = models("UnloadModel")
    package static let setLabel = models("SetLabel")
    package static let getStatistics = models("GetStatistics")
    package static let getServer = models("GetServer")

    package static let loadVersion = rollout("LoadVersion")
    package static let unloadVersion = rollout("UnloadVersion")
    package static let clearQuarantine = rollout("ClearQuarantine")
    package static let setRoute = rollout("SetRoute")
    package static let listRoutes = rollout("ListRoutes")
    package static let planRollout = rollout("PlanRollout")
    package static let startRollout = rollout("StartRollout")
    package static let listRollouts = rollout("ListRollouts")
    package static let watchRollouts = rollout("WatchRollouts", serverStreams: true)
    package static let promoteRollout = rollout("PromoteRollout")
    package static let rollback = rollout("Rollback")
    package static let publishVersion = rollout("PublishVersion", clientStreams: true, serverStreams: true)

    package static let healthCheck = Method("/grpc.health.v1.Health/Check")
    package static let healthWatch = Method("/grpc.health.v1.Health/Watch", serverStreams: true)
    package static let healthList = Method("/grpc.health.v1.Health/List")

    package static let reflect = Method(
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", clientStreams: true, serverStreams: true)
    package static let reflectAlpha = Method(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", clientStreams: true, serverStreams: true)

    private static func inference(_ name: String, clientStreams: Bool = false, serverStreams: Bool = false) -> Method {
        Method("/martlet.v1.InferenceService/\(name)", clientStreams: clientStreams, serverStreams: serverStreams)
    }

    private static func models(_ name: String, serverStreams: Bool = false) -> Method {
        Method("/martlet.v1.ModelService/\(name)", serverStreams: serverStreams)
    }

    private static func rollout(_ name: String, clientStreams: Bool = false, serverStreams: Bool = false) -> Method {
        Method("/martlet.v1.RolloutService/\(name)", clientStreams: clientStreams, serverStreams: serverStreams)
    }
}
