import Foundation
import MartletCore
import MartletTransport
import Testing
import martlet

struct SettingsReaderTests {
    private func resolve(
        flags: [String: [String]] = [:], environment: [String: String] = [:], file: String? = nil
    ) async throws -> [String: ResolvedSetting] {
        let reader = try await SettingsReader(
            known: ServeSettings.settings, flags: flags, environment: environment, file: file)
        return Dictionary(uniqueKeysWithValues: try reader.resolve().map { ($0.setting.key, $0) })
    }

    private func withFile<R>(_ text: String, _ name: String, _ body: (String) async throws -> R) async throws -> R {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent(name)
        try Data(text.utf8).write(to: file)
        return try await body(file.path)
    }

    @Test("lets a flag win over the environment, the environment over the file, the file over the default")
    func precedence() async throws {
        let text = "threads: 3\nlogLevel: debug\nmodels: from-file\nlimits:\n  drainTimeout: 10s\n"
        try await withFile(text, "martlet.yaml") { file in
            let resolved = try await resolve(
                flags: ["threads": ["1"]],
                environment: [
                    "MARTLET_THREADS": "2", "MARTLET_LOG_LEVEL": "error", "MARTLET_LIMITS_FRAME_TIMEOUT": "5min",
                ], file: file)
            #expect(resolved["threads"]?.text == "1")
            #expect(resolved["threads"]?.source == .flag)
            #expect(resolved["logLevel"]?.text == "error")
            #expect(resolved["logLevel"]?.source == .environment("MARTLET_LOG_LEVEL"))
            #expect(resolved["models"]?.source == .file(file))
            #expect(resolved["cpu"]?.source == .fallback)
            let settings = try ServeSettings(ServeSettings.settings.compactMap { resolved[$0.key] })
            #expect(settings.limits.drainTimeout == .seconds(10))
            #expect(settings.limits.frameTimeout == .seconds(300))
        }
    }

    @Test("reads numbers, flags and lists of a JSON file")
    func json() async throws {
        let text =
            #"{"threads": 2, "insecurePublic": true, "listen": ["0.0.0.0:1", "unix:/x"], "#
                + #""limits": {"textBytesMax": 4096}}"#
        try await withFile(text, "martlet.json") { file in
            let resolved = try await resolve(file: file)
            let settings = try ServeSettings(ServeSettings.settings.compactMap { resolved[$0.key] })
            #expect(settings.threads == 2)
            #expect(settings.insecurePublic)
            #expect(settings.listen.map(\.description) == ["0.0.0.0:1", "unix:/x"])
            #expect(settings.limits.textBytesMax == 4_096)
        }
    }

    @Test("takes several addresses from one variable")
    func environmentList() async throws {
        let resolved = try await resolve(environment: ["MARTLET_LISTEN": "127.0.0.1:1, unix:/x"])
        #expect(resolved["listen"]?.texts == ["127.0.0.1:1", "unix:/x"])
    }

    @Test("refuses what is no setting, and says which was meant")
    func unknownKey() async throws {
        try await withFile("limits:\n  drainTimout: 10s\n", "martlet.yaml") { file in
            let failure = await #expect(throws: CommandFailure.self) { try await resolve(file: file) }
            #expect(failure?.status == .configuration)
            #expect(failure?.message?.contains("did you mean 'limits.drainTimeout'?") == true)
        }
    }

    @Test(
        "refuses a value that cannot be read, naming its source",
        arguments: [
            ("MARTLET_THREADS", "two", "whole number"), ("MARTLET_THREADS", "-1", "whole number"),
            ("MARTLET_CPU", "sse", "avx512vnni"), ("MARTLET_INSECURE_PUBLIC", "maybe", "true or false"),
            ("MARTLET_LIMITS_DRAIN_TIMEOUT", "soon", "a time"), ("MARTLET_LIMITS_MESSAGE_BYTES_MAX", "9e9", "a size"),
            ("MARTLET_LIMITS_MESSAGE_BYTES_MAX", "99999999999999999999", "a size"),
        ])
    func badValues(name: String, value: String, wanted: String) async throws {
        let failure = await #expect(throws: CommandFailure.self) { try await resolve(environment: [name: value]) }
        #expect(failure?.status == .configuration)
        #expect(failure?.message?.contains(name) == true)
        #expect(failure?.message?.contains(wanted) == true)
    }

    @Test("a file that cannot be read is told by its name, in the system's words and no library's")
    func unreadable() async throws {
        try await withFile("", "martlet.yaml") { file in
            let folder = (file as NSString).deletingLastPathComponent
            for (path, reason) in [
                (folder, "Is a directory"), (file + "/x.json", "Not a directory"), (folder + "/none", "No such file"),
            ] {
                let failure = await #expect(throws: CommandFailure.self) { try await resolve(file: path) }
                #expect(failure?.status == .configuration)
                let message = failure?.message ?? ""
                #expect(message.hasPrefix("the configuration file '\(path)' cannot be read: \(reason)"), "\(message)")
            }
        }
    }

    @Test("names variables that are no settings")
    func unknownVariables() async throws {
        let reader = try await SettingsReader(
            known: ServeSettings.settings, flags: [:], environment: ["MARTLET_TREADS": "1", "HOME": "/"], file: nil)
        #expect(reader.unknownVariables == ["MARTLET_TREADS"])
    }

    @Test("refuses limits that do not agree with one another")
    func limitsAgree() async throws {
        let resolved = try await resolve(flags: ["limits.textBytesMax": ["8MiB"]])
        let failure = #expect(throws: CommandFailure.self) {
            try ServeSettings(ServeSettings.settings.compactMap { resolved[$0.key] })
        }
        #expect(failure?.message?.contains("textBytesMax (8388608)") == true)
    }

    @Test("lets every limit be set")
    func everyLimit() {
        let rows = Set(Mirror(reflecting: Limits()).children.compactMap(\.label))
        let settings = Set(LimitSettings.settings.map { String($0.key.dropFirst(LimitSettings.prefix.count)) })
        #expect(rows == settings)
    }

    @Test("has defaults that hold, and are those of the limits' table")
    func defaults() async throws {
        let resolved = try await resolve()
        let settings = try ServeSettings(ServeSettings.settings.compactMap { resolved[$0.key] })
        #expect(settings.limits == Limits())
    }

    @Test(
        "refuses an address other machines reach unless insisted on",
        arguments: ["0.0.0.0:1", "[::]:1", "192.168.1.2:1", "example.org:1", "128.0.0.1:1"])
    func publicAddress(address: String) async throws {
        var resolved = try await resolve(flags: ["listen": [address]])
        let failure = #expect(throws: CommandFailure.self) {
            try ServeSettings(ServeSettings.settings.compactMap { resolved[$0.key] })
        }
        #expect(failure?.message?.contains("--insecure-public") == true)
        resolved = try await resolve(flags: ["listen": [address], "insecurePublic": ["true"]])
        #expect(throws: Never.self) { try ServeSettings(ServeSettings.settings.compactMap { resolved[$0.key] }) }
    }

    @Test("takes TLS by flag, variable and file name, and then addresses other machines reach")
    func tls() async throws {
        let resolved = try await resolve(
            flags: [
                "listen": ["0.0.0.0:1"], "manage": ["127.0.0.1:2"], "tlsCertificate": ["a.pem"], "tlsKey": ["a.key"],
            ],
            environment: ["MARTLET_TLS_CLIENT_CA": "b.pem", "MARTLET_TLS_CLIENT_OPTIONAL": "true"])
        let settings = try ServeSettings(ServeSettings.settings.compactMap { resolved[$0.key] })
        #expect(
            settings.tls
                == TLSIdentity(
                    certificateFile: "a.pem", keyFile: "a.key", clientAuthorityFile: "b.pem",
                    isClientCertificateOptional: true))
        #expect(settings.manage == [.tcp(host: "127.0.0.1", port: 2)])
    }

    @Test(
        "refuses half of what TLS needs, and an address that stands in both lists",
        arguments: [
            (["tlsCertificate": ["a.pem"]], "tlsCertificate and tlsKey go together"),
            (["tlsKey": ["a.key"]], "tlsCertificate and tlsKey go together"),
            (["tlsClientCA": ["b.pem"]], "tlsClientCA needs tlsCertificate"),
            (["listen": ["127.0.0.1:1"], "manage": ["127.0.0.1:1"]], "stands in listen and in manage"),
            (["manage": ["nowhere"]], "manage 'nowhere' is no address"),
            (["manage": ["0.0.0.0:1"]], "manage '0.0.0.0:1' can be reached from other machines"),
        ])
    func disagreement(flags: [String: [String]], message: String) async throws {
        let resolved = try await resolve(flags: flags)
        let failure = #expect(throws: CommandFailure.self) {
            try ServeSettings(ServeSettings.settings.compactMap { resolved[$0.key] })
        }
        #expect(failure?.message?.contains(message) == true)
    }

    @Test("takes local addresses", arguments: ["127.0.0.1:0", "127.1.2.3:1", "localhost:1", "[::1]:1", "unix:/tmp/x"])
    func localAddress(address: String) async throws {
        let resolved = try await resolve(flags: ["listen": [address]])
        #expect(throws: Never.self) { try ServeSettings(ServeSettings.settings.compactMap { resolved[$0.key] }) }
    }
}
