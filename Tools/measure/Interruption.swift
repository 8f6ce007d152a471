import Dispatch
import Foundation
import Synchronization

/// SIGINT and SIGTERM as a wish that a long run looks for, in place of the process's end: it ends its server, and tells
/// what it has measured.
final class Interruption: Sendable {
    private let number = Atomic<Int32>(0)
    private nonisolated(unsafe) var sources: [any DispatchSourceSignal] = []  // safe: only kept alive

    init() {
        let queue = DispatchQueue(label: "martlet-measure.signals")
        sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { @Sendable [weak self] in self?.number.store(number, ordering: .relaxed) }
            source.activate()
            return source
        }
    }

    /// As a shell gives it for a process that a signal ended; nil without one.
    var status: Int32? {
        let number = number.load(ordering: .relaxed)
        return number == 0 ? nil : 128 + number
    }
}
