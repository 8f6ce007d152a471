internal import MartletCore
internal import NIOCore
internal import Synchronization

/// An accepted connection, whatever it speaks. Called on its event loop.
protocol ServedConnection: AnyObject, Sendable {
    /// Take no further calls, and close when those in flight are done.
    func drain()
    /// End the calls in flight with `error` and close; returns how many they were.
    func cut(_ error: MartletError) -> Int
}

/// Every open connection of a server.
final class ConnectionRegistry: Sendable {
    private let limit: Int
    private let open = Gauge()
    private let state = Mutex(State())

    private struct State {
        var isDraining = false
        var served: [ObjectIdentifier: Entry] = [:]
    }

    private struct Entry: Sendable {
        let loop: any EventLoop
        var connection: (any ServedConnection)?
    }

    enum Admission { case admitted, full(limit: Int), draining }

    init(limit: Int) { self.limit = limit }

    var count: Int { open.count }

    /// Counts an accepted channel until it closes.
    func admit(_ channel: any Channel) -> Admission {
        let admission = state.withLock { state -> Admission in
            if state.isDraining { return .draining }
            guard open.increment(below: limit) else { return .full(limit: limit) }
            state.served[ObjectIdentifier(channel)] = Entry(loop: channel.eventLoop)
            return .admitted
        }
        if case .admitted = admission {
            channel.closeFuture.whenComplete { _ in
                self.state.withLock { state in _ = state.served.removeValue(forKey: ObjectIdentifier(channel)) }
                self.open.decrement()
            }
        }
        return admission
    }

    /// Names what serves an admitted channel from now on.
    /// - Returns: true when the server drains already, so that the connection must do so too.
    func serve(_ channel: any Channel, by connection: any ServedConnection) -> Bool {
        state.withLock { state in
            state.served[ObjectIdentifier(channel)]?.connection = connection
            return state.isDraining
        }
    }

    /// Every connection drains, and no further one is admitted.
    func drain() {
        let entries = state.withLock { state in
            state.isDraining = true
            return Array(state.served.values)
        }
        for entry in entries { entry.loop.execute { entry.connection?.drain() } }
    }

    /// Ends every call in flight; returns how many they were.
    func cut(_ error: MartletError) async -> Int {
        var calls = 0
        for entry in state.withLock({ Array($0.served.values) }) {
            calls += (try? await entry.loop.submit { entry.connection?.cut(error) ?? 0 }.get()) ?? 0
        }
        return calls
    }

    func waitUntilEmpty() async -> Bool { await open.waitForZero { _ in } }

    func waitUntilEmpty(atMost limit: Duration, on loop: any EventLoop) async -> Bool {
        await open.waitForZero { giveUp in loop.scheduleTask(in: TimeAmount(limit), giveUp) }
    }
}
