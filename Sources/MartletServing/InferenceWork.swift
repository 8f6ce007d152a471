internal import MartletCore
internal import MartletRollout
internal import MartletScheduling

/// One sequence for the compute pool: a text to tokenize and encode, or a document's window to encode.
final class InferenceWork: ScheduledWork {
    enum Payload: Sendable {
        /// Tokenized on the worker, together with its batch; `number` is its place in the request.
        case text(TextInput, overflow: OverflowPolicy, number: Int)
        /// Token ids with special tokens.
        case window([Int32])

        /// The place in the request; 0 for a window.
        var number: Int {
            switch self {
            case .text(_, _, let number): number
            case .window: 0
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

    init(
        _ payload: Payload, lease: Lease<ServedModel>, costTokens: Int, priority: WorkPriority, deadline: Deadline,
        ticket: AnswerTicket, index: Int = 0
    ) {
        self.payload = payload
        self.lease = lease
        self.costTokens = costTokens
        self.priority = priority
        self.deadline = deadline
        self.ticket = ticket
        self.index = index
        batchKey = ObjectIdentifier(lease.loaded)
        submitted = .now
    }

    var model: ServedModel { lease.loaded }

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
