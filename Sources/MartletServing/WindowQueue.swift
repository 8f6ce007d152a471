internal import Synchronization

/// A bounded queue between the task that reads a document and the task that sends its answers.
///
/// One producer, one consumer. `put` suspends while `capacity` elements wait, so a document in flight holds a bounded
/// number of windows however fast it arrives.
package final class WindowQueue<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element] = []
        var ended = false
        var producer: CheckedContinuation<Void, Never>?
        var consumer: CheckedContinuation<Void, Never>?
    }

    private enum PutStep { case stored(CheckedContinuation<Void, Never>?), ended, full }
    private enum TakeStep { case element(Element, CheckedContinuation<Void, Never>?), ended, empty }

    private let capacity: Int
    private let state = Mutex(State())

    package init(capacity: Int) { self.capacity = max(1, capacity) }

    /// False when the queue has ended: nobody takes any more.
    package func put(_ element: Element) async -> Bool {
        while true {
            let step = state.withLock { state -> PutStep in
                if state.ended { return .ended }
                if state.elements.count >= capacity { return .full }
                state.elements.append(element)
                return .stored(Self.take(&state.consumer))
            }
            switch step {
            case .ended: return false
            case .stored(let consumer):
                consumer?.resume()
                return true
            case .full:
                await withCheckedContinuation { continuation in
                    let already = state.withLock { state -> Bool in
                        if state.ended || state.elements.count < capacity { return true }
                        state.producer = continuation
                        return false
                    }
                    if already { continuation.resume() }
                }
            }
        }
    }

    /// The next element in order; nil after the last.
    package func take() async -> Element? {
        while true {
            let step = state.withLock { state -> TakeStep in
                if !state.elements.isEmpty {
                    return .element(state.elements.removeFirst(), Self.take(&state.producer))
                }
                return state.ended ? .ended : .empty
            }
            switch step {
            case .element(let element, let producer):
                producer?.resume()
                return element
            case .ended: return nil
            case .empty:
                await withCheckedContinuation { continuation in
                    let already = state.withLock { state -> Bool in
                        if state.ended || !state.elements.isEmpty { return true }
                        state.consumer = continuation
                        return false
                    }
                    if already { continuation.resume() }
                }
            }
        }
    }

    /// No more elements: the consumer gets what waits and then nil, a waiting producer gets false.
    package func end() {
        let waiting = state.withLock { state in
            state.ended = true
            return (Self.take(&state.producer), Self.take(&state.consumer))
        }
        waiting.0?.resume()
        waiting.1?.resume()
    }

    /// Ends the queue and takes out what waits in it: the consumer is done before the producer is.
    package func abandon() -> [Element] {
        end()
        return state.withLock { state in
            defer { state.elements = [] }
            return state.elements
        }
    }

    private static func take(
        _ continuation: inout CheckedContinuation<Void, Never>?
    ) -> CheckedContinuation<Void, Never>? {
        defer { continuation = nil }
        return continuation
    }
}
