package import MartletCore
package import MartletWire

/// What health checks are answered, as a function of what is known.
///
/// Names: empty for the server, the full name of each service, and `model/` before a model as it is named everywhere:
/// `model/guard`, `model/guard@3`, `model/guard:stable`. A model is serving when a version that the
/// name leads to is ready.
package struct HealthBoard {
    let services: [String]
    let models: [ModelStatus]
    /// The server takes no further calls.
    let isDraining: Bool

    private static let modelPrefix = "model/"

    package init(services: [String], models: [ModelStatus], isDraining: Bool) {
        self.services = services
        self.models = models
        self.isDraining = isDraining
    }

    /// Nil for a name that is not known.
    package func status(of name: String) -> HealthStatus? {
        let isServing: Bool
        if name.isEmpty || services.contains(name) {
            isServing = true
        } else if let versions = versions(named: name) {
            guard !versions.isEmpty else { return nil }
            isServing = versions.contains { $0.state == .ready }
        } else {
            return nil
        }
        return isServing && !isDraining ? .serving : .notServing
    }

    /// Every name there is; sorted within its kind.
    var names: [String] {
        var names = [""] + services.sorted()
        var last = ""
        for model in models {
            let name = Self.modelPrefix + model.name
            if name != last { names.append(name) }
            last = name
            names.append("\(name)@\(model.version)")
            names += model.versionLabels.sorted().map { "\(name):\($0)" }
        }
        return names
    }

    /// Every name with its status, in the same order. Looks at every model for each: see to the number of names first.
    package var all: [(name: String, status: HealthStatus)] {
        names.compactMap { name in status(of: name).map { (name, $0) } }
    }

    /// The model that a name is about; nil when it is about none.
    static func model(of name: String) -> ModelReference? {
        guard name.hasPrefix(modelPrefix) else { return nil }
        return ModelReference(parsing: String(name.dropFirst(modelPrefix.count)))
    }

    /// Empty when there is none; nil for a name that is about no model.
    private func versions(named name: String) -> [ModelStatus]? {
        guard let reference = Self.model(of: name) else { return nil }
        return models.filter { status in
            guard status.name == reference.name else { return false }
            return switch reference.selector {
            case .latest: true
            case .version(let number): status.version == number
            case .label(let label): status.versionLabels.contains(label)
            }
        }
    }
}
