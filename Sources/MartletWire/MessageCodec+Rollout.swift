internal import CMartletProtos
package import MartletCore

/// The route whose rollout takes its next step at once.
package struct PromoteRolloutRequest: Sendable, Hashable {
    package var model: String
    package var label: String

    package init(model: String, label: String) {
        self.model = model
        self.label = label
    }
}

/// The route whose calls go back to the version that had them before.
package struct RollbackRequest: Sendable, Hashable {
    package var model: String
    package var label: String
    package var reason: String

    package init(model: String, label: String, reason: String) {
        self.model = model
        self.label = label
        self.reason = reason
    }
}

extension MessageCodec {
    package func decodeRolloutSpec(_ bytes: [UInt8]) throws(MartletError) -> RolloutSpec {
        try decode(bytes, as: "RolloutSpec", with: martlet__v1__rollout_spec__unpack) {
            (spec) throws(MartletError) in
            try RolloutSpec(spec, "")
        }
    }

    package func encode(_ spec: RolloutSpec) -> [UInt8] {
        encode { arena in spec.build(in: arena) }
    }

    package func decodeRolloutPlan(_ bytes: [UInt8]) throws(MartletError) -> RolloutPlan {
        try decode(bytes, as: "RolloutPlan", with: martlet__v1__rollout_plan__unpack) {
            (plan) throws(MartletError) in
            try RolloutPlan(plan)
        }
    }

    package func encode(_ plan: RolloutPlan) -> [UInt8] {
        encode { arena in plan.build(in: arena) }
    }

    package func decodeRolloutStatus(_ bytes: [UInt8]) throws(MartletError) -> RolloutStatus {
        try decode(bytes, as: "RolloutStatus", with: martlet__v1__rollout_status__unpack) {
            (status) throws(MartletError) in
            try RolloutStatus(status, "")
        }
    }

    package func encode(_ status: RolloutStatus) -> [UInt8] {
        encode { arena in status.build(in: arena) }
    }

    /// The name asked for; nil for every model.
    package func decodeListRolloutsRequest(_ bytes: [UInt8]) throws(MartletError) -> String? {
        try decode(bytes, as: "ListRolloutsRequest", with: martlet__v1__list_rollouts_request__unpack) {
            (request) throws(MartletError) in
            try CField.optionalText(request.name, "name")
        }
    }

    package func encodeListRolloutsRequest(named name: String?) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__list_rollouts_request__init)
            message.pointee.name = arena.copy(name ?? "")
            return message
        }
    }

    package func decodeListRolloutsResponse(_ bytes: [UInt8]) throws(MartletError) -> [RolloutStatus] {
        try decode(bytes, as: "ListRolloutsResponse", with: martlet__v1__list_rollouts_response__unpack) {
            (response) throws(MartletError) in
            var rollouts: [RolloutStatus] = []
            for (index, element) in CField.elements(response.n_rollouts, response.rollouts).enumerated() {
                guard let element = element?.pointee else { continue }
                rollouts.append(try RolloutStatus(element, "rollouts[\(index)]."))
            }
            return rollouts
        }
    }

    package func encodeListRolloutsResponse(_ rollouts: [RolloutStatus]) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__list_rollouts_response__init)
            message.pointee.n_rollouts = rollouts.count
            message.pointee.rollouts = arena.list(rollouts) { $0.build(in: arena) }
            return message
        }
    }

    package func decodePromoteRolloutRequest(_ bytes: [UInt8]) throws(MartletError) -> PromoteRolloutRequest {
        try decode(bytes, as: "PromoteRolloutRequest", with: martlet__v1__promote_rollout_request__unpack) {
            (request) throws(MartletError) in
            PromoteRolloutRequest(
                model: try CField.text(request.name, "name"),
                label: try CField.optionalText(request.label, "label") ?? "latest")
        }
    }

    package func encode(_ request: PromoteRolloutRequest) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__promote_rollout_request__init)
            message.pointee.name = arena.copy(request.model)
            message.pointee.label = arena.copy(request.label)
            return message
        }
    }

    package func decodeRollbackRequest(_ bytes: [UInt8]) throws(MartletError) -> RollbackRequest {
        try decode(bytes, as: "RollbackRequest", with: martlet__v1__rollback_request__unpack) {
            (request) throws(MartletError) in
            RollbackRequest(
                model: try CField.text(request.name, "name"),
                label: try CField.optionalText(request.label, "label") ?? "latest",
                reason: try CField.text(request.reason, "reason"))
        }
    }

    package func encode(_ request: RollbackRequest) -> [UInt8] {
        encode { arena in
            let message = arena.make(martlet__v1__rollback_request__init)
            message.pointee.name = arena.copy(request.model)
            message.pointee.label = arena.copy(request.label)
            message.pointee.reason = arena.copy(request.reason)
            return message
        }
    }
}
