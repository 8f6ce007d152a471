internal import MartletCore
internal import MartletRollout
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// What a loaded version has done. Locked once a batch and once a call, never for a text.
final class ModelCounters: Sendable {
    private struct Sums {
        var calls = 0
        var failures = 0
        var texts = 0
        var batches = 0
        var tokens = 0
        var queue: Duration = .zero
        var tokenize: Duration = .zero
        var compute: Duration = .zero
        var batchCompute: Duration = .zero
        var callTime: Duration = .zero
        var lastUsedMilliseconds = 0
        /// Since `takeFigures()`.
        var figures = CallFigures()
    }

    private let sums = Mutex(Sums())
    /// Milliseconds since 1970.
    private let now: @Sendable () -> Int

    init(now: @escaping @Sendable () -> Int = ModelCounters.systemMilliseconds) { self.now = now }

    /// One run of the encoder.
    /// - Parameters:
    ///   - queue: sum over its texts, as `tokenize` is.
    ///   - compute: of the run.
    func add(texts: Int, tokens: Int, queue: Duration, tokenize: Duration, compute: Duration) {
        sums.withLock { sums in
            sums.texts += texts
            sums.batches += 1
            sums.tokens += tokens
            sums.queue += queue
            sums.tokenize += tokenize
            sums.compute += compute * texts
            sums.batchCompute += compute
        }
    }

    /// One call, from its arrival to its answer.
    func answered(in time: Duration) {
        let now = now()
        sums.withLock { sums in
            sums.calls += 1
            sums.callTime += time
            sums.figures.answered(in: time)
            sums.lastUsedMilliseconds = max(sums.lastUsedMilliseconds, now)
        }
    }

    func failed(_ error: MartletError) {
        sums.withLock { sums in
            sums.failures += 1
            if error.isServersFault { sums.figures.failed() }
        }
    }

    /// How calls ended since the last time this was asked.
    func takeFigures() -> CallFigures {
        sums.withLock { sums in
            defer { sums.figures = CallFigures() }
            return sums.figures
        }
    }

    func statistics(of id: VersionID) -> ModelStatistics {
        let sums = sums.withLock { $0 }
        return ModelStatistics(
            name: id.model, version: id.number, calls: sums.calls, failures: sums.failures, texts: sums.texts,
            batches: sums.batches, tokens: sums.tokens, queue: sums.queue, tokenize: sums.tokenize,
            compute: sums.compute, batchCompute: sums.batchCompute, callTime: sums.callTime,
            lastUsedMilliseconds: sums.lastUsedMilliseconds)
    }

    private static func systemMilliseconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int(time.tv_sec) * 1_000 + Int(time.tv_nsec) / 1_000_000
    }
}
