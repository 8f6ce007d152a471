package import MartletCore

/// Versions that are not tried until their bytes change or somebody clears them.
extension RolloutManager {
    /// Lets a version that was refused, or rolled back, be tried again although its bytes are the same. Asked of one
    /// that is in no quarantine it changes nothing.
    /// - Throws: `.notFound` for a version that nobody knows.
    package func clearQuarantine(_ id: VersionID) throws(MartletError) {
        guard let entry = state.models[id.model]?.quarantine[id.number] else {
            guard records[id] != nil else {
                throw MartletError(
                    .notFound, "there is no such version; `martlet models` lists what is known")
            }
            return
        }
        try commit { $0.change(id.model) { $0.quarantine[id.number] = nil } }
        emit(id, .quarantineCleared)
        // Another fingerprint's entry held nothing up.
        if case .failed(_, entry.fingerprint)? = records[id]?.phase { discover(id) }
        advance()
    }

    /// What `id` is in quarantine for, as it is now: an entry for other bytes is none.
    func quarantine(of id: VersionID) -> RolloutState.Quarantine? {
        guard let entry = state.models[id.model]?.quarantine[id.number], let record = records[id],
            entry.fingerprint == record.triedFingerprint ?? record.aspired.fingerprint
        else { return nil }
        return entry
    }

    /// Of a version that was just found: what it did in an earlier life counts, unless its bytes are others.
    func meetQuarantine(_ id: VersionID) {
        guard let entry = quarantine(of: id) else { return forgetQuarantine(of: id) }
        records[id]?.phase = .failed(reason: entry.reason, fingerprint: entry.fingerprint)
        emit(id, .quarantined(reason: entry.reason))
    }

    func forgetQuarantine(of id: VersionID) {
        guard state.models[id.model]?.quarantine[id.number] != nil else { return }
        note { $0.change(id.model) { $0.quarantine[id.number] = nil } }
    }

    /// Forgets entries of versions whose files are gone. One that was rolled back is remembered all the same: back with
    /// the same bytes it must not get calls because it is the highest.
    func forgetQuarantine(ofAllBut wanted: Set<VersionID>) {
        note { state in
            for (name, model) in state.models {
                let gone = model.quarantine.filter { number, entry in
                    !entry.isRolledBack && !wanted.contains(VersionID(model: name, number: number))
                }
                guard !gone.isEmpty else { continue }
                state.change(name) { model in
                    for number in gone.keys { model.quarantine[number] = nil }
                }
            }
        }
    }
}
