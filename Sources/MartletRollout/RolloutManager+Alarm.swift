internal import MartletCore

/// What happens by time alone. One timer, which runs only while something is due.
extension RolloutManager {
    private static var tick: Duration { .seconds(1) }

    /// Timers that run now, for tests that wait until nothing more happens by itself.
    package var timerCount: Int { drainTimers.count + (alarm == nil ? 0 : 1) }

    func setAlarm() {
        let due = nextDue()
        guard due != alarm?.due else { return }
        alarm?.task.cancel()
        alarm = nil
        guard let due else { return }
        let task = Task { [weak self, time] in
            do { try await time.sleep(until: due) } catch { return }
            await self?.alarmRang(due)
        }
        alarm = (due, task)
    }

    private func nextDue() -> Duration? {
        let isTicking = isUnsaved || (hasAspired && progress.values.contains(where: \.isRunning))
        if !isTicking { nextTick = nil } else if nextTick == nil { nextTick = time.now + Self.tick }
        let held = progress.values.compactMap(\.holdsOldUntil)
        return (held + idleLooks.values + [nextTick].compactMap { $0 }).min()
    }

    private func alarmRang(_ due: Duration) {
        guard !isShuttingDown, alarm?.due == due else { return }
        alarm = nil
        if let tick = nextTick, tick <= time.now {
            nextTick = nil
            takeFigures()
        }
        advance()
    }
}
