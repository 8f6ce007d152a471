internal import MartletCore

/// Calls that wait until something is so.
extension RolloutManager {
    enum Goal: Hashable {
        case settled
        case shutDown
        /// The version is ready, or will not be without another change.
        case decided(VersionID)
        /// Nothing more comes of an idle model that a call wants back.
        case awake(String)
    }

    /// Returns when no step is possible: every load has ended, and every version without calls has left memory.
    package func settled() async { await reachAtLast(.settled) }

    /// Returns when `goal` is reached.
    /// - Throws: `.cancelled` when the task is, `.deadlineExceeded`.
    func reach(_ goal: Goal, before deadline: Deadline = .none) async throws(MartletError) {
        let number = newWaiter()
        let timer = deadline.remaining.map { remaining in
            let time = time
            return Task { [weak self] in
                do { try await time.sleep(until: time.now + remaining) } catch { return }
                await self?.forgetWaiter(number)
            }
        }
        defer { timer?.cancel() }
        let isReached = await withTaskCancellationHandler {
            Task.isCancelled ? false : await reach(goal, as: number)
        } onCancel: {
            Task { await self.forgetWaiter(number) }
        }
        if Task.isCancelled { throw MartletError(.cancelled, "the call was cancelled while it waited for a model") }
        guard isReached else {
            throw MartletError(.deadlineExceeded, "the deadline passed while the call waited for a model to load")
        }
    }

    /// The same, whatever becomes of the task.
    func reachAtLast(_ goal: Goal) async { _ = await reach(goal, as: newWaiter()) }

    /// - Returns: false when the waiter was forgotten before.
    private func reach(_ goal: Goal, as number: UInt64) async -> Bool {
        if has(reached: goal) { return true }
        return await withCheckedContinuation { waiters[number] = (goal, $0) }
    }

    private func newWaiter() -> UInt64 {
        nextWaiter &+= 1
        return nextWaiter
    }

    private func forgetWaiter(_ number: UInt64) {
        waiters.removeValue(forKey: number)?.continuation.resume(returning: false)
    }

    func tellWaiters() {
        // Asked once: leases end on other threads, so a second answer may differ, and a waiter would be resumed twice.
        let reached = Set(waiters.values.map(\.goal)).filter { has(reached: $0) }
        for (number, waiter) in waiters where reached.contains(waiter.goal) {
            waiters[number] = nil
            waiter.continuation.resume(returning: true)
        }
    }

    func has(reached goal: Goal) -> Bool {
        switch goal {
        case .settled:
            loads.isEmpty && records.values.allSatisfy { record in
                guard case .draining(let residence, _, _) = record.phase else { return true }
                return residence.leases > 0
            }
        case .shutDown:
            loads.isEmpty && records.values.allSatisfy { record in
                guard case .draining(let residence, _, let isOverdue) = record.phase else { return true }
                return isOverdue && residence.leases > 0
            }
        case .decided(let id): isDecided(id)
        case .awake(let model):
            isShuttingDown
                || (!asleep.contains(model) && policy.nextStep(for: snapshots(of: model)) == nil
                    && !loads.keys.contains { $0.model == model })
        }
    }

    private func isDecided(_ id: VersionID) -> Bool {
        guard !isShuttingDown, let record = records[id], record.isAspired, record.refusal == nil, !isOut(id),
            quarantine(of: id) == nil
        else { return true }
        switch record.phase {
        case .ready, .failed: return true
        case .discovered, .loading, .draining, .unloaded: return false
        }
    }
}
