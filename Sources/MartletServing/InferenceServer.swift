internal import MartletArtifact
package import MartletCore
package import MartletEncoder
package import MartletRollout
internal import MartletScheduling
internal import MartletText
internal import Synchronization

/// The engine: joins folder watch, model manager, tokenizers, scheduler and encoder into the one `InferenceHandler`.
///
/// Requests read a snapshot of the routes and wait for no actor; compute runs on the pool's threads only.
package final class InferenceServer: InferenceHandler {
    /// Compute threads and the kernels in use, for people.
    package let computeThreads: Int
    package let kernelLevel: CPULevel
    let limits: Limits
    let pool: ComputePool<InferenceWork>
    let manager: RolloutManager<ArtifactVersionLoader>
    let survey: FolderSurvey
    let shadows: ShadowCopies
    let uploads: Uploads
    let onEvent: @Sendable (EngineEvent) -> Void
    private let memory: MemoryReturn
    private let watcher: Task<Void, Never>

    /// Loads what the models folder holds now and watches it from then on. Returns when every version found at start is
    /// either ready or refused.
    /// - Throws: `.failedPrecondition` when the folder cannot be read or watched.
    package static func start(
        _ configuration: EngineConfiguration, onEvent: @escaping @Sendable (EngineEvent) -> Void
    ) async throws(MartletError) -> InferenceServer {
        let limits = try configuration.limits.validated()
        let kernels = KernelTable.best(atMost: configuration.cpu)
        let threads = configuration.threads > 0 ? configuration.threads : ComputeThreads.available()
        let folder = ModelFolder(root: configuration.modelsFolder, limits: limits)
        let survey = FolderSurvey(folder: folder, onEvent: onEvent)
        let pool = try ComputePool<InferenceWork>(
            threads: threads, batchTokensMax: limits.batchTokensMax, queueTokensMax: limits.queueTokensMax
        ) { _, team in
            let runner = BatchRunner(team: team)
            return runner.run
        }
        let memory = MemoryReturn()
        let store: any StateStore = configuration.stateFolder.map { StateFile(folder: $0) } ?? ForgetfulStore()
        let manager = try RolloutManager(
            configuration: configuration.rollouts,
            loader: try ArtifactVersionLoader(
                limits: limits, signatures: configuration.signatures, kernels: kernels, threads: threads,
                members: min(threads, ComputeThreads.teamMax)),
            store: store, clock: configuration.clock,
            drainTimeout: limits.drainTimeout, labelsMax: limits.versionLabelsMax,
            onEvent: { event in
                if event.leavesMemoryBehind { memory.soon() }
                onEvent(.rollout(event))
            })
        // Watched before the first aspiration, so that no change falls between.
        let changes = folder.changes()
        try await manager.aspire(asking: survey.look)
        await manager.settled()
        let watcher = Task {
            for await _ in changes {
                do throws(MartletError) {
                    try await manager.aspire(asking: survey.look)
                } catch {
                    // The versions that serve go on; a later change is looked at again.
                    onEvent(.folderFailed(error))
                }
            }
        }
        return InferenceServer(
            configuration, limits: limits, pool: pool, manager: manager, survey: survey, memory: memory,
            watcher: watcher, threads: threads, kernelLevel: kernels.level, onEvent: onEvent)
    }

    private init(
        _ configuration: EngineConfiguration, limits: Limits, pool: ComputePool<InferenceWork>,
        manager: RolloutManager<ArtifactVersionLoader>, survey: FolderSurvey, memory: MemoryReturn,
        watcher: Task<Void, Never>, threads: Int, kernelLevel: CPULevel,
        onEvent: @escaping @Sendable (EngineEvent) -> Void
    ) {
        self.limits = limits
        self.pool = pool
        self.manager = manager
        self.survey = survey
        self.memory = memory
        self.onEvent = onEvent
        shadows = ShadowCopies(pool: pool, limits: limits)
        uploads = Uploads(
            publisher: VersionPublisher(
                root: configuration.modelsFolder, limits: limits, signatures: configuration.signatures),
            limits: limits)
        self.watcher = watcher
        computeThreads = threads
        self.kernelLevel = kernelLevel
    }

    package func statuses() -> [ModelStatus] { manager.statuses() }

    /// Looks at the models folder now and waits until nothing is left to do.
    package func refresh() async throws(MartletError) {
        try await manager.aspire(asking: survey.look)
        await manager.settled()
    }

    /// Rollouts that go on, and the last one of each route.
    package func rolloutStatuses() -> [RolloutStatus] { manager.rollouts() }

    /// Wants from now on what `configuration` says.
    package func configure(_ configuration: RolloutConfiguration) async { await manager.configure(configuration) }

    /// Returns when the memory of every version that has left is back with the system.
    package func memoryReturned() async { await memory.done() }

    /// Finishes queued work and unloads every model. Callers drain their transports first.
    package func shutdown() async {
        watcher.cancel()
        // First of all: copies hold leases, and nobody waits for them.
        await shadows.shutdown()
        await manager.shutdown()
        pool.shutdown()
    }

    // MARK: InferenceHandler

    package func classify(
        _ request: ClassifyRequest, context: CallContext
    ) async throws(MartletError) -> ClassifyAnswer {
        try RequestCheck(limits: limits).check(request)
        // Nobody waits any more: nothing is computed.
        guard !Task.isCancelled else { throw MartletError(.cancelled, "the call was cancelled") }
        let routed = try await manager.leaseWaking(request.model, for: context.metadata, deadline: context.deadline)
        let answer = try await counted(routed.lease, context) { () async throws(MartletError) in
            try await classify(request, lease: routed.lease, priority: .interactive, context: context)
        }
        if let (lease, recorder) = routed.shadow {
            shadows.add(to: recorder, callerTime: answer.timing.total) { () async throws(MartletError) in
                var copy = request
                (copy.topK, copy.returnLogits) = (0, false)
                let other = try await self.classify(copy, lease: lease, priority: .shadow, context: CallContext())
                return AnswerComparison.compare(answer, other)
            }
        }
        return answer
    }

    private func classify(
        _ request: ClassifyRequest, lease: Lease<ServedModel>, priority: WorkPriority, context: CallContext
    ) async throws(MartletError) -> ClassifyAnswer {
        let model = lease.loaded
        let head = try model.classifier(named: lease.identity.name)
        var answered = Array<TextResult?>(repeating: nil, count: request.inputs.count)
        var timing = CallTiming()
        let long =
            request.overflow == .window
            ? request.inputs.indices.filter { Self.mayOverflow(request.inputs[$0], model) } : []
        let short = request.inputs.indices.filter { !long.contains($0) }
        let answers = try await answers(to: short, of: request, lease: lease, priority: priority, context: context)
        for (index, answer) in zip(short, answers) {
            timing.add(answer)
            answered[index] = TextResult(
                scores: head.ranked(head.scores(of: answer.values[...]), topK: request.topK),
                logits: request.returnLogits ? answer.values : [], tokensRead: answer.tokensRead,
                tokensTotal: answer.tokensTotal, truncated: answer.tokensRead < answer.tokensTotal)
        }
        for index in long {
            let verdict = try await windowed(
                request.inputs[index], index: index, lease: lease, priority: priority, context: context)
            timing.queue += verdict.timing.queue
            timing.compute += verdict.timing.compute
            let tokens = verdict.coverage.tokensClassified + 2
            answered[index] = TextResult(
                scores: head.ranked(verdict.classOrder(of: head), topK: request.topK), tokensRead: tokens,
                tokensTotal: tokens, windows: verdict.windows)
        }
        timing.total = context.arrival.duration(to: .now)
        return ClassifyAnswer(model: lease.identity, results: answered.compactMap { $0 }, timing: timing)
    }

    /// Encodes the inputs at `indices` on the pool and waits for all of them.
    private func answers(
        to indices: [Int], of request: ClassifyRequest, lease: Lease<ServedModel>, priority: WorkPriority,
        context: CallContext
    ) async throws(MartletError) -> [SequenceAnswer] {
        guard !indices.isEmpty else { return [] }
        let ticket = AnswerTicket(count: indices.count)
        try pool.submit(
            indices.enumerated().map { place, index in
                let payload = InferenceWork.Payload.text(
                    request.inputs[index], overflow: request.overflow, number: index)
                return InferenceWork(
                    payload, lease: lease, costTokens: payload.costTokens(maxTokens: lease.loaded.maxTokens),
                    priority: priority, deadline: context.deadline, ticket: ticket, index: place)
            })
        return try await ticket.answers()
    }

    package func classifyDocument(
        _ options: DocumentOptions, document: any DocumentSource, events: any DocumentEventSink, context: CallContext
    ) async throws(MartletError) {
        try RequestCheck(limits: limits).check(options)
        // Not copied to a shadow: a document is as long as its peer likes, and its copy would have to wait in memory.
        let lease = try await manager.leaseWaking(
            options.model, for: context.metadata, deadline: context.deadline
        ).lease
        try await counted(lease, context) { () async throws(MartletError) in
            try await pipeline(options, lease: lease, context: context).run(document: document, events: events)
        }
    }

    // MARK: Windows

    /// A token of WordPiece stands for at least one byte, so a shorter text cannot overflow.
    private static func mayOverflow(_ input: TextInput, _ model: ServedModel) -> Bool {
        input.text.utf8.count + (input.pair?.utf8.count ?? 0) + 3 > model.maxTokens
    }

    private func pipeline(
        _ options: DocumentOptions, lease: Lease<ServedModel>, priority: WorkPriority = .bulk, context: CallContext
    ) throws(MartletError) -> DocumentPipeline {
        let model = lease.loaded
        let head = try model.classifier(named: lease.identity.name)
        let windowTokens = options.windowTokens == 0 ? model.maxTokens : options.windowTokens
        // Compared one by one: a range would end below its start where a model reads fewer than 8 tokens.
        guard windowTokens >= 8, windowTokens <= model.maxTokens else {
            throw MartletError(
                .invalidArgument,
                "window_tokens is \(options.windowTokens); this model takes 8 to \(model.maxTokens), or 0 for its "
                    + "longest")
        }
        let textTokens = windowTokens - 2
        let strideTokens = options.strideTokens == 0 ? max(1, textTokens * 3 / 4) : options.strideTokens
        guard (1...textTokens).contains(strideTokens) else {
            throw MartletError(
                .invalidArgument,
                "stride_tokens is \(options.strideTokens); with windows of \(windowTokens) tokens it must be 1 to "
                    + "\(textTokens), or 0 for three quarters, so that no token falls between windows")
        }
        let rule = try DocumentJudge.rule(
            for: options, head: head, positiveLabel: model.positiveLabel,
            defaultAggregation: model.documentAggregation)
        return DocumentPipeline(
            lease: lease, head: head, options: options, rule: rule, windowTokens: windowTokens,
            strideTokens: strideTokens, limits: limits, pool: pool, priority: priority, context: context)
    }

    /// `overflow: window`: a long text is judged like a document.
    private func windowed(
        _ input: TextInput, index: Int, lease: Lease<ServedModel>, priority: WorkPriority, context: CallContext
    ) async throws(MartletError) -> FinalVerdict {
        guard input.pair == nil else {
            throw MartletError(
                .invalidArgument,
                "inputs[\(index)] is a pair too long for the model, and a pair has no windows; set overflow to truncate"
            )
        }
        let options = DocumentOptions(
            model: ModelReference(name: lease.identity.name), emitWindows: false, emitRunning: false)
        let sink = VerdictSink()
        let pipeline = try pipeline(options, lease: lease, priority: max(.bulk, priority), context: context)
        try await pipeline.run(document: WholeText(input.text), events: sink)
        guard let verdict = sink.verdict else {
            throw MartletError(.internalError, "a windowed text ended without a verdict")
        }
        return verdict
    }
}
