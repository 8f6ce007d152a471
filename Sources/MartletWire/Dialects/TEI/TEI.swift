package import MartletCore

/// Messages of Text Embeddings Inference, as its gRPC and its REST form share them
/// (huggingface/text-embeddings-inference: proto/tei.proto, docs/openapi.json).
package enum TEI {
    /// How a text is embedded; the fields of `EmbedRequest` and `EmbedAllRequest` beside the text.
    package struct EmbedOptions: Sendable, Hashable {
        package var overflow: OverflowPolicy
        package var normalize: Bool
        /// 0: all.
        package var dimensions: Int
        package var promptName: String?

        package init(
            overflow: OverflowPolicy = .error, normalize: Bool = true, dimensions: Int = 0, promptName: String? = nil
        ) {
            self.overflow = overflow
            self.normalize = normalize
            self.dimensions = dimensions
            self.promptName = promptName
        }
    }

    package struct PredictOptions: Sendable, Hashable {
        package var overflow: OverflowPolicy
        /// Logits instead of scores.
        package var rawScores: Bool

        package init(overflow: OverflowPolicy = .error, rawScores: Bool = false) {
            self.overflow = overflow
            self.rawScores = rawScores
        }
    }

    package struct RerankRequest: Sendable, Hashable {
        package var query: String
        package var texts: [String]
        package var options: PredictOptions
        package var returnText: Bool

        package init(
            query: String, texts: [String], options: PredictOptions = PredictOptions(), returnText: Bool = false
        ) {
            self.query = query
            self.texts = texts
            self.options = options
            self.returnText = returnText
        }
    }

    /// What answering took.
    package struct Metadata: Sendable, Hashable {
        /// Characters of the texts.
        package var characters: Int
        /// Tokens read, special tokens included.
        package var tokens: Int
        package var timing: CallTiming

        package init(characters: Int, tokens: Int, timing: CallTiming) {
            self.characters = characters
            self.tokens = tokens
            self.timing = timing
        }
    }

    package struct Prediction: Sendable, Hashable {
        package var score: Float
        package var label: String

        package init(score: Float, label: String) {
            self.score = score
            self.label = label
        }
    }

    package struct Rank: Sendable, Hashable {
        /// Place in the request's texts.
        package var index: Int
        /// The text itself, where it was asked for.
        package var text: String?
        package var score: Float

        package init(index: Int, text: String?, score: Float) {
            self.index = index
            self.text = text
            self.score = score
        }
    }

    /// A token as TEI shows it: `text` is the piece of the input that it stands for.
    package struct SimpleToken: Sendable, Hashable {
        package var id: Int
        package var text: String
        package var special: Bool
        /// Bytes of the input; nil for a special token.
        package var range: Range<Int>?

        package init(id: Int, text: String, special: Bool, range: Range<Int>?) {
            self.id = id
            self.text = text
            self.special = special
            self.range = range
        }
    }

    package enum ModelType: Sendable, Hashable {
        case embedding, classifier, reranker
    }

    package struct Info: Sendable, Hashable {
        package var version: String
        package var modelID: String
        /// SHA-256 of the version's manifest.
        package var modelSHA: String
        package var modelDatatype: String
        package var modelType: ModelType
        /// In class order; of a classifier and a reranker.
        package var classLabels: [String]
        package var concurrentRequestsMax: Int
        package var inputTokensMax: Int
        package var batchTokensMax: Int
        package var clientBatchMax: Int
        package var tokenizationWorkers: Int

        package init(
            version: String, modelID: String, modelSHA: String, modelDatatype: String, modelType: ModelType,
            classLabels: [String], concurrentRequestsMax: Int, inputTokensMax: Int, batchTokensMax: Int,
            clientBatchMax: Int, tokenizationWorkers: Int
        ) {
            self.version = version
            self.modelID = modelID
            self.modelSHA = modelSHA
            self.modelDatatype = modelDatatype
            self.modelType = modelType
            self.classLabels = classLabels
            self.concurrentRequestsMax = concurrentRequestsMax
            self.inputTokensMax = inputTokensMax
            self.batchTokensMax = batchTokensMax
            self.clientBatchMax = clientBatchMax
            self.tokenizationWorkers = tokenizationWorkers
        }
    }
}
