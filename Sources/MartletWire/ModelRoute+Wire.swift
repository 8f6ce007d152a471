internal import CMartletProtos
internal import MartletCore

extension ModelRoute {
    /// - Parameter prefix: where the route stands in its message, such as `routes[2].route.`.
    init(_ route: Martlet__V1__ModelRoute, _ prefix: @autoclosure () -> String) throws(MartletError) {
        let elements = CField.elements(route.n_targets, route.targets)
        guard elements.count <= Self.targetsMax else {
            throw MartletError(
                .invalidArgument,
                "\(prefix())targets has \(elements.count) elements, above the limit of \(Self.targetsMax)")
        }
        let targets = elements.compactMap { $0?.pointee }.map {
            Target(version: Int($0.version), weight: Int($0.weight))
        }
        var shadow: Shadow?
        if let given = route.shadow?.pointee {
            shadow = Shadow(
                version: Int(given.version),
                percent: try CField.number(given.percent, in: 0...100, "\(prefix())shadow.percent"))
        }
        self.init(
            targets: targets, stickyKey: try CField.text(route.sticky_key, "\(prefix())sticky_key"), shadow: shadow)
    }

    func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__ModelRoute> {
        let route = arena.make(martlet__v1__model_route__init)
        route.pointee.n_targets = targets.count
        route.pointee.targets = arena.list(targets) { target in
            let element = arena.make(martlet__v1__route_target__init)
            element.pointee.version = UInt32(clamping: target.version)
            element.pointee.weight = UInt32(clamping: target.weight)
            return element
        }
        route.pointee.sticky_key = arena.copy(stickyKey)
        if let shadow {
            let given = arena.make(martlet__v1__route_shadow__init)
            given.pointee.version = UInt32(clamping: shadow.version)
            given.pointee.percent = shadow.percent
            route.pointee.shadow = given
        }
        return route
    }
}

extension RouteStatus {
    /// - Parameter prefix: where the status stands in its message, such as `routes[2].`.
    init(_ status: Martlet__V1__RouteStatus, _ prefix: @autoclosure () -> String) throws(MartletError) {
        guard let route = status.route?.pointee else {
            throw MartletError(.invalidArgument, "\(prefix())route is missing")
        }
        var comparison: ShadowComparison?
        if let given = status.comparison?.pointee {
            comparison = try ShadowComparison(given, "\(prefix())comparison.")
        }
        self.init(
            name: try CField.text(status.name, "\(prefix())name"),
            label: try CField.text(status.label, "\(prefix())label"),
            route: try ModelRoute(route, "\(prefix())route."), comparison: comparison)
    }

    func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__RouteStatus> {
        let status = arena.make(martlet__v1__route_status__init)
        status.pointee.name = arena.copy(name)
        status.pointee.label = arena.copy(label)
        status.pointee.route = route.build(in: arena)
        status.pointee.comparison = comparison?.build(in: arena)
        return status
    }
}

extension ShadowComparison {
    /// Counts in other buckets than ours say nothing here: `drift` is empty then.
    fileprivate init(
        _ comparison: Martlet__V1__ShadowComparison, _ prefix: @autoclosure () -> String
    ) throws(MartletError) {
        func count(_ value: UInt64, _ name: StaticString) throws(MartletError) -> Int {
            try CField.integer(value, "\(prefix())\(name)")
        }
        func duration(_ value: UInt64, _ name: StaticString) throws(MartletError) -> Duration {
            try CField.microseconds(value, "\(prefix())\(name)")
        }
        var drift: [Int] = []
        let counts = CField.scalars(comparison.n_drift, comparison.drift)
        if CField.scalars(comparison.n_drift_bounds, comparison.drift_bounds) == Self.driftBounds,
            counts.count == Self.driftBounds.count + 1
        {
            for (index, value) in counts.enumerated() {
                drift.append(try CField.integer(value, "\(prefix())drift[\(index)]"))
            }
        }
        self.init(
            version: Int(comparison.version), texts: try count(comparison.texts, "texts"),
            agreed: try count(comparison.agreed, "agreed"), failures: try count(comparison.failures, "failures"),
            skipped: try count(comparison.skipped, "skipped"), drift: drift,
            driftMax: try CField.number(
                comparison.drift_max, in: 0...Double.greatestFiniteMagnitude, "\(prefix())drift_max"),
            callerP50: try duration(comparison.caller_p50_us, "caller_p50_us"),
            callerP99: try duration(comparison.caller_p99_us, "caller_p99_us"),
            shadowP50: try duration(comparison.shadow_p50_us, "shadow_p50_us"),
            shadowP99: try duration(comparison.shadow_p99_us, "shadow_p99_us"))
    }

    fileprivate func build(in arena: Arena) -> UnsafeMutablePointer<Martlet__V1__ShadowComparison> {
        let comparison = arena.make(martlet__v1__shadow_comparison__init)
        comparison.pointee.version = UInt32(clamping: version)
        comparison.pointee.texts = UInt64(clamping: texts)
        comparison.pointee.agreed = UInt64(clamping: agreed)
        comparison.pointee.failures = UInt64(clamping: failures)
        comparison.pointee.skipped = UInt64(clamping: skipped)
        comparison.pointee.n_drift_bounds = Self.driftBounds.count
        comparison.pointee.drift_bounds = arena.values(Self.driftBounds) { $0 }
        comparison.pointee.n_drift = drift.count
        comparison.pointee.drift = arena.values(drift) { UInt64(clamping: $0) }
        comparison.pointee.drift_max = driftMax
        comparison.pointee.caller_p50_us = callerP50.wholeMicroseconds
        comparison.pointee.caller_p99_us = callerP99.wholeMicroseconds
        comparison.pointee.shadow_p50_us = shadowP50.wholeMicroseconds
        comparison.pointee.shadow_p99_us = shadowP99.wholeMicroseconds
        return comparison
    }
}
