import MartletCore
import MartletWire
import Testing

import MartletTransport

@Suite struct OpenAPIDocumentTests {
    private let contract = ServerContract(
        handler: FakeHandler(), rollouts: FakeRollouts(), limits: Limits(), software: "martlet/1.2.3",
        defaultModel: nil, drain: DrainSignal())

    @Test func `the document and the route table are the same set`() async throws {
        let document = try await document()
        #expect(document["openapi"] == "3.1.0")
        #expect(document["info"]?["version"] == "1.2.3")
        guard case .object(let paths)? = document["paths"] else { throw MartletError(.notFound, "no paths") }
        var described: Set<String> = []
        for path in paths {
            guard case .object(let operations) = path.value else { continue }
            for operation in operations { described.insert("\(operation.name.uppercased()) \(path.name)") }
        }
        #expect(described == Set(contract.routes.map { "\($0.method) \($0.pattern)" }))
        #expect(contract.routes.count == described.count)
    }

    @Test func `every reference leads somewhere, and every operation has its own name`() async throws {
        let document = try await document()
        var open = [document]
        var names: Set<String> = []
        while let value = open.popLast() {
            switch value {
            case .object(let members):
                for member in members {
                    if member.name == "$ref", case .string(let text) = member.value {
                        let name = String(text.dropFirst("#/components/schemas/".count))
                        #expect(document["components"]?["schemas"]?[name] != nil, "\(text)")
                    }
                    if member.name == "operationId", case .string(let text) = member.value {
                        #expect(names.insert(text).inserted, "\(text)")
                    }
                    open.append(member.value)
                }
            case .array(let elements): open += elements
            default: break
            }
        }
        #expect(names.count == contract.routes.count)
    }

    @Test func `requests have their bounds: lists, names, and members that exclude one another`() async throws {
        let schemas = try #require(try await document()["components"]?["schemas"])
        let inputs = schemas["martlet.v1.ClassifyRequest"]?["properties"]?["inputs"]
        #expect(inputs?["minItems"] == 1 && inputs?["maxItems"] == 256 && inputs?["type"] == "array")
        let reference = schemas["martlet.v1.ModelReference"]
        #expect(reference?["required"] == ["name"])
        #expect(schemas["martlet.v1.ClassifyRequest"]?["required"] == ["inputs"])
        #expect(reference?["allOf"] == [["not": ["required": ["version", "label"]]]])
    }

    @Test func `every call of martlet.v1 has a JSON line`() {
        let lines = Set(JSONRoutes.lines.map(\.call.path))
        let calls = contract.calls.all.map(\.method).filter { $0.service.hasPrefix("martlet.v1.") }
        #expect(Set(calls.map(\.path)) == lines)
    }

    private func document() async throws -> JSONValue {
        let route = try #require(contract.routes.first { $0.pattern == "/openapi.json" })
        let exchange = HTTPExchange(
            method: "GET", path: "/openapi.json", parameters: [:], query: [], headers: CallMetadata(), body: NoBody(),
            context: CallContext())
        guard case .bytes(let bytes) = try await route.run(exchange).body else {
            throw MartletError(.notFound, "no bytes")
        }
        return try JSONValue(parsing: bytes)
    }
}

private struct NoBody: HTTPBody {
    func next() async throws(MartletError) -> [UInt8]? { nil }
}
