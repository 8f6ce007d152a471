internal import MartletCore

/// What a route must be before anybody looks at versions. Messages name the field, the limit and the value.
enum RouteCheck {
    static let weightMax = 1_000_000
    static let stickyKeyBytesMax = 128

    static func check(_ route: ModelRoute) throws(MartletError) {
        guard (1...ModelRoute.targetsMax).contains(route.targets.count) else {
            throw MartletError(
                .invalidArgument, "targets has \(route.targets.count) entries; a route has 1 to "
                    + "\(ModelRoute.targetsMax)")
        }
        var seen: Set<Int> = []
        for (place, target) in route.targets.enumerated() {
            guard target.version >= 1 else {
                throw MartletError(
                    .invalidArgument, "targets[\(place)].version is \(target.version); versions are positive")
            }
            guard seen.insert(target.version).inserted else {
                throw MartletError(
                    .invalidArgument,
                    "targets[\(place)].version is \(target.version) a second time; give it one weight")
            }
            guard (1...weightMax).contains(target.weight) else {
                throw MartletError(
                    .invalidArgument, "targets[\(place)].weight is \(target.weight), not 1 to \(weightMax)")
            }
        }
        if let problem = problem(ofStickyKey: route.stickyKey) { throw MartletError(.invalidArgument, problem) }
        if let shadow = route.shadow {
            guard shadow.version >= 1 else {
                throw MartletError(
                    .invalidArgument, "shadow.version is \(shadow.version); versions are positive")
            }
            guard shadow.percent > 0, shadow.percent <= 100 else {
                throw MartletError(
                    .invalidArgument, "shadow.percent is \(shadow.percent), not above 0 up to 100")
            }
        }
    }

    static func check(label: String) throws(MartletError) {
        guard VersionID.isValidModelName(label) else {
            throw MartletError(
                .invalidArgument, "a label is 1 to 128 of A-Z a-z 0-9 . _ -, the first a letter or a digit")
        }
    }

    /// Nil for a name that metadata entries and HTTP headers may have, in lower case, and for none.
    static func problem(ofStickyKey key: String) -> String? {
        let bytes = key.utf8
        guard bytes.count <= stickyKeyBytesMax else {
            return "sticky_key has \(bytes.count) bytes; \(stickyKeyBytesMax) is the most"
        }
        let isToken = bytes.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) || "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
        return isToken ? nil : "sticky_key must be the name of a metadata entry in lower case, such as x-user-id"
    }
}
