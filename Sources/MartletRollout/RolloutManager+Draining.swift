internal import MartletCore

/// From a version that answers to memory that is returned.
extension RolloutManager {
    func beginDraining(_ id: VersionID) {
        guard case .ready(let residence, let fingerprint)? = records[id]?.phase else { return }
        records[id]?.phase = .draining(residence, fingerprint: fingerprint, isOverdue: false)
        // First the new table, then the door: a lease refused at the door finds the way in the new table.
        publish()
        let leases = residence.close()
        emit(id, .draining(leases: leases))
        guard leases > 0 else { return endDraining(id, residence) }
        startDrainPump()
        let limit = time.now + drainTimeout
        drainTimers[id] = Task { [weak self, time] in
            do { try await time.sleep(until: limit) } catch { return }
            await self?.drainLimitPassed(id, residence)
        }
    }

    /// A draining version that is wanted again answers at once: nothing of it has left memory yet.
    /// - Returns: false when it had begun to leave; it is loaded again once it has.
    func endDrainingEarly(_ id: VersionID) -> Bool {
        guard case .draining(let residence, let fingerprint, _)? = records[id]?.phase, residence.reopen() else {
            return false
        }
        drainTimers.removeValue(forKey: id)?.cancel()
        records[id]?.phase = .ready(residence, fingerprint: fingerprint)
        emit(id, .returned)
        return true
    }

    /// Hears of last leases that ended on other threads.
    private func startDrainPump() {
        guard drainPump == nil else { return }
        drainPump = Task { [weak self, drained] in
            for await id in drained { await self?.lastLeaseEnded(id) }
        }
    }

    private func lastLeaseEnded(_ id: VersionID) {
        guard case .draining(let residence, _, _)? = records[id]?.phase, residence.leases == 0 else { return }
        endDraining(id, residence)
        advance()
    }

    private func endDraining(_ id: VersionID, _ residence: Residence<Loaded>) {
        drainTimers.removeValue(forKey: id)?.cancel()
        residence.evict()
        let entry = quarantine(of: id)
        if records[id]?.isAspired == true { records[id]?.phase = .unloaded } else { records[id] = nil }
        emit(id, .unloaded)
        if let entry, let record = records[id] {
            if record.aspired.fingerprint == entry.fingerprint {
                records[id]?.phase = .failed(reason: entry.reason, fingerprint: entry.fingerprint)
            } else {
                forgetQuarantine(of: id)
            }
        }
        memoryReturned()
    }

    private func drainLimitPassed(_ id: VersionID, _ residence: Residence<Loaded>) {
        guard case .draining(let current, let fingerprint, isOverdue: false)? = records[id]?.phase,
            current === residence, residence.leases > 0
        else { return }
        drainTimers[id] = nil
        records[id]?.phase = .draining(residence, fingerprint: fingerprint, isOverdue: true)
        emit(id, .drainOverdue(leases: residence.leases))
        residence.revoke()
        advance()
    }
}
