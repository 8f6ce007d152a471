internal import MartletCore
internal import MartletWire

/// `ClassifyStream`: many requests on one call, each a task of its own.
///
/// One task reads and one sends, as the source and the sink want it; what is in flight between them is bounded in
/// requests and in bytes, so a peer that does not read its answers stops its own requests.
struct ClassifyStream: Sendable {
    let handler: any InferenceHandler
    let codec: MessageCodec
    let limits: Limits

    /// What a task of the stream has done.
    private enum Event: Sendable {
        case read(Result<[UInt8]?, MartletError>)
        /// Request `number` has its answer.
        case answered(number: Int, [UInt8])
        case sent(requestBytes: Int, Result<Void, MartletError>)
    }

    private struct Item {
        let requestBytes: Int
        var answer: [UInt8]?
    }

    /// - Throws: what the source or the sink throw, or `.invalidArgument` for a message without a readable id. A request
    ///   that fails is answered with its failure instead.
    func run(
        _ requests: any MessageSource, _ answers: any MessageSink, _ context: CallContext
    ) async throws(MartletError) {
        let result = await withTaskGroup(of: Event.self) { group -> Result<Void, MartletError> in
            do throws(MartletError) {
                try await run(requests, answers, context, in: &group)
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
        in group: inout TaskGroup<Event>
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
                let item = items[number], let answer = item.answer
            {
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
                let item = try codec.decodeClassifyStreamItem(message)
                let number = nextNumber
                if number == 0 { isUnordered = item.isUnordered }
                nextNumber += 1
                items[number] = Item(requestBytes: message.count)
                bytesInFlight += message.count
                var context = context
                context.arrival = .now
                let own = context
                group.addTask { .answered(number: number, await answer(item, context: own)) }
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

    private func answer(_ item: ClassifyStreamItem, context: CallContext) async -> [UInt8] {
        let outcome: Result<ClassifyAnswer, MartletError>
        do throws(MartletError) {
            outcome = .success(try await handler.classify(try item.request.get(), context: context))
        } catch {
            outcome = .failure(error)
        }
        return codec.encode(ClassifyStreamAnswer(id: item.id, outcome: outcome))
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
