import MartletCore
import MartletEncoder
import MartletTransport

/// What `martlet serve` runs with: read once, checked whole, passed down.
package struct ServeSettings: Sendable {
    package var models: String
    package var listen: [ServerAddress]
    /// With any, calls that change what is served are answered there only.
    package var manage: [ServerAddress]
    /// Nil: no TLS.
    package var tls: TLSIdentity?
    /// Compute threads; 0 takes one for each core this process may use.
    package var threads: Int
    /// Highest instruction set to use; nil for the best there is.
    package var cpu: String?
    package var insecurePublic: Bool
    package var jsonLogs: Bool
    package var logLevel: String
    package var readyFile: String?
    /// What an HTTP request means that names no model.
    package var defaultModel: ModelReference?
    /// File of what is wanted of each model; read again when it changes. Nil: the newest version of each.
    package var modelsConfig: String?
    /// Folder of what operators decided.
    package var state: String
    /// PEM files of the keys that versions are signed with; none: signatures are not looked at.
    package var signatureKeys: [String]
    /// Versions without a signature are refused.
    package var requireSignature: Bool
    package var limits: Limits

    package static let cpuLevels = ["best"] + CPULevel.ladder.map(\.rawValue)
    package static let logLevels = ["trace", "debug", "info", "notice", "warning", "error"]

    package static let settings: [Setting] =
        [
            Setting("models", .text, default: "models", "folder of <name>/<version>/ folders to serve"),
            Setting("listen", .list, default: "127.0.0.1:8970", "addresses: host:port, [ipv6]:port or unix:/path"),
            Setting(
                "manage", .list, default: "",
                "addresses for calls that change what is served; without any, every address answers them"),
            Setting(
                "tlsCertificate", .text, default: "",
                "PEM file: the server's certificate and what leads to its authority"),
            Setting("tlsKey", .text, default: "", "PEM file: the certificate's private key"),
            Setting(
                "tlsClientCA", .text, default: "", "PEM file: authorities whose clients may connect; none: anybody"),
            Setting(
                "tlsClientOptional", .flag, default: "false",
                "with tlsClientCA: take clients without a certificate too"),
            Setting("threads", .count, default: "0", "compute threads; 0: the cores this process may use"),
            Setting("cpu", .choice(cpuLevels), default: "best", "highest instruction set to use"),
            Setting(
                "insecurePublic", .flag, default: "false", "allow addresses that other machines reach, without TLS"),
            Setting("jsonLogs", .flag, default: "false", "log as JSON lines"),
            Setting("logLevel", .choice(logLevels), default: "info", "least level to log"),
            Setting("readyFile", .text, default: "", "file written with the addresses once the server answers"),
            Setting(
                "defaultModel", .text, default: "",
                "model of requests that name none where their form allows it: name, name@version or name:label"),
            Setting(
                "modelsConfig", .text, default: "",
                "YAML or JSON file: versions, order, memory and labels of each model; followed while it changes"),
            Setting(
                "state", .text, default: "",
                "folder for what operators decide: labels, routes, rollouts; default: .martlet in the models folder"),
            Setting(
                "signatureKeys", .list, default: "",
                "PEM files of public keys; a version's model.sig must be of one of them"),
            Setting(
                "requireSignature", .flag, default: "false",
                "refuse versions without a model.sig; needs signatureKeys"),
        ] + LimitSettings.settings

    /// - Throws: `.configuration` naming the setting, its source and what it must be.
    package init(_ resolved: [ResolvedSetting]) throws(CommandFailure) {
        func find(_ key: String) -> ResolvedSetting? { resolved.first { $0.setting.key == key } }
        func text(_ key: String) -> String { find(key)?.text ?? "" }

        models = text("models")
        threads = SettingValue.count(text("threads")) ?? 0
        cpu = text("cpu") == "best" ? nil : text("cpu")
        insecurePublic = SettingValue.flag(text("insecurePublic")) ?? false
        jsonLogs = SettingValue.flag(text("jsonLogs")) ?? false
        logLevel = text("logLevel")
        readyFile = text("readyFile").isEmpty ? nil : text("readyFile")
        modelsConfig = text("modelsConfig").isEmpty ? nil : text("modelsConfig")
        state = text("state").isEmpty ? Self.defaultState(models: models) : text("state")
        limits = try LimitSettings.limits(from: resolved)
        signatureKeys = (find("signatureKeys")?.texts ?? []).filter { !$0.isEmpty }
        requireSignature = SettingValue.flag(text("requireSignature")) ?? false
        guard !requireSignature || !signatureKeys.isEmpty else {
            throw CommandFailure(
                .configuration, "requireSignature needs signatureKeys: without a key no signature can hold")
        }

        guard !models.isEmpty else {
            throw CommandFailure(
                .configuration, "models is empty; name the folder that holds <name>/<version>/ folders")
        }
        if case let text = text("defaultModel"), !text.isEmpty {
            guard let model = ModelReference(parsing: text) else {
                throw CommandFailure(
                    .configuration, "defaultModel '\(text)' is no model; write name, name@version or name:label")
            }
            defaultModel = model
        }
        guard threads <= 1_024 else {
            throw CommandFailure(.configuration, "threads is \(threads), above 1024")
        }
        tls = try Self.tls(
            certificate: text("tlsCertificate"), key: text("tlsKey"), clientAuthority: text("tlsClientCA"),
            isClientOptional: SettingValue.flag(text("tlsClientOptional")) ?? false)
        let mayBePublic = insecurePublic || tls != nil
        listen = try Self.addresses("listen", find("listen")?.texts ?? [], mayBePublic: mayBePublic)
        manage = try Self.addresses("manage", find("manage")?.texts ?? [], mayBePublic: mayBePublic)
        guard !listen.isEmpty else {
            throw CommandFailure(.configuration, "listen is empty; give an address such as 127.0.0.1:8970")
        }
        if let both = manage.first(where: { listen.contains($0) && !$0.takesAnyPort }) {
            throw CommandFailure(.configuration, "'\(both)' stands in listen and in manage; give each its own")
        }
    }

    /// Hidden, so that it is no model.
    private static func defaultState(models: String) -> String {
        models.hasSuffix("/") ? models + ".martlet" : models + "/.martlet"
    }

    private static func tls(
        certificate: String, key: String, clientAuthority: String, isClientOptional: Bool
    ) throws(CommandFailure) -> TLSIdentity? {
        guard certificate.isEmpty == key.isEmpty else {
            throw CommandFailure(.configuration, "tlsCertificate and tlsKey go together; one of them is not set")
        }
        guard !certificate.isEmpty else {
            guard clientAuthority.isEmpty else {
                throw CommandFailure(.configuration, "tlsClientCA needs tlsCertificate and tlsKey; they are not set")
            }
            return nil
        }
        return TLSIdentity(
            certificateFile: certificate, keyFile: key,
            clientAuthorityFile: clientAuthority.isEmpty ? nil : clientAuthority,
            isClientCertificateOptional: isClientOptional)
    }

    private static func addresses(
        _ setting: String, _ texts: [String], mayBePublic: Bool
    ) throws(CommandFailure) -> [ServerAddress] {
        var addresses: [ServerAddress] = []
        for text in texts where !text.isEmpty {
            guard let target = ServerAddress(parsing: text, ports: 0...65_535) else {
                throw CommandFailure(
                    .configuration,
                    "\(setting) '\(text)' is no address; write host:port, [ipv6]:port or unix:/path/to/socket")
            }
            guard target.isLocal || mayBePublic else {
                throw CommandFailure(
                    .configuration,
                    """
                    \(setting) '\(text)' can be reached from other machines, and TLS is not set up. Give \
                    tlsCertificate and tlsKey, listen on 127.0.0.1 or a Unix socket, or insist with --insecure-public
                    """)
            }
            addresses.append(target)
        }
        return addresses
    }
}
