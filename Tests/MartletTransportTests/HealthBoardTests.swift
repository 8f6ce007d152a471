import MartletCore
import MartletWire
import Testing

import MartletTransport

@Suite("What health checks are answered")
struct HealthBoardTests {
    static let models = [
        ModelStatus(name: "guard", version: 1, state: .draining),
        ModelStatus(name: "guard", version: 2, state: .ready, versionLabels: ["latest", "stable"]),
        ModelStatus(name: "guard", version: 3, state: .failed, versionLabels: ["canary"]),
        ModelStatus(name: "topics", version: 7, state: .loading),
    ]

    static func board(isDraining: Bool = false) -> HealthBoard {
        HealthBoard(services: ["a.B", "grpc.health.v1.Health"], models: models, isDraining: isDraining)
    }

    @Test(
        "follows the state of what the name leads to",
        arguments: [
            ("", HealthStatus.serving), ("a.B", .serving), ("a.b", nil), ("B", nil), ("model/guard", .serving),
            ("model/guard@1", .notServing), ("model/guard@2", .serving), ("model/guard@3", .notServing),
            ("model/guard@4", nil), ("model/guard:stable", .serving), ("model/guard:canary", .notServing),
            ("model/guard:none", nil), ("model/topics", .notServing), ("model/absent", nil), ("model/", nil),
            ("model/guard@x", nil), ("guard", nil), ("model/guard ", nil),
        ])
    func status(name: String, expected: HealthStatus?) {
        #expect(Self.board().status(of: name) == expected)
    }

    @Test(
        "is NOT_SERVING for every known name once the server drains",
        arguments: ["", "a.B", "model/guard", "model/guard@2"])
    func draining(name: String) {
        #expect(Self.board(isDraining: true).status(of: name) == .notServing)
        #expect(Self.board(isDraining: true).status(of: "absent") == nil)
    }

    @Test("lists every name once")
    func list() {
        let all = Self.board().all
        #expect(
            all.map(\.name) == [
                "", "a.B", "grpc.health.v1.Health", "model/guard", "model/guard@1", "model/guard@2",
                "model/guard:latest",
                "model/guard:stable", "model/guard@3", "model/guard:canary", "model/topics", "model/topics@7",
            ])
        for (name, status) in all { #expect(Self.board().status(of: name) == status) }
    }
}
