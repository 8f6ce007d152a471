internal import MartletCore

/// Finds the route of a request: literal segments come before parameters.
package struct HTTPRouter: Sendable {
    private var root = Node()
    /// Paths without parameters, as they stand in most requests.
    private var plain: [String: [String: HTTPRoute]] = [:]

    private struct Node: Sendable {
        var literals: [String: Node] = [:]
        var parameter: [Node] = []
        /// By method.
        var routes: [String: HTTPRoute] = [:]
    }

    package struct Match: Sendable {
        package let route: HTTPRoute
        /// By the names in the route's pattern.
        package let parameters: [String: String]
    }

    package enum Outcome: Sendable {
        case found(Match)
        case noPath
        /// The path is there for other methods, sorted.
        case noMethod(allowed: [String])
    }

    package init(_ routes: [HTTPRoute]) {
        for route in routes {
            let segments = Self.segments(route.pattern)
            Self.insert(route, segments[...], into: &root)
            if !segments.contains(where: { Self.parameterName($0) != nil }) {
                plain[route.pattern, default: [:]][route.method] = route
            }
        }
    }

    package func find(_ method: String, _ target: HTTPTarget) -> Outcome {
        let routes: [String: HTTPRoute]
        var values: [String] = []
        if let found = plain[target.rawPath] {
            if let route = found[method] { return .found(Match(route: route, parameters: [:])) }
            routes = found
        } else if let found = Self.find(target.segments[...], in: root, &values) {
            routes = found.routes
        } else {
            return .noPath
        }
        // HEAD is GET without the answer's body.
        guard let route = routes[method] ?? (method == "HEAD" ? routes["GET"] : nil) else {
            return .noMethod(allowed: Self.allowed(routes))
        }
        let names = Self.segments(route.pattern).compactMap { Self.parameterName($0) }
        return .found(Match(route: route, parameters: Dictionary(zip(names, values)) { first, _ in first }))
    }

    /// Every method that a path answers, those that need no route among them.
    private static func allowed(_ routes: [String: HTTPRoute]) -> [String] {
        var methods = Set(routes.keys).union(["OPTIONS"])
        if methods.contains("GET") { methods.insert("HEAD") }
        return methods.sorted()
    }

    static func segments(_ pattern: String) -> [String] {
        pattern.split(separator: "/").map(String.init)
    }

    /// `model` of `{model}`; nil for a literal.
    static func parameterName(_ segment: String) -> String? {
        segment.hasPrefix("{") && segment.hasSuffix("}") ? String(segment.dropFirst().dropLast()) : nil
    }

    private static func insert(_ route: HTTPRoute, _ segments: ArraySlice<String>, into node: inout Node) {
        guard let first = segments.first else {
            precondition(node.routes[route.method] == nil, "\(route.method) \(route.pattern) is a route twice")
            node.routes[route.method] = route
            return
        }
        if parameterName(first) == nil {
            insert(route, segments.dropFirst(), into: &node.literals[first, default: Node()])
        } else {
            if node.parameter.isEmpty { node.parameter = [Node()] }
            insert(route, segments.dropFirst(), into: &node.parameter[0])
        }
    }

    private static func find(_ segments: ArraySlice<String>, in node: Node, _ values: inout [String]) -> Node? {
        guard let first = segments.first else { return node.routes.isEmpty ? nil : node }
        if let next = node.literals[first], let found = find(segments.dropFirst(), in: next, &values) { return found }
        guard let next = node.parameter.first, !first.isEmpty else { return nil }
        let count = values.count
        values.append(first)
        if let found = find(segments.dropFirst(), in: next, &values) { return found }
        values.removeSubrange(count...)
        return nil
    }
}
