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
        if let problem = ConfigurationCheck.folderProblem(settings.models) {
            throw CommandFailure(.configuration, problem)
        }
        // Found before the models load: a port that is taken should not cost a minute of loading first.
        for target in settings.listen + settings.manage {
            if let problem = ListenProbe.problem(with: target) { throw CommandFailure(.unavailable, problem) }
        }
        let tls = try serverTLS()
        let reloads = CertificateReload(tls: tls, logger: logger)
        defer { reloads.stop() }
        let events = EngineLog(logger: logger)
        let engine = try await InferenceServer.start(try engineConfiguration()) { events.note($0) }
        var options = MartletServer.Options(software: "martlet/\(Martlet.version)")
        options.defaultModel = settings.defaultModel
        options.notice = { [logger] in logger.info("\($0)") }
        options.tls = tls
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
            CertificateReload.announce(tls, "TLS certificate", to: logger)
            return tls
        } catch {
            throw CommandFailure(.configuration, error.message)
        }
    }

    private func engineConfiguration() throws(CommandFailure) -> EngineConfiguration {
        var configuration = EngineConfiguration(
            modelsFolder: settings.models, threads: settings.threads,
            cpu: settings.cpu.flatMap { CPULevel(rawValue: $0) }, limits: settings.limits)
        configuration.signatures = try SignatureKeyFiles.policy(
            settings.signatureKeys, isRequired: settings.requireSignature, failing: .configuration)
        return configuration
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
