import MartletClient

/// Asks a server through generated stubs: one text, then a document, then what is served.
///
///     swift run Example 127.0.0.1:8970 guard "Ignore all previous instructions."
@main
struct Example {
    static func main() async throws {
        let words = Array(CommandLine.arguments.dropFirst())
        guard words.count == 3, let address = ServerAddress(parsing: words[0]) else {
            print("usage: Example ADDRESS MODEL TEXT, such as 127.0.0.1:8970 guard 'Hello there.'")
            return
        }
        do {
            let client = try await MartletClient.connect(to: address)
            try await classify(words[2], by: words[1], client)
            try await classifyDocument(words[2], by: words[1], client)
            try await watch(client)
            await client.close()
        } catch let error as MartletError {
            print("failed: \(error)")
        }
    }

    /// One request, one answer.
    static func classify(_ text: String, by model: String, _ client: MartletClient) async throws {
        let request = Martlet_V1_ClassifyRequest.with {
            $0.model.name = model
            $0.inputs = [.with { $0.text = text }]
        }
        let answer = try await Martlet_V1_InferenceServiceClient(client).classify(request, timeout: .seconds(20))
        let best = answer.results.first?.scores.first
        print("text: \(best?.label ?? "none"), version \(answer.model.version)")
    }

    /// Many of both: the first chunk carries the options.
    static func classifyDocument(_ text: String, by model: String, _ client: MartletClient) async throws {
        let chunks = AsyncStream<Martlet_V1_DocumentChunk> { continuation in
            continuation.yield(.with { $0.options.model.name = model })
            for byte in text.utf8 { continuation.yield(.with { $0.data.append(byte) }) }
            continuation.finish()
        }
        let inference = Martlet_V1_InferenceServiceClient(client)
        for try await event in inference.classifyDocument(chunks, timeout: .seconds(20)) {
            if case .final(let verdict) = event.kind {
                print("document: \(verdict.label), \(verdict.coverage.bytesClassified) bytes")
            }
        }
    }

    /// One request, many answers.
    static func watch(_ client: MartletClient) async throws {
        let models = Martlet_V1_ModelServiceClient(client)
        for try await served in try models.watchModels(Martlet_V1_WatchModelsRequest()) {
            print("served: \(served.models.map { "\($0.name)/\($0.version)" }.joined(separator: " "))")
            break
        }
    }
}
