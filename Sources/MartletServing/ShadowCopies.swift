internal import MartletCore
internal import MartletRollout
internal import MartletScheduling
internal import Synchronization

/// Runs copies of answered calls on the shadows of their routes, when nobody else needs the machine.
///
/// A copy begins after its caller has the answer, in the lowest class of the queue, and has no say in anything: one that
/// fails, waits or is given up is only counted.
final class ShadowCopies: Sendable {
    typealias Comparison = [(agrees: Bool, drift: Double)]

    private let pool: ComputePool<InferenceWork>
    private let callsMax: Int
    private let queueTokensMax: Int
    private let waiting = Atomic(0)
    private let sink: AsyncStream<@Sendable () async -> Void>.Continuation
    private let runner: Task<Void, Never>

    init(pool: ComputePool<InferenceWork>, limits: Limits) {
        self.pool = pool
        callsMax = limits.shadowCallsMax
        queueTokensMax = limits.queueTokensMax
        let (copies, sink) = AsyncStream<@Sendable () async -> Void>.makeStream()
        self.sink = sink
        runner = Task {
            await withDiscardingTaskGroup { group in
                for await copy in copies { group.addTask { await copy() } }
                group.cancelAll()
            }
        }
    }

    deinit { sink.finish() }

    /// Queues one copy, or counts it as skipped when too many wait or the callers fill more than half of the queue.
    /// - Parameters:
    ///   - callerTime: of the call whose answer is there.
    ///   - compare: answers the copy, and says for each text how the two answers lie. Keeps the shadow's lease.
    func add(
        to recorder: ShadowRecorder, callerTime: Duration,
        compare: @escaping @Sendable () async throws(MartletError) -> Comparison
    ) {
        guard waiting.wrappingAdd(1, ordering: .relaxed).newValue <= callsMax,
            pool.snapshot.queuedTokens <= queueTokensMax / 2
        else {
            waiting.wrappingSubtract(1, ordering: .relaxed)
            recorder.skipped()
            return
        }
        let queued = sink.yield { [self] in
            defer { waiting.wrappingSubtract(1, ordering: .relaxed) }
            let start = ContinuousClock.now
            do throws(MartletError) {
                let texts = try await compare()
                recorder.compared(texts, callerTime: callerTime, shadowTime: start.duration(to: .now))
            } catch {
                // Given up for want of room, or because the server ends: that says nothing about the version.
                if error.code == .resourceExhausted || error.code == .cancelled {
                    recorder.skipped()
                } else {
                    recorder.failed()
                }
            }
        }
        if case .terminated = queued {
            waiting.wrappingSubtract(1, ordering: .relaxed)
            recorder.skipped()
        }
    }

    /// Takes no more copies, gives up those that run, and returns when the last has stopped.
    func shutdown() async {
        sink.finish()
        runner.cancel()
        await runner.value
    }
}
