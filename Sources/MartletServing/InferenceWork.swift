internal import MartletCore
internal import MartletEncoder
internal import MartletRollout
internal import MartletScheduling

/// One sequence for the compute pool: a text to tokenize and encode, or token ids to encode.
final class InferenceWork: ScheduledWork {
    enum Payload: Sendable {
        /// Tokenized on the worker, together with its batch; `number` is its place in the request.
        case text(TextInput, overflow: OverflowPolicy, number: Int)
        /// Ids that the caller made, without special tokens and in the vocabulary.
        case tokens([Int32], overflow: OverflowPolicy, number: Int)
        /// A document's window, or a text that was tokenized already.
        case sequence(TokenSequence)

        /// - Parameter wayOut: what to do about a text that is too long.
        func sequence(for model: ServedModel, wayOut: String) throws(MartletError) -> TokenSequence {
            switch self {
            case .text(let input, let overflow, let number):
                try TokenSequence(input, overflow: overflow, number: number, model: model, wayOut: wayOut)
            case .tokens(let ids, let overflow, let number):
                try TokenSequence(tokens: ids, overflow: overflow, number: number, model: model, wayOut: wayOut)
            case .sequence(let sequence): sequence
            }
        }

        /// Bytes to tokenize; a token counts as one.
        var textBytes: Int {
            switch self {
            case .text(let input, _, _): input.text.utf8.count + (input.pair?.utf8.count ?? 0)
            case .tokens(let ids, _, _): ids.count
            case .sequence: 0
            }
        }

        func costTokens(maxTokens: Int) -> Int {
            switch self {
            case .text: InferenceWork.estimatedTokens(bytes: textBytes, maxTokens: maxTokens)
            case .tokens(let ids, _, _): min(ids.count + 2, maxTokens)
            case .sequence(let sequence): sequence.ids.count
            }
        }
    }

    let payload: Payload
    /// Held by the work itself: a version is counted as in use until the last work for it is gone, cancelled or not.
    let lease: Lease<ServedModel>
    let costTokens: Int
    let batchKey: ObjectIdentifier
    let priority: WorkPriority
    let deadline: Deadline
    let submitted: ContinuousClock.Instant
    /// Where the answer goes; `index` is its place there.
    let ticket: AnswerTicket
    let index: Int
    /// What is wanted of a model that gives vectors; nil for logits.
    let form: VectorForm?

    init(
        _ payload: Payload, lease: Lease<ServedModel>, costTokens: Int, priority: WorkPriority, deadline: Deadline,
        ticket: AnswerTicket, index: Int = 0, form: VectorForm? = nil
    ) {
        self.payload = payload
        self.lease = lease
        self.costTokens = costTokens
        self.priority = priority
        self.deadline = deadline
        self.ticket = ticket
        self.index = index
        self.form = form
        // A run of the encoder ends in one way, so rows of tokens and pooled rows are not of one batch.
        batchKey = form?.perToken == true ? ObjectIdentifier(lease.loaded.tokenRows) : ObjectIdentifier(lease.loaded)
        submitted = .now
    }

    var model: ServedModel { lease.loaded }

    /// The same for all works of one batch key.
    var output: EncoderOutput { form?.perToken == true ? .hiddenStates : EncoderOutput(model.pooling) }

    var wayOut: String { form == nil ? Self.wayOutOfLogits : Self.wayOutOfVectors }

    /// What to do about a text that is too long.
    static let wayOutOfLogits = "set overflow to truncate or window, or send it with ClassifyDocument"
    static let wayOutOfVectors = "set overflow to truncate, or send it in parts"

    var isCancelled: Bool { ticket.isOver }

    func refuse(_ error: MartletError) { ticket.fail(error) }

    /// Tokens of work that `bytes` of text stand for before anybody has counted them.
    ///
    /// English WordPiece makes a token of about four bytes; reading 600 bytes costs about what encoding one token does.
    static func estimatedTokens(bytes: Int, maxTokens: Int) -> Int {
        min(bytes / 3 + 2, maxTokens) + tokenizingCost(bytes: bytes)
    }

    /// The cost of tokenizing alone, in tokens of encoding.
    static func tokenizingCost(bytes: Int) -> Int { 1 + bytes / 600 }
}
