internal import MartletCore
package import MartletWire

/// `grpc.reflection.v1.ServerReflection`, and the same as `v1alpha`, which older tools ask for.
package struct ReflectionCalls: Sendable {
    let codec: MessageCodec
    let schema: Schema
    /// Full names of the services that are answered, sorted.
    let services: [String]

    package init(codec: MessageCodec, services: [String], schema: Schema = .embedded) {
        self.codec = codec
        self.schema = schema
        self.services = services
    }

    package var calls: [Call] {
        [Method.reflect, .reflectAlpha].map { method in
            .stream(method) { (requests, answers, _) throws(MartletError) in
                while let request = try await requests.nextMessage() {
                    let answer = answer(to: try codec.decodeReflectionRequest(request))
                    try await answers.send(message: try codec.encode(answer, to: request))
                }
            }
        }
    }

    package func answer(to request: ReflectionRequest) -> ReflectionAnswer {
        switch request {
        case .services: .services(services)
        case .file(let name): files(schema.file(named: name), "no file has that name")
        case .fileContaining(let symbol): files(schema.file(defining: symbol), "no file defines that symbol")
        case .fileExtending, .extensionNumbers: Self.missing("no extension is defined here")
        case .unknown:
            .failure(
                code: MartletError.Code.invalidArgument.value, message: "the request names nothing this server knows")
        }
    }

    /// The file and all that it imports, so that one question is enough.
    private func files(_ file: SchemaFile?, _ absence: String) -> ReflectionAnswer {
        guard let file else { return Self.missing(absence) }
        return .files(schema.closure(of: file).map(\.bytes))
    }

    private static func missing(_ absence: String) -> ReflectionAnswer {
        .failure(code: MartletError.Code.notFound.value, message: absence)
    }
}
