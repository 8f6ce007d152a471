import Foundation
import MartletClient
import MartletCore

/// Traffic on one side, swaps on the other.
struct SwapRun {
    let server: SwapServer
    let options: SwapOptions
    let interruption: Interruption

    private static let model = SwapServer.modelName

    func measure() async throws -> SwapFigures {
        var clients: [MartletClient] = []
        for _ in 0..<4 { clients.append(try await MartletClient.connect(to: server.address)) }
        let owner = try await MartletClient.connect(to: server.address)
        let traffic = SwapTraffic(clients: clients, truth: try await truth(owner))
        let threads = try await threadsAtRest()
        let capacity = try await traffic.capacity(seconds: 3, callers: 32)
        // Beyond a thousand calls a second the load's own process would take what the server needs.
        let rate = min(capacity * Double(options.load) / 100, 1_000)
        note("\(Int(capacity)) calls a second at most; \(options.swaps) swaps under \(Int(rate)) calls a second")
        async let calls: Void = traffic.run(rate: rate)
        var swaps: SwapFigures.Swaps
        do {
            try await Task.sleep(for: .seconds(3))
            swaps = try await swap(owner, traffic)
            try await Task.sleep(for: .seconds(3))
        } catch {
            traffic.end()
            await calls
            throw error
        }
        traffic.end()
        await calls
        swaps.threads = (threads, try await threadsAtRest())
        for client in clients + [owner] { await client.close() }
        return SwapFigures(record: traffic.record, swaps: swaps, rate: rate)
    }

    /// What each version answers when nothing is swapped; leaves version 1 with the calls and alone in memory.
    private func truth(_ owner: MartletClient) async throws -> [Int: [[Float]]] {
        var truth: [Int: [[Float]]] = [:]
        for version in [2, 1] {
            _ = try await owner.loadVersion(VersionID(model: Self.model, number: version))
            for index in SwapTraffic.texts.indices {
                let answer = try await owner.classify(SwapTraffic.request(index, version: version))
                truth[version, default: []].append(answer.results.first?.logits ?? [])
            }
        }
        guard truth[1] != truth[2] else { throw MartletError(.internalError, "both versions answer the same") }
        try await owner.setRoute(ModelRoute(to: 1), label: "latest", of: Self.model)
        try await unload(2, owner)
        return truth
    }

    private func swap(_ owner: MartletClient, _ traffic: SwapTraffic) async throws -> SwapFigures.Swaps {
        var swaps = SwapFigures.Swaps()
        // Swaps whose figures are compared with the end.
        let settled = min(500, options.swaps / 4)
        let step = max(1, options.swaps / 20)
        for number in 0..<options.swaps where interruption.status == nil {
            let (old, new) = number.isMultiple(of: 2) ? (1, 2) : (2, 1)
            let start = traffic.seconds()
            _ = try await owner.loadVersion(VersionID(model: Self.model, number: new))
            let loaded = traffic.seconds()
            try await owner.setRoute(ModelRoute(to: new), label: "latest", of: Self.model)
            try await unload(old, owner)
            swaps.loads.append(loaded - start)
            swaps.windows.append(start...traffic.seconds())
            try await Task.sleep(for: options.pause ?? .seconds(traffic.seconds() - start))
            let process = server.measured
            if number >= settled { swaps.memory.append(process.memoryBytes("VmRSS")) }
            if number <= settled {
                swaps.descriptors.first = max(swaps.descriptors.first, process.descriptors)
            }
            if (number + 1).isMultiple(of: step) {
                note("\(number + 1) swaps, \(process.memoryBytes("VmRSS") >> 20) MiB")
            }
        }
        swaps.descriptors.last = server.measured.descriptors
        return swaps
    }

    /// The server's threads once those have ended that the runtime keeps for five seconds after they had work.
    private func threadsAtRest() async throws -> Int {
        try await Task.sleep(for: .seconds(8))
        return server.measured.threads
    }

    /// Returns when the version's memory is returned.
    private func unload(_ version: Int, _ owner: MartletClient) async throws {
        try await owner.unloadVersion(VersionID(model: Self.model, number: version))
        for try await statuses in owner.watchModels(named: Self.model)
        where statuses.first(where: { $0.version == version })?.state == .unloaded { return }
        throw MartletError(.unavailable, "the server left")
    }

    private func note(_ text: String) { FileHandle.standardError.write(Data("\(text)\n".utf8)) }
}
