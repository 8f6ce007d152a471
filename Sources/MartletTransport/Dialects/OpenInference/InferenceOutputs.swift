internal import MartletCore
internal import MartletWire

/// The outputs that a model has, and the ones that a request wants.
struct InferenceOutputs: Sendable {
    enum Name: String, CaseIterable {
        /// The best label of each text, BYTES [n].
        case label
        /// Its score, FP32 [n].
        case score
        /// Every label in class order, the same for each text, BYTES [n, k].
        case labels
        /// Every score in class order, FP32 [n, k].
        case scores
        /// FP32 [n, k], before softmax or sigmoid.
        case logits
        /// FP32 [n, d].
        case embedding

        var isOfEmbedding: Bool { self == .embedding }
    }

    struct Wanted: Sendable {
        let name: Name
        /// The classification extension: so many best classes as texts `score:index:label`, instead of numbers.
        let classes: Int?
        /// Triton's `binary_data`; nil where the request's own setting holds.
        let isBinary: Bool?
    }

    let wanted: [Wanted]
    /// False where the usual outputs were taken because none was named.
    let areNamed: Bool

    /// - Throws: `.invalidArgument` for an output that the model has not, or a parameter that makes no sense there.
    init(_ requested: [OpenInference.RequestedOutput], givesEmbeddings: Bool) throws(MartletError) {
        let names = Self.names(givesEmbeddings: givesEmbeddings)
        guard !requested.isEmpty else {
            // The class labels are the same in every answer, so they come when somebody asks.
            wanted = names.filter { $0 != .labels }.map { Wanted(name: $0, classes: nil, isBinary: nil) }
            areNamed = false
            return
        }
        var wanted: [Wanted] = []
        for (index, output) in requested.enumerated() {
            let place = "outputs[\(index)]"
            guard let name = Name(rawValue: output.name), names.contains(name) else {
                throw MartletError(
                    .invalidArgument,
                    "\(place).name is no output of this model; it has \(names.map(\.rawValue).joined(separator: ", "))"
                )
            }
            guard !wanted.contains(where: { $0.name == name }) else {
                throw MartletError(.invalidArgument, "\(place).name is asked for twice: \(name.rawValue)")
            }
            let classes = try InferenceParameters.classes(output.parameters, place)
            guard classes == nil || name == .scores || name == .logits else {
                throw MartletError(
                    .invalidArgument, "\(place).parameters.classification belongs to the outputs scores and logits")
            }
            wanted.append(
                Wanted(
                    name: name, classes: classes, isBinary: try InferenceParameters.isBinary(output.parameters, place))
            )
        }
        self.wanted = wanted
        areNamed = true
    }

    static func names(givesEmbeddings: Bool) -> [Name] {
        Name.allCases.filter { $0.isOfEmbedding == givesEmbeddings }
    }

    var wantsLogits: Bool { wanted.contains { $0.name == .logits } }

    /// The wanted outputs of classified texts.
    func tensors(of results: [TextResult]) throws(MartletError) -> [OpenInference.Output] {
        let rows = results.count
        let classes = results.first?.scores.count ?? 0
        var outputs: [OpenInference.Output] = []
        for output in wanted {
            switch output.name {
            case .label:
                let labels = results.map { $0.scores.first?.label ?? "" }
                outputs.append(OpenInference.Output(name: "label", shape: [rows], elements: .texts(labels)))
            case .score:
                let scores = results.map { $0.scores.first?.score ?? 0 }
                outputs.append(OpenInference.Output(name: "score", shape: [rows], elements: .floats(scores)))
            case .labels:
                let labels = results.flatMap { $0.classOrder.map(\.label) }
                outputs.append(OpenInference.Output(name: "labels", shape: [rows, classes], elements: .texts(labels)))
            case .scores:
                outputs.append(
                    Self.numbers(output, rows: results.map { result in result.classOrder }, columns: classes))
            case .logits:
                // A text judged from windows has no logits.
                guard results.allSatisfy({ $0.logits.count == classes }) else {
                    guard areNamed else { continue }
                    throw MartletError(
                        .invalidArgument,
                        "outputs: a text of several windows has no logits; ask for scores, or set overflow to truncate"
                    )
                }
                let rows = results.map { result in
                    zip(result.classOrder, result.logits).map {
                        LabelScore(label: $0.label, index: $0.index, score: $1)
                    }
                }
                outputs.append(Self.numbers(output, rows: rows, columns: classes))
            case .embedding: break
            }
        }
        return outputs
    }

    /// The wanted outputs of embedded texts.
    func tensors(of results: [EmbedResult]) -> [OpenInference.Output] {
        guard wanted.contains(where: { $0.name == .embedding }) else { return [] }
        let shape = [results.count, results.first?.values.count ?? 0]
        return [OpenInference.Output(name: "embedding", shape: shape, elements: .floats(results.flatMap(\.values)))]
    }

    /// Numbers in class order, or the best classes as texts.
    private static func numbers(_ output: Wanted, rows: [[LabelScore]], columns: Int) -> OpenInference.Output {
        guard let classes = output.classes else {
            return OpenInference.Output(
                name: output.name.rawValue, shape: [rows.count, columns],
                elements: .floats(rows.flatMap { $0.map(\.score) }))
        }
        let texts = rows.flatMap { row in
            row.sorted { ($0.score, $1.index) > ($1.score, $0.index) }.prefix(classes)
                .map { "\($0.score):\($0.index):\($0.label)" }
        }
        return OpenInference.Output(
            name: output.name.rawValue, shape: [rows.count, min(classes, columns)], elements: .texts(texts))
    }
}

extension TextResult {
    /// The scores in the order of the model's logits.
    var classOrder: [LabelScore] { scores.sorted { $0.index < $1.index } }
}
