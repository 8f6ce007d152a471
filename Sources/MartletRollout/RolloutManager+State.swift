internal import MartletCore

/// What survives the process.
extension RolloutManager {
    static func restored(from store: any StateStore) throws(MartletError) -> RolloutState {
        do throws(MartletError) {
            return try store.load()?.validated() ?? RolloutState()
        } catch {
            throw MartletError(
                .failedPrecondition,
                "the saved state of routes and rollouts cannot be used: \(error.message); put a copy of it back that "
                    + "is whole, or take it away to begin without routes, rollouts and quarantine",
                cause: error.cause)
        }
    }

    static func progress(of state: RolloutState, now: Duration) -> [RouteKey: RolloutProgress] {
        var progress: [RouteKey: RolloutProgress] = [:]
        for (name, model) in state.models {
            for (label, rollout) in model.rollouts {
                progress[RouteKey(model: name, label: label)] = RolloutProgress(rollout, now: now)
            }
        }
        return progress
    }

    /// A change that somebody asked for: it is saved before it is seen, or it is not made.
    func commit(_ change: (inout RolloutState) -> Void) throws(MartletError) {
        var next = state
        change(&next)
        guard next != state else { return }
        do throws(MartletError) {
            try store.save(next)
        } catch {
            throw MartletError(
                error.code, "nothing was changed, because it could not be saved: \(error.message)",
                retryAfter: error.retryAfter, cause: error.cause)
        }
        state = next
        wasSaved()
    }

    /// A change that follows by itself: it is made first, and saved as soon as that works.
    func note(_ change: (inout RolloutState) -> Void) {
        let before = state
        change(&state)
        guard state != before else { return }
        isUnsaved = true
        saveAgain()
    }

    /// Saves what could not be saved before.
    func saveAgain() {
        guard isUnsaved else { return }
        do throws(MartletError) {
            try store.save(state)
            wasSaved()
        } catch {
            guard toldSaveFailure != error.message else { return }
            toldSaveFailure = error.message
            emit(.stateNotSaved(reason: error.message))
        }
    }

    private func wasSaved() {
        isUnsaved = false
        toldSaveFailure = nil
    }
}
