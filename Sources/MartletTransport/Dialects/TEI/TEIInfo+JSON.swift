internal import MartletCore
internal import MartletWire

extension TEI.Info {
    var json: JSONValue {
        [
            "model_id": .string(modelID), "model_sha": .string(modelSHA), "model_dtype": .string(modelDatatype),
            "model_type": typeJSON, "max_concurrent_requests": .integer(concurrentRequestsMax),
            "max_input_length": .integer(inputTokensMax), "max_batch_tokens": .integer(batchTokensMax),
            "max_batch_requests": .null, "max_client_batch_size": .integer(clientBatchMax), "auto_truncate": true,
            "tokenization_workers": .integer(tokenizationWorkers), "version": .string(version), "sha": .null,
            "docker_label": .null,
        ]
    }

    private var typeJSON: JSONValue {
        let labels: JSONValue = [
            "id2label": .object(classLabels.enumerated().map { .init(String($0), .string($1)) }),
            "label2id": .object(labelIndices),
        ]
        return switch modelType {
        case .embedding: ["embedding": [:]]
        case .classifier: ["classifier": labels]
        case .reranker: ["reranker": labels]
        }
    }

    /// Of a label that stands for two classes the first: an object has no name twice.
    private var labelIndices: [JSONValue.Member] {
        var members: [JSONValue.Member] = []
        var seen: Set<String> = []
        for (index, label) in classLabels.enumerated() where seen.insert(label).inserted {
            members.append(.init(label, .integer(index)))
        }
        return members
    }
}
