import Foundation
import MartletClient
import MartletCore
import Synchronization

/// Calls at a steady rate, each begun when it is due, whatever has become of those before; and what became of them.
final class SwapTraffic: Sendable {
    struct Call {
        /// When it was due, in seconds since the traffic began.
        var due: Double
        /// From then to its answer, in milliseconds.
        var milliseconds: Double
    }

    struct Record {
        var calls: [Call] = []
        var failures: [String: Int] = [:]
        /// Answers whose bits are not of the version they name.
        var mixed = 0
        /// Answers by version.
        var answered: [Int: Int] = [:]
    }

    static let texts: [String] = {
        let words = OverheadMeasure.text.split(separator: " ").map(String.init)
        return (0..<32).map { place in
            let count = 2 + (place * 7) % 38
            return (0..<count).map { words[(place + $0) % words.count] }.joined(separator: " ")
        }
    }()

    let begun = ContinuousClock.now
    private let clients: [MartletClient]
    /// Version → text → logits.
    private let truth: [Int: [[Float]]]
    private let state = Mutex((record: Record(), isOver: false))

    init(clients: [MartletClient], truth: [Int: [[Float]]]) {
        self.clients = clients
        self.truth = truth
    }

    static func request(_ index: Int, version: Int? = nil) -> ClassifyRequest {
        ClassifyRequest(
            model: ModelReference(name: SwapServer.modelName, selector: version.map { .version($0) } ?? .latest),
            inputs: [TextInput(texts[index % texts.count])], returnLogits: true)
    }

    func end() { state.withLock { $0.isOver = true } }

    var record: Record { state.withLock { $0.record } }

    func seconds(_ instant: ContinuousClock.Instant = .now) -> Double {
        OverheadMeasure.microseconds(begun.duration(to: instant)) / 1e6
    }

    /// Answers a second that the server gives to as many callers as keep it busy.
    func capacity(seconds: Double, callers: Int) async throws -> Double {
        let end = ContinuousClock.now.advanced(by: .seconds(seconds))
        let count = try await withThrowingTaskGroup(of: Int.self) { group in
            for caller in 0..<callers {
                group.addTask { [clients] in
                    var answered = 0
                    while ContinuousClock.now < end {
                        _ = try await clients[caller % clients.count].classify(Self.request(caller + answered * 5))
                        answered += 1
                    }
                    return answered
                }
            }
            return try await group.reduce(0, +)
        }
        return Double(count) / seconds
    }

    /// Calls `rate` times a second until `end()`; returns when the last call has ended.
    func run(rate: Double) async {
        let interval = Duration.seconds(1 / rate)
        await withDiscardingTaskGroup { group in
            var due = ContinuousClock.now
            var index = 0
            while !state.withLock({ $0.isOver }) {
                due = due.advanced(by: interval)
                try? await Task.sleep(until: due, clock: .continuous)
                let (turn, time) = (index, due)
                group.addTask { await self.call(turn, due: time) }
                index += 1
            }
        }
    }

    private func call(_ index: Int, due: ContinuousClock.Instant) async {
        do throws(MartletError) {
            let answer = try await clients[index % clients.count].classify(Self.request(index))
            let milliseconds = OverheadMeasure.microseconds(due.duration(to: .now)) / 1_000
            let version = answer.model.version
            let isTrue = answer.results.first?.logits == truth[version]?[index % Self.texts.count]
            let call = Call(due: seconds(due), milliseconds: milliseconds)
            state.withLock { state in
                state.record.calls.append(call)
                state.record.answered[version, default: 0] += 1
                if !isTrue { state.record.mixed += 1 }
            }
        } catch {
            let reason = error.description
            state.withLock { $0.record.failures[reason, default: 0] += 1 }
        }
    }
}
