internal import MartletCore

/// A call that tells how things are, now and after each change, until the client leaves or the server drains.
struct ChangeWatch: Sendable {
    let drain: DrainSignal

    /// - Throws: `.unavailable` when the server drains: the client watches another one, or this one again later.
    func run<Things: Sendable>(
        _ changes: AsyncStream<Things>, to answers: any MessageSink,
        encode: @escaping @Sendable (Things) -> [UInt8]
    ) async throws(MartletError) {
        let result = await withTaskGroup(of: Result<Void, MartletError>.self) { group in
            group.addTask { await Self.send(changes, to: answers, encode) }
            group.addTask {
                await drain.wait()
                return .failure(.shuttingDown)
            }
            let first = await group.next() ?? .failure(.shuttingDown)
            group.cancelAll()
            return first
        }
        try result.get()
    }

    private static func send<Things: Sendable>(
        _ changes: AsyncStream<Things>, to answers: any MessageSink, _ encode: @Sendable (Things) -> [UInt8]
    ) async -> Result<Void, MartletError> {
        do throws(MartletError) {
            for await things in changes { try await answers.send(message: encode(things)) }
        } catch {
            return .failure(error)
        }
        return .failure(.shuttingDown)
    }
}
