package import MartletCore
internal import MartletRollout

extension InferenceServer {
    package func statistics(
        named name: String?, context: CallContext
    ) async throws(MartletError) -> [ModelStatistics] {
        if let name, manager.statuses(named: name).isEmpty { throw Self.unknownName }
        return manager.leasesOnLoaded(named: name).map { $0.loaded.counters.statistics(of: $0.identity.id) }
    }

    package var facts: EngineFacts { EngineFacts(computeThreads: computeThreads, cpuLevel: kernelLevel.rawValue) }

    /// Runs one call of the version that `lease` holds and counts how it ended.
    func counted<Answer>(
        _ lease: Lease<ServedModel>, _ context: CallContext, _ call: () async throws(MartletError) -> Answer
    ) async throws(MartletError) -> Answer {
        let counters = lease.loaded.counters
        do throws(MartletError) {
            let answer = try await call()
            counters.answered(in: context.arrival.duration(to: .now))
            return answer
        } catch {
            counters.failed(error)
            throw error
        }
    }
}
