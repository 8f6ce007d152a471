internal import Synchronization
internal import MartletCore

/// What the encoder said about one sequence.
struct SequenceAnswer: Sendable {
    /// Logits of shape [labels], before softmax or sigmoid; or vectors in the form that was asked for.
    var values: [Float]
    var tokensRead: Int
    var tokensTotal: Int
    var queue: Duration
    var tokenize: Duration
    /// The packed batch's run, shared by every sequence in it.
    var compute: Duration
}

extension CallTiming {
    /// Sequences of one call wait and run side by side; their texts are read one after the other.
    mutating func add(_ answer: SequenceAnswer) {
        queue = max(queue, answer.queue)
        tokenize += answer.tokenize
        compute = max(compute, answer.compute)
    }
}

/// One call's wait for the answers of all its sequences.
///
/// The first failure ends the wait; a cancelled task ends it at once, and workers then skip what is left.
final class AnswerTicket: Sendable {
    private typealias Outcome = Result<[SequenceAnswer], MartletError>

    private struct State {
        var answers: [SequenceAnswer?]
        var remaining: Int
        var outcome: Outcome?
        var waiter: CheckedContinuation<Outcome, Never>?
    }

    private let state: Mutex<State>
    private let over = Atomic(false)

    init(count: Int) {
        state = Mutex(State(answers: Array(repeating: nil, count: count), remaining: count))
    }

    /// True once nobody waits for further answers.
    var isOver: Bool { over.load(ordering: .relaxed) }

    /// Answers in the order of their sequences. One caller.
    func answers() async throws(MartletError) -> [SequenceAnswer] {
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let ready = state.withLock { state -> Outcome? in
                    if let outcome = state.outcome { return outcome }
                    state.waiter = continuation
                    return nil
                }
                if let ready { continuation.resume(returning: ready) }
            }
        } onCancel: {
            fail(MartletError(.cancelled, "the call was cancelled"))
        }
        return try result.get()
    }

    func resolve(_ index: Int, _ answer: SequenceAnswer) {
        finish { state in
            guard state.answers.indices.contains(index), state.answers[index] == nil else { return nil }
            state.answers[index] = answer
            state.remaining -= 1
            return state.remaining == 0 ? .success(state.answers.compactMap { $0 }) : nil
        }
    }

    func fail(_ error: MartletError) { finish { _ in .failure(error) } }

    private func finish(_ step: (inout State) -> Outcome?) {
        let resumed = state.withLock { state -> (CheckedContinuation<Outcome, Never>, Outcome)? in
            guard state.outcome == nil, let outcome = step(&state) else { return nil }
            state.outcome = outcome
            over.store(true, ordering: .relaxed)
            guard let waiter = state.waiter else { return nil }
            state.waiter = nil
            return (waiter, outcome)
        }
        if let (waiter, outcome) = resumed { waiter.resume(returning: outcome) }
    }
}
