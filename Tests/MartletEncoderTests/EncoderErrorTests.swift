import MartletCore
import MartletEncoder
import MartletTestSupport
import Testing

@Suite("Encoder errors")
struct EncoderErrorTests {
    private let configuration = EncoderConfiguration(
        hiddenSize: 32, layers: 1, heads: 2, intermediateSize: 48, vocabularySize: 20, maxPositions: 12, tokenTypes: 2,
        layerNormEpsilon: 1e-6, activation: .gelu, labels: 2)

    private func model(_ change: (RandomWeights) -> Void = { _ in }) throws -> EncoderModel {
        let weights = RandomWeights(configuration, precision: .int8, seed: 3)
        change(weights)
        return try EncoderModel(configuration: configuration, tensors: weights, kernels: .best())
    }

    /// The error that loading gives, as code and message.
    private func loadError(_ change: (RandomWeights) -> Void) -> String {
        do {
            _ = try model(change)
            return "loaded"
        } catch {
            return "\(error)"
        }
    }

    @Test(
        "a missing tensor is named",
        arguments: [
            "embeddings.word_embeddings.weight", "embeddings.word_embeddings.weight.scale",
            "embeddings.position_embeddings.weight", "embeddings.LayerNorm.bias",
            "encoder.layer.0.attention.self.qkv.weight", "encoder.layer.0.output.dense.bias",
            "encoder.layer.0.output.dense.weight.scale", "pooler.dense.weight", "classifier.bias",
        ])
    func missing(name: String) {
        let error = loadError { $0.remove(name) }
        #expect(error == "FAILED_PRECONDITION: the weights have no tensor \(name)")
    }

    @Test("a tensor of another shape, type or with a bad value is named")
    func wrong() {
        let bias = "encoder.layer.0.output.dense.bias", scale = "encoder.layer.0.output.dense.weight.scale"
        #expect(
            loadError { $0.replace(bias, shape: [31], with: [Float](repeating: 0, count: 31)) }
                == "FAILED_PRECONDITION: tensor \(bias) has shape [31], not [32]")
        #expect(
            loadError { $0.replace(bias, shape: [32], with: [Float](repeating: 0, count: 30)) }
                == "FAILED_PRECONDITION: tensor \(bias) has 120 bytes for shape [32]")
        for value in [Float.nan, .infinity, -.infinity] {
            #expect(
                loadError { $0.replace(bias, shape: [32], with: [Float](repeating: 0, count: 31) + [value]) }
                    == "FAILED_PRECONDITION: tensor \(bias) holds a value that is not finite")
        }
        for value in [Float(0), -1] {
            #expect(
                loadError { $0.replace(scale, shape: [32], with: [Float](repeating: 1, count: 31) + [value]) }
                    == "FAILED_PRECONDITION: tensor \(scale) holds a scale that is not above zero")
        }
        let weight = "encoder.layer.0.intermediate.dense.weight"
        #expect(
            loadError { $0.replace(weight, shape: [48, 32], with: [Float](repeating: 0, count: 48 * 32)) }
                == "FAILED_PRECONDITION: tensor \(weight) is float32, not int8")
    }

    @Test("a configuration no encoder can have is refused")
    func badConfiguration() {
        let changes: [(inout EncoderConfiguration) -> Void] = [
            { $0.heads = 3 }, { $0.heads = 0 }, { $0.hiddenSize = 0 }, { $0.hiddenSize = -32 }, { $0.layers = 0 },
            { $0.intermediateSize = 1 << 40 }, { $0.layerNormEpsilon = 0 }, { $0.layerNormEpsilon = .nan },
            { $0.vocabularySize = .max }, { $0.labels = -1 }, { $0.maxPositions = 0 }, { $0.tokenTypes = 0 },
        ]
        let weights = RandomWeights(configuration, precision: .int8, seed: 3)
        for change in changes {
            var wrong = configuration
            change(&wrong)
            #expect(throws: MartletError.self) {
                try EncoderModel(configuration: wrong, tensors: weights, kernels: .best())
            }
        }
    }

    @Test("an empty batch, an empty or long sequence and ids outside their tables are refused, and logits left alone")
    func badBatches() throws {
        let model = try model()
        let scratch = try model.scratch(rowsMax: 1)
        func error(_ sequences: [[Int32]], types: [Int32] = []) -> String {
            var batch = PackedBatch()
            for ids in sequences { batch.append(ids: ids, typeIDs: types) }
            var logits: [Float] = [42]
            defer { #expect(logits == [42]) }
            do {
                try model.run(batch, scratch: scratch, results: &logits)
                return "ran"
            } catch {
                return error.message
            }
        }
        #expect(error([]) == "the batch holds no sequence")
        #expect(error([[1], []]) == "sequence 1 has 0 tokens; the model reads 1 to 12")
        #expect(error([[Int32](repeating: 1, count: 13)]) == "sequence 0 has 13 tokens; the model reads 1 to 12")
        #expect(error([[1, 20]]) == "token id 20 at row 1 is outside the vocabulary of 20")
        #expect(error([[1, -1]]) == "token id -1 at row 1 is outside the vocabulary of 20")
        #expect(error([[1, 2]], types: [0, 2]) == "token type 2 at row 1 is outside the 2 of the model")
    }

    @Test("a cancelled run stops between layers and leaves the logits alone")
    func cancelled() throws {
        let model = try model()
        let scratch = try model.scratch(rowsMax: 64)
        var batch = PackedBatch()
        batch.append(ids: [1, 2, 3])
        var logits: [Float] = []
        #expect(throws: MartletError.self) {
            try model.run(batch, scratch: scratch, isCancelled: { true }, results: &logits)
        }
        #expect(logits.isEmpty)
        // The scratch is good for the next run.
        try model.run(batch, scratch: scratch, results: &logits)
        #expect(logits.count == 2)
    }

    @Test("calibration sees the input of every linear layer")
    func observer() throws {
        let weights = RandomWeights(configuration, precision: .float32, seed: 3)
        let model = try EncoderModel(configuration: configuration, tensors: weights, kernels: .best())
        #expect(model.precision == .float32)
        var batch = PackedBatch()
        batch.append(ids: [1, 2, 3, 4])
        let recorder = RowRecorder()
        var results: [Float] = []
        let scratch = try model.scratch(rowsMax: 64)
        try model.run(batch, output: .meanEmbedding, scratch: scratch, observer: recorder, results: &results)
        for (site, channels) in [
            (LinearSite.qkv(layer: 0), 32), (.attentionOutput(layer: 0), 32), (.intermediate(layer: 0), 32),
            (.output(layer: 0), 48),
        ] {
            let rows = recorder.rows[site] ?? []
            #expect(rows.count == 4)
            #expect(rows.allSatisfy { $0.count == channels && $0.allSatisfy(\.isFinite) && $0.contains { $0 != 0 } })
        }
        #expect(LinearSite.all(layers: 1).count == recorder.rows.count)
    }
}

private final class RowRecorder: ActivationObserver {
    private(set) var rows: [LinearSite: [[Float]]] = [:]

    func observe(_ site: LinearSite, _ seen: ActivationRows) {
        rows[site, default: []] += (0..<seen.rows).map { Array(seen[row: $0]) }
    }
}
