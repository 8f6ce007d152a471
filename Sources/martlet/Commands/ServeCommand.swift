import ArgumentParser
import Foundation
import Logging
import MartletCore

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve every model in a folder, and follow the folder while it changes.",
        discussion: """
            Loads each version in <models>/<name>/<version>/, checks it against its golden answers, and listens. A \
            version that appears later is loaded and takes over; one that is removed drains; one that does not hold \
            is refused with its reason while the old one goes on. SIGTERM and SIGINT finish the calls in flight and \
            exit 0; a second signal exits at once.

            Each address answers HTTP/1.1, HTTP/2, gRPC and the native protocol; GET / lists the paths, and \
            GET /openapi.json describes them. With a certificate TCP addresses speak TLS only, and Unix sockets stay \
            plain. 'martlet classify' and the other commands that ask a server speak no TLS: give them a Unix socket.

            Each setting comes from the first of these that has it:
              1. a flag            --threads 2
              2. the environment   MARTLET_THREADS=2, MARTLET_LIMITS_DRAIN_TIMEOUT=10s
              3. a file            --config martlet.yaml (or .json), or MARTLET_CONFIG
              4. the default
            --check prints every setting with its value and source, tries the folder and the addresses, and exits 0, \
            or 78 with what is wrong.

            Examples:
              martlet serve --models models
              martlet serve --listen unix:/run/martlet.sock --threads 4
              martlet serve --listen 0.0.0.0:443 --tls-certificate chain.pem --tls-key key.pem
              martlet serve --listen 127.0.0.1:8970 --manage unix:/run/martlet-manage.sock
              martlet serve --default-model guard
              martlet serve --signature-key publisher.pub --require-signature
              martlet serve --config martlet.yaml --limit drainTimeout=10s --check
              martlet serve --models-config models.yaml

            martlet.yaml:
              models: /var/lib/martlet/models
              listen: ["127.0.0.1:8970", "unix:/run/martlet.sock"]
              limits:
                drainTimeout: 10s
                messageBytesMax: 8MiB
                decodeArenaBytesMax: 32MiB
                outboundBytesMax: 16MiB

            models.yaml, read again when it changes and on SIGHUP; what does not hold is told and not taken:
            \(ModelsFile.example.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n"))
            """)

    @Option(help: ArgumentHelp("Folder of <name>/<version>/ folders (default: models).", valueName: "folder"))
    var models: String?

    @Option(
        help: ArgumentHelp(
            "Address: host:port, [ipv6]:port or unix:/path; repeat for several (default: 127.0.0.1:8970).",
            valueName: "address"))
    var listen: [String] = []

    @Option(
        help: ArgumentHelp(
            "Address for calls that load, unload and label models too; repeatable. With any, the others refuse those.",
            valueName: "address"))
    var manage: [String] = []

    @Option(
        help: ArgumentHelp(
            "TLS certificate chain, PEM; TCP addresses then speak TLS only. SIGHUP reads the files again.",
            valueName: "file"))
    var tlsCertificate: String?

    @Option(help: ArgumentHelp("The certificate's private key, PEM.", valueName: "file"))
    var tlsKey: String?

    @Option(
        name: .customLong("tls-client-ca"),
        help: ArgumentHelp(
            "Authorities of client certificates, PEM; clients without one are refused (but see tlsClientOptional).",
            valueName: "file"))
    var tlsClientCA: String?

    @Option(help: ArgumentHelp("Compute threads (default: the cores this process may use).", valueName: "count"))
    var threads: String?

    @Option(
        help: ArgumentHelp(
            "Highest instruction set: \(ServeSettings.cpuLevels.joined(separator: ", ")) (default: best).",
            valueName: "level"))
    var cpu: String?

    @Option(help: ArgumentHelp("Configuration file, YAML or JSON.", valueName: "file"))
    var config: String?

    @Option(
        help: ArgumentHelp(
            "A limit, such as drainTimeout=10s; repeatable; --check lists them.", valueName: "name=value"))
    var limit: [String] = []

    @Flag(help: "Allow addresses that other machines can reach without TLS.")
    var insecurePublic = false

    @Flag(help: "Log as JSON lines.")
    var jsonLogs = false

    @Option(
        help: ArgumentHelp(
            "Least level to log: trace, debug, info, notice, warning, error (default: info).", valueName: "level"))
    var logLevel: String?

    @Option(help: ArgumentHelp("Write the addresses to this file once the server answers.", valueName: "file"))
    var readyFile: String?

    @Option(
        help: ArgumentHelp(
            "Model of requests that name none where their form allows it: name, name@version or name:label (default: "
                + "the only one for the task).",
            valueName: "model"))
    var defaultModel: String?

    @Option(
        help: ArgumentHelp(
            "What is wanted of each model: versions, order, memory, labels; YAML or JSON, followed while it changes.",
            valueName: "file"))
    var modelsConfig: String?

    @Option(
        help: ArgumentHelp(
            "Folder for what operators decide: labels, routes, rollouts (default: .martlet in the models folder).",
            valueName: "folder"))
    var state: String?

    @Option(
        help: ArgumentHelp(
            "Public key, PEM, that a version's model.sig must be of; repeatable. A signature of no key is refused.",
            valueName: "file"))
    var signatureKey: [String] = []

    @Flag(help: "With --signature-key: refuse versions without a signature too.")
    var requireSignature = false

    @Flag(help: "Print the configuration that would hold, check it, and exit.")
    var check = false

    @Flag(help: "With --check: print JSON.")
    var json = false

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let reader = try await SettingsReader(
            known: ServeSettings.settings, flags: try flags(), environment: environment,
            file: config ?? environment["MARTLET_CONFIG"],
            otherVariables: ["MARTLET_CONFIG", "MARTLET_ADDRESS", "MARTLET_FIXTURES", "MARTLET_BINARY"])
        let resolved = try reader.resolve()
        if check {
            try await ConfigurationCheck(resolved: resolved, unknownVariables: reader.unknownVariables).run(json: json)
            return
        }
        let settings = try ServeSettings(resolved)
        let form: LogLines.Form = settings.jsonLogs ? .json : .text(.error)
        let level = Logger.Level(rawValue: settings.logLevel) ?? .info
        let logger = Logger(label: "martlet") { LogLines(label: $0, form: form, level: level) }
        for name in reader.unknownVariables {
            logger.warning("ignoring an environment variable that names no setting", metadata: ["variable": "\(name)"])
        }
        try await ServeSession(settings: settings, logger: logger).run()
    }

    /// What was given on the command line, by setting.
    private func flags() throws(CommandFailure) -> [String: [String]] {
        var flags: [String: [String]] = [:]
        flags["models"] = models.map { [$0] }
        flags["listen"] = listen.isEmpty ? nil : listen
        flags["manage"] = manage.isEmpty ? nil : manage
        flags["tlsCertificate"] = tlsCertificate.map { [$0] }
        flags["tlsKey"] = tlsKey.map { [$0] }
        flags["tlsClientCA"] = tlsClientCA.map { [$0] }
        flags["threads"] = threads.map { [$0] }
        flags["cpu"] = cpu.map { [$0] }
        flags["insecurePublic"] = insecurePublic ? ["true"] : nil
        flags["jsonLogs"] = jsonLogs ? ["true"] : nil
        flags["logLevel"] = logLevel.map { [$0] }
        flags["readyFile"] = readyFile.map { [$0] }
        flags["defaultModel"] = defaultModel.map { [$0] }
        flags["modelsConfig"] = modelsConfig.map { [$0] }
        flags["state"] = state.map { [$0] }
        flags["signatureKeys"] = signatureKey.isEmpty ? nil : signatureKey
        flags["requireSignature"] = requireSignature ? ["true"] : nil
        for text in limit {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2,
                LimitSettings.settings.contains(where: { $0.key == LimitSettings.prefix + parts[0] })
            else {
                throw CommandFailure(
                    .usage, "--limit \(text): write name=value with a name that 'martlet serve --check' lists")
            }
            flags[LimitSettings.prefix + parts[0]] = [parts[1]]
        }
        return flags
    }
}
