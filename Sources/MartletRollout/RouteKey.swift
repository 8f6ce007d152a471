/// Names a route: a label of a model.
struct RouteKey: Hashable, Sendable, Comparable, CustomStringConvertible {
    let model: String
    /// `latest` for calls that name the model alone.
    let label: String

    var description: String { "\(model):\(label)" }

    static func < (left: RouteKey, right: RouteKey) -> Bool { (left.model, left.label) < (right.model, right.label) }
}
