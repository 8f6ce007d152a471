internal import CMartletProtos
package import MartletCore

/// Replaces the route of a label.
package struct SetRouteRequest: Sendable, Hashable {
    package var model: String
    package var label: String
    /// Nil takes the route away.
    package var route: ModelRoute?

    package init(model: String, label: String, route: ModelRoute?) {
        self.model = model
        self.label = label
        self.route = route
    }
}

extension MessageCodec {
    package func decodeSetRouteRequest(_ bytes: [UInt8]) throws(MartletError) -> SetRouteRequest {
        try decode(bytes, as: "SetRouteRequest", with: martlet__v1__set_route_request__unpack) {
            (request) throws(MartletError) in
            var route: ModelRoute?
            if let given = request.route?.pointee { route = try ModelRoute(given, "route.") }
            return SetRouteRequest(
                model: try CField.text(request.name, "name"), label: try CField.text(request.label, "label"),
                route: route)
        }
    }

    package func encode(_ request: SetRouteRequest) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__set_route_request__init)
            message.pointee.name = arena.copy(request.model)
            message.pointee.label = arena.copy(request.label)
            message.pointee.route = request.route?.build(in: arena)
            return message
        }
    }

    package func decodeSetRouteResponse(_ bytes: [UInt8]) throws(MartletError) {
        try decode(bytes, as: "SetRouteResponse", with: martlet__v1__set_route_response__unpack) { _ in }
    }

    package func encodeSetRouteResponse() -> [UInt8] {
        encode { arena in arena.make(martlet__v1__set_route_response__init) }
    }

    /// The name asked for; nil for every model.
    package func decodeListRoutesRequest(_ bytes: [UInt8]) throws(MartletError) -> String? {
        try decode(bytes, as: "ListRoutesRequest", with: martlet__v1__list_routes_request__unpack) {
            (request) throws(MartletError) in
            try CField.optionalText(request.name, "name")
        }
    }

    package func encodeListRoutesRequest(named name: String?) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__list_routes_request__init)
            message.pointee.name = arena.copy(name ?? "")
            return message
        }
    }

    package func decodeListRoutesResponse(_ bytes: [UInt8]) throws(MartletError) -> [RouteStatus] {
        try decode(bytes, as: "ListRoutesResponse", with: martlet__v1__list_routes_response__unpack) {
            (response) throws(MartletError) in
            var routes: [RouteStatus] = []
            for (index, element) in CField.elements(response.n_routes, response.routes).enumerated() {
                guard let element = element?.pointee else { continue }
                routes.append(try RouteStatus(element, "routes[\(index)]."))
            }
            return routes
        }
    }

    package func encodeListRoutesResponse(_ routes: [RouteStatus]) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__list_routes_response__init)
            message.pointee.n_routes = routes.count
            message.pointee.routes = arena.list(routes) { $0.build(in: arena) }
            return message
        }
    }
}
