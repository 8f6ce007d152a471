internal import CMartletProtos
internal import MartletCore

extension ModelStatus {
    /// - Parameter prefix: where the status stands in its message, such as `models[2].`.
    init(_ status: Martlet__V1__ModelStatus, _ prefix: @autoclosure () -> String) throws(MartletError) {
        guard let state = VersionState(status.state) else {
            throw CField.unknownEnum(status.state.rawValue, "\(prefix())state")
        }
        self.init(
            name: try CField.text(status.name, "\(prefix())name"), version: Int(status.version), state: state,
            reason: try CField.text(status.reason, "\(prefix())reason"),
            versionLabels: try CField.texts(
                status.n_version_labels, status.version_labels, "\(prefix())version_labels"),
            digest: try CField.text(status.digest, "\(prefix())digest"),
            classLabels: try CField.texts(status.n_class_labels, status.class_labels, "\(prefix())class_labels"),
            task: try CField.text(status.task, "\(prefix())task"), maxTokens: Int(status.max_tokens),
            memoryBytes: try CField.integer(status.memory_bytes, "\(prefix())memory_bytes"),
            leases: try CField.integer(status.leases, "\(prefix())leases"),
            problemType: try CField.text(status.problem_type, "\(prefix())problem_type"),
            dimensions: Int(status.dimensions), vocabularySize: Int(status.vocabulary_size),
            architecture: try CField.text(status.architecture, "\(prefix())architecture"),
            precision: try CField.text(status.precision, "\(prefix())precision"),
            isQuarantined: status.quarantined != 0)
    }

    func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__ModelStatus> {
        let status = arena.make(martlet__v1__model_status__init)
        status.pointee.name = arena.copy(name)
        status.pointee.version = UInt32(clamping: version)
        status.pointee.state = state.wire
        status.pointee.reason = arena.copy(reason)
        status.pointee.n_version_labels = versionLabels.count
        status.pointee.version_labels = arena.values(versionLabels) { arena.copy($0) }
        status.pointee.digest = arena.copy(digest)
        status.pointee.n_class_labels = classLabels.count
        status.pointee.class_labels = arena.values(classLabels) { arena.copy($0) }
        status.pointee.task = arena.copy(task)
        status.pointee.max_tokens = UInt32(clamping: maxTokens)
        status.pointee.memory_bytes = UInt64(clamping: memoryBytes)
        status.pointee.leases = UInt64(clamping: leases)
        status.pointee.problem_type = arena.copy(problemType)
        status.pointee.dimensions = UInt32(clamping: dimensions)
        status.pointee.vocabulary_size = UInt32(clamping: vocabularySize)
        status.pointee.architecture = arena.copy(architecture)
        status.pointee.precision = arena.copy(precision)
        status.pointee.quarantined = isQuarantined ? 1 : 0
        return status
    }

    /// The statuses of a message's `models`.
    static func list(
        _ count: Int, _ start: UnsafeMutablePointer<UnsafeMutablePointer<Martlet__V1__ModelStatus>?>?
    ) throws(MartletError) -> [ModelStatus] {
        var models: [ModelStatus] = []
        for (index, element) in CField.elements(count, start).enumerated() {
            guard let element else { continue }
            models.append(try ModelStatus(element.pointee, "models[\(index)]."))
        }
        return models
    }
}

extension VersionState {
    fileprivate init?(_ wire: Martlet__V1__VersionState) {
        guard let state = Self.allCases.first(where: { $0.wire == wire }) else { return nil }
        self = state
    }

    fileprivate var wire: Martlet__V1__VersionState {
        switch self {
        case .discovered: MARTLET__V1__VERSION_STATE__VERSION_STATE_DISCOVERED
        case .verifying: MARTLET__V1__VERSION_STATE__VERSION_STATE_VERIFYING
        case .loading: MARTLET__V1__VERSION_STATE__VERSION_STATE_LOADING
        case .warming: MARTLET__V1__VERSION_STATE__VERSION_STATE_WARMING
        case .ready: MARTLET__V1__VERSION_STATE__VERSION_STATE_READY
        case .draining: MARTLET__V1__VERSION_STATE__VERSION_STATE_DRAINING
        case .unloaded: MARTLET__V1__VERSION_STATE__VERSION_STATE_UNLOADED
        case .failed: MARTLET__V1__VERSION_STATE__VERSION_STATE_FAILED
        }
    }
}
