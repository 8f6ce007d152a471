import MartletCore

/// The rows of `MartletCore.Limits` as settings: `limits.<row>`. A test sees to it that none is missing.
package enum LimitSettings {
    private enum Row {
        case number(WritableKeyPath<Limits, Int> & Sendable, SettingKind)
        case time(WritableKeyPath<Limits, Duration> & Sendable)
    }

    private static let rows: [(name: String, row: Row, help: String)] = [
        ("messageBytesMax", .number(\.messageBytesMax, .bytes), "largest message, before and after inflating"),
        ("decodeArenaBytesMax", .number(\.decodeArenaBytesMax, .bytes), "memory that decoding one message may take"),
        ("callCreditBytes", .number(\.callCreditBytes, .bytes), "bytes a call may send before it is granted more"),
        ("callsPerConnectionMax", .number(\.callsPerConnectionMax, .count), "calls open at once on a connection"),
        ("streamRequestsMax", .number(\.streamRequestsMax, .count), "requests of a stream answered at once"),
        ("connectionsMax", .number(\.connectionsMax, .count), "connections at once"),
        ("outboundPauseBytes", .number(\.outboundPauseBytes, .bytes), "unread answers that pause a call"),
        ("outboundBytesMax", .number(\.outboundBytesMax, .bytes), "unread answers that close a connection"),
        ("handshakeTimeout", .time(\.handshakeTimeout), "from accept to a complete Hello or request head"),
        ("frameTimeout", .time(\.frameTimeout), "from a frame's first byte to its last; of HTTP, a body's"),
        ("idleTimeout", .time(\.idleTimeout), "until a connection without calls is closed"),
        ("drainTimeout", .time(\.drainTimeout), "for calls in flight on SIGTERM and on unload"),
        ("lingerTimeout", .time(\.lingerTimeout), "for a closing connection's last answer to be read"),
        ("httpHeaderListBytesMax", .number(\.httpHeaderListBytesMax, .bytes), "header list of one HTTP request"),
        ("http2ResetsMax", .number(\.http2ResetsMax, .count), "streams a peer may reset in 30 seconds"),
        ("http2ControlFramesMax", .number(\.http2ControlFramesMax, .count), "PING and SETTINGS frames in 30 seconds"),
        ("http2WindowBytes", .number(\.http2WindowBytes, .bytes), "bytes all HTTP/2 streams of a connection may send"),
        ("keepaliveInterval", .time(\.keepaliveInterval), "silence after which an HTTP/2 peer is pinged"),
        ("keepaliveTimeout", .time(\.keepaliveTimeout), "for the answer to that ping"),
        ("heartbeatInterval", .time(\.heartbeatInterval), "silence after which a stream of events is sent a comment"),
        ("textsPerRequestMax", .number(\.textsPerRequestMax, .count), "texts in one request"),
        ("teiBatchTextsMax", .number(\.teiBatchTextsMax, .count), "texts in one request of TEI's REST form"),
        ("textBytesMax", .number(\.textBytesMax, .bytes), "UTF-8 bytes of one text, its pair included"),
        ("documentBytesMax", .number(\.documentBytesMax, .bytes), "bytes of one document"),
        ("batchTokensMax", .number(\.batchTokensMax, .count), "tokens that one packed batch aims at"),
        ("queueTokensMax", .number(\.queueTokensMax, .count), "tokens waiting before calls are refused"),
        ("manifestBytesMax", .number(\.manifestBytesMax, .bytes), "a version's manifest"),
        ("tokenizerBytesMax", .number(\.tokenizerBytesMax, .bytes), "a version's tokenizer"),
        ("weightsBytesMax", .number(\.weightsBytesMax, .bytes), "a version's weights"),
        ("weightsTableBytesMax", .number(\.weightsTableBytesMax, .bytes), "the table of a version's tensors"),
        ("goldenBytesMax", .number(\.goldenBytesMax, .bytes), "a version's golden examples"),
        ("tensorsMax", .number(\.tensorsMax, .count), "tensors of a version"),
        ("filesPerVersionMax", .number(\.filesPerVersionMax, .count), "files of a version"),
        ("classLabelsMax", .number(\.classLabelsMax, .count), "class labels of a model"),
        ("signatureBytesMax", .number(\.signatureBytesMax, .bytes), "a version's signature bundle"),
        ("uploadsMax", .number(\.uploadsMax, .count), "uploads of versions at once"),
        ("modelMemoryBytesMax", .number(\.modelMemoryBytesMax, .bytes), "all versions in memory; 0: no limit"),
        ("shadowCallsMax", .number(\.shadowCallsMax, .count), "copies of calls that wait for shadows at once"),
        ("versionLabelsMax", .number(\.versionLabelsMax, .count), "version labels of a model, beside latest"),
    ]

    package static let prefix = "limits."

    package static let settings: [Setting] = {
        let defaults = Limits()
        return rows.map { name, row, help in
            switch row {
            case .number(let path, let kind):
                Setting(prefix + name, kind, default: String(defaults[keyPath: path]), help)
            case .time(let path):
                Setting(prefix + name, .duration, default: SettingValue.text(defaults[keyPath: path]), help)
            }
        }
    }()

    /// The table with every resolved `limits.` setting in it, checked for agreement.
    package static func limits(from settings: [ResolvedSetting]) throws(CommandFailure) -> Limits {
        var limits = Limits()
        for resolved in settings where resolved.setting.key.hasPrefix(prefix) {
            let name = resolved.setting.key.dropFirst(prefix.count)
            guard let row = rows.first(where: { $0.name == name })?.row else { continue }
            switch row {
            case .number(let path, let kind):
                let value = kind == .bytes ? SettingValue.bytes(resolved.text) : SettingValue.count(resolved.text)
                if let value { limits[keyPath: path] = value }
            case .time(let path):
                if let value = SettingValue.duration(resolved.text) { limits[keyPath: path] = value }
            }
        }
        do {
            return try limits.validated()
        } catch {
            throw CommandFailure(.configuration, "the limits do not agree: \(error.message)")
        }
    }
}
