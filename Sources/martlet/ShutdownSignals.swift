import Dispatch
import Foundation
import Synchronization

/// SIGTERM and SIGINT as a stream of signal numbers, instead of ending the process.
///
/// Before `serving()` a signal ends the process at once, with 0: nothing is in flight yet. After it the first one is
/// delivered and the second ends the process, so that an impatient operator need not look for `kill -9`.
///
/// The handlers are `@Sendable`: without it they would take the isolation of where they stand, and a handler that
/// believes it is on the main actor dies when Dispatch calls it elsewhere.
final class ShutdownSignals: Sendable {
    let signals: AsyncStream<Int32>
    private nonisolated(unsafe) let sources: [any DispatchSourceSignal]  // safe: only kept alive, never touched again
    private let phase: Phase

    init() {
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
        let phase = Phase()
        signals = stream
        self.phase = phase
        let queue = DispatchQueue(label: "martlet.signals")
        sources = [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { @Sendable in
                switch phase.signalled() {
                case .starting: _exit(0)
                case .serving: continuation.yield(number)
                case .stopping:
                    Output.error.line("martlet: second signal, exiting at once")
                    _exit(128 + number)
                }
            }
            source.activate()
            return source
        }
    }

    func serving() { phase.serving() }

    static func name(_ number: Int32) -> String { number == SIGTERM ? "SIGTERM" : "SIGINT" }

    private final class Phase: Sendable {
        enum Value { case starting, serving, stopping }
        private let value = Mutex(Value.starting)

        func serving() { value.withLock { $0 = .serving } }

        /// The phase the signal found.
        func signalled() -> Value {
            value.withLock { phase in
                defer { if phase == .serving { phase = .stopping } }
                return phase
            }
        }
    }
}
