internal import MartletCore

/// Many requests on one call, each a task of its own.
///
/// One task reads and one sends, as the source and the sink want it; what is in flight between them is bounded in
/// requests and in bytes, so a peer that does not read its answers stops its own requests.
struct RequestStream: Sendable {
    let limits: Limits

    /// One request of the stream, decoded.
    struct Request: Sendable {
        /// Answers are sent as they become ready, not in the order of their requests. The first request's holds.
        var isUnordered = false
        /// What it throws ends the stream, when its turn to be sent has come.
        let answer: @Sendable (CallContext) async throws(MartletError) -> [UInt8]
    }

    /// What a task of the stream has done.
    private enum Event: Sendable {
        case read(Result<[UInt8]?, MartletError>)
        /// Request `number` has its answer.
        case answered(number: Int, Result<[UInt8], MartletError>)
        case sent(requestBytes: Int, Result<Void, MartletError>)
    }

    private struct Item {
        let requestBytes: Int
        var answer: Result<[UInt8], MartletError>?
    }

    /// - Throws: what the source, the sink, `decode` or a request's answer throw.
    func run(
        _ requests: any MessageSource, _ answers: any MessageSink, _ context: CallContext,
        decode: @Sendable ([UInt8]) throws(MartletError) -> Request
    ) async throws(MartletError) {
        let result = await withTaskGroup(of: Event.self) { group -> Result<Void, MartletError> in
            do throws(MartletError) {
                try await run(requests, answers, context, decode, in: &group)
                return .success(())
            } catch {
                group.cancelAll()
                return .failure(error)
            }
        }
        try result.get()
    }

    private func run(
        _ requests: any MessageSource, _ answers: any MessageSink, _ context: CallContext,
        _ decode: ([UInt8]) throws(MartletError) -> Request, in group: inout TaskGroup<Event>
    ) async throws(MartletError) {
        var items: [Int: Item] = [:]
        var ready: [Int] = []
        var nextNumber = 0
        var nextInOrder = 0
        var bytesInFlight = 0
        var isUnordered = false
        var isReading = false
        var isSending = false
        var inputEnded = false

        while true {
            if !isReading, !inputEnded, items.count < limits.streamRequestsMax, bytesInFlight < limits.callCreditBytes {
                isReading = true
                group.addTask { .read(await Self.next(of: requests)) }
            }
            if !isSending, let number = isUnordered ? ready.first : nextInOrder,
                let item = items[number], let outcome = item.answer
            {
                let answer = try outcome.get()
                if isUnordered { ready.removeFirst() } else { nextInOrder += 1 }
                items[number] = nil
                isSending = true
                group.addTask { .sent(requestBytes: item.requestBytes, await Self.send(answer, to: answers)) }
            }
            if inputEnded, items.isEmpty, !isSending { return }
            guard let event = await group.next() else { return }
            switch event {
            case .read(let message):
                isReading = false
                guard let message = try message.get() else {
                    inputEnded = true
                    continue
                }
                let number = nextNumber
                let request = try decode(message)
                if number == 0 { isUnordered = request.isUnordered }
                nextNumber += 1
                items[number] = Item(requestBytes: message.count)
                bytesInFlight += message.count
                var context = context
                context.arrival = .now
                let own = context
                group.addTask { .answered(number: number, await Self.answer(request, own)) }
            case .answered(let number, let answer):
                items[number]?.answer = answer
                if isUnordered { ready.append(number) }
            case .sent(let requestBytes, let outcome):
                isSending = false
                bytesInFlight -= requestBytes
                try outcome.get()
            }
        }
    }

    private static func answer(_ request: Request, _ context: CallContext) async -> Result<[UInt8], MartletError> {
        do throws(MartletError) { return .success(try await request.answer(context)) } catch { return .failure(error) }
    }

    private static func next(of requests: any MessageSource) async -> Result<[UInt8]?, MartletError> {
        do throws(MartletError) { return .success(try await requests.nextMessage()) } catch { return .failure(error) }
    }

    private static func send(_ answer: [UInt8], to answers: any MessageSink) async -> Result<Void, MartletError> {
        do throws(MartletError) { return .success(try await answers.send(message: answer)) } catch {
            return .failure(error)
        }
    }
}
