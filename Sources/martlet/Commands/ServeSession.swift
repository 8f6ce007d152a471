import Foundation
import Logging
import MartletCore
import MartletEncoder
import MartletRollout
import MartletServing
import MartletTransport

/// One run of the server: engine up, addresses bound, wait for a signal, drain.
struct ServeSession {
    let settings: ServeSettings
    let logger: Logger

    func run() async throws {
        // First of all: a signal while models load must not leave anything half done either.
        let signals = ShutdownSignals()
        // What it asks for is read once the server answers; until then it is not to end the process.
        signal(SIGHUP, SIG_IGN)
        if let problem = ConfigurationCheck.folderProblem(settings.models) {
            throw CommandFailure(.configuration, problem)
        }
        // Found before the models load: a port that is taken should not cost a minute of loading first.
        for target in settings.listen + settings.manage {
            if let problem = ListenProbe.problem(with: target) { throw CommandFailure(.unavailable, problem) }
        }
        let tls = try serverTLS()
        let rollouts = try rolloutConfiguration()
        let events = EngineLog(logger: logger)
        let metrics = EngineMetrics(registry: PrometheusRegistry())
        let engine = try await InferenceServer.start(try engineConfiguration(rollouts)) {
            events.note($0)
            metrics.note($0)
        }
        var options = MartletServer.Options(software: "martlet/\(Martlet.version)")
        options.defaultModel = settings.defaultModel
        options.notice = { [logger] in logger.info("\($0)") }
        options.rollouts = engine
        options.tls = tls
        options.metrics = { metrics.exposition(of: engine) }
        let server = MartletServer(handler: engine, limits: settings.limits, options: options)
        var addresses: [String] = []
        let targets =
            settings.listen.map { (address: $0, mayManage: settings.manage.isEmpty) }
            + settings.manage.map { (address: $0, mayManage: true) }
        for target in targets {
            do throws(MartletError) {
                addresses.append(
                    try await server.listen(on: target.address, mayManage: target.mayManage).description)
            } catch {
                await server.drain(within: .zero)
                await engine.shutdown()
                throw CommandFailure(.unavailable, "listen '\(target.address)': \(error.message)")
            }
        }
        let reload = settings.modelsConfig.map {
            ModelsFileReload(path: $0, current: rollouts, memoryBytesMax: memoryBytesMax)
        }
        let following = Task { await reload?.follow { await apply($0, to: engine) } }
        defer { following.cancel() }
        let hangups = HangupReload(tls: tls, models: reload, logger: logger)
        defer { hangups.stop() }
        signals.serving()
        announce(addresses, engine: engine)
        for await number in signals.signals {
            logger.notice(
                "draining: calls in flight are finished, new ones refused; a second signal exits at once",
                metadata: [
                    "signal": "\(ShutdownSignals.name(number))",
                    "within": "\(Quantity.time(settings.limits.drainTimeout))",
                ])
            break
        }
        await server.drain(within: settings.limits.drainTimeout)
        await engine.shutdown()
        if let file = settings.readyFile { unlink(file) }
        logger.notice("stopped")
    }

    private func serverTLS() throws(CommandFailure) -> ServerTLS? {
        guard let identity = settings.tls else { return nil }
        do throws(MartletError) {
            let tls = try ServerTLS(identity)
            HangupReload.announce(tls, "TLS certificate", to: logger)
            return tls
        } catch {
            throw CommandFailure(.configuration, error.message)
        }
    }

    private func engineConfiguration(_ rollouts: RolloutConfiguration) throws(CommandFailure) -> EngineConfiguration {
        var configuration = EngineConfiguration(
            modelsFolder: settings.models, threads: settings.threads,
            cpu: settings.cpu.flatMap { CPULevel(rawValue: $0) }, limits: settings.limits, rollouts: rollouts,
            stateFolder: settings.state)
        configuration.signatures = try SignatureKeyFiles.policy(
            settings.signatureKeys, isRequired: settings.requireSignature, failing: .configuration)
        return configuration
    }

    private var memoryBytesMax: Int? {
        settings.limits.modelMemoryBytesMax == 0 ? nil : settings.limits.modelMemoryBytesMax
    }

    private func rolloutConfiguration() throws(CommandFailure) -> RolloutConfiguration {
        guard let file = settings.modelsConfig else { return RolloutConfiguration(memoryBytesMax: memoryBytesMax) }
        return try ModelsFile.read(file, memoryBytesMax: memoryBytesMax)
    }

    private func apply(_ outcome: ModelsFileReload.Outcome, to engine: InferenceServer) async {
        switch outcome {
        case .unchanged: break
        case .applied(let configuration):
            logger.info("modelsConfig changed, and holds from now on")
            await engine.configure(configuration)
        case .refused(let reason):
            logger.warning(
                "the new modelsConfig is not taken, what was read before stays", metadata: ["reason": "\(reason)"])
        }
    }

    /// Says what is served and where: to people, and to scripts that wait for the line or the file.
    private func announce(_ addresses: [String], engine: InferenceServer) {
        let statuses = engine.statuses()
        if !settings.jsonLogs {
            if statuses.isEmpty {
                Output.standard.line(
                    "no models in '\(settings.models)' yet; publish one with: martlet convert FOLDER --name NAME "
                        + "--models \(settings.models)")
            } else {
                ModelTable.lines(statuses, output: .standard).forEach { Output.standard.line($0) }
            }
        }
        logger.info(
            "compute", metadata: ["threads": "\(engine.computeThreads)", "cpu": "\(engine.kernelLevel.rawValue)"])
        for address in addresses {
            logger.info("listening", metadata: ["address": "\(address)"])
            Output.standard.line("listening on \(address)")
        }
        if let file = settings.readyFile {
            let text = addresses.map { $0 + "\n" }.joined()
            do {
                try Data(text.utf8).write(to: URL(fileURLWithPath: file), options: .atomic)
            } catch {
                logger.error("cannot write the ready file", metadata: ["error": "\(error)"])
            }
        }
    }
}
