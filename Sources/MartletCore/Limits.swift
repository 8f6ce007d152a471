/// Every limit in one table, each with its unit and its reason. `validated()` checks how they relate.
package struct Limits: Sendable, Hashable {
    // MARK: Wire

    /// Largest message in bytes, frame header not counted, before and after inflating. Stock gRPC peers stop at 4 MiB.
    package var messageBytesMax = 4 << 20
    /// Arena bytes that decoding one message may take. protobuf-c spends up to 62 bytes on one hostile byte; a real
    /// request takes about 2, so this bounds the attack and not the user.
    package var decodeArenaBytesMax = 16 << 20
    /// Message bytes a peer may send on one call before it is granted more.
    package var callCreditBytes = 256 << 10
    /// Calls open at once on one connection.
    package var callsPerConnectionMax = 100
    /// Requests of one stream of them that are answered at the same time.
    package var streamRequestsMax = 64
    /// Connections at once; the listener also keeps below half the descriptor limit.
    package var connectionsMax = 8_192
    /// Bytes waiting to be written on one connection above which its producers are paused.
    package var outboundPauseBytes = 64 << 10
    /// Bytes waiting to be written on one connection above which it is closed: control answers nobody reads.
    package var outboundBytesMax = 8 << 20
    /// From accept to a complete preface and Hello.
    package var handshakeTimeout: Duration = .seconds(10)
    /// From the first byte of a frame to its last.
    package var frameTimeout: Duration = .seconds(60)
    /// A connection without calls is closed after this.
    package var idleTimeout: Duration = .seconds(300)
    /// On SIGTERM and on unload: how long calls in flight may still take.
    package var drainTimeout: Duration = .seconds(30)
    /// How long a connection that we end is still read and dropped, so that a reset does not lose its last frames.
    package var lingerTimeout: Duration = .seconds(1)

    // MARK: HTTP

    /// Bytes of one request's header list, over HTTP/2 and over HTTP/1.1, there its path too. gRPC asks for at least
    /// 8 KiB.
    package var httpHeaderListBytesMax = 16 << 10
    /// A stream of events that was silent for so long is sent a comment, because proxies close silent connections.
    package var heartbeatInterval: Duration = .seconds(15)

    // MARK: HTTP/2

    /// RST_STREAM frames of a peer in 30 seconds. Searching while somebody types, or asking two servers and keeping the
    /// faster answer, cancels hundreds of calls a second; nio-http2's own 200 would end such a connection. Work that
    /// was cancelled and has not stopped counts against `callsPerConnectionMax`, which bounds what resets can cost.
    package var http2ResetsMax = 20_000
    /// PING, SETTINGS and PRIORITY frames of a peer in 30 seconds. Clients that probe their bandwidth send a PING for
    /// every few DATA frames.
    package var http2ControlFramesMax = 10_000
    /// Bytes that all streams of a connection together may send before they are granted more; for one stream it is
    /// `callCreditBytes`.
    package var http2WindowBytes = 1 << 20
    /// A peer that said nothing for so long is sent a PING, so that one that vanished does not keep its calls.
    package var keepaliveInterval: Duration = .seconds(120)
    /// How long the answer to that PING may take.
    package var keepaliveTimeout: Duration = .seconds(20)

    // MARK: Requests

    /// Texts in one request. Bounds the answers one request can make us hold.
    package var textsPerRequestMax = 256
    /// Texts in one request of TEI's REST form: its own default, which its clients cut their batches to.
    package var teiBatchTextsMax = 32
    /// UTF-8 bytes of one text, pair included.
    package var textBytesMax = 1 << 20
    /// Bytes of one document. Its memory does not grow with this; its time does.
    package var documentBytesMax = 16 << 30

    // MARK: Scheduling

    /// Tokens that one packed batch aims at: what the encoder takes in one pass. Larger batches gain nothing, and all
    /// their texts wait for the last one.
    package var batchTokensMax = 512
    /// Tokens that may wait in the queue before new work is refused with a retry hint.
    package var queueTokensMax = 262_144

    // MARK: Artifacts

    package var manifestBytesMax = 8 << 20
    package var tokenizerBytesMax = 64 << 20
    package var weightsBytesMax = 8 << 30
    /// The table of a weights file: 8 MiB hold the names of all `tensorsMax` tensors.
    package var weightsTableBytesMax = 8 << 20
    package var goldenBytesMax = 8 << 20
    package var tensorsMax = 20_000
    package var filesPerVersionMax = 64
    /// Class labels of a model.
    package var classLabelsMax = 4_096
    /// Version labels of a model, without `latest`.
    package var versionLabelsMax = 256

    /// A signature bundle beside a version.
    package var signatureBytesMax = 16 << 20
    /// Uploads of versions at once; each has a staging folder and a hash at work.
    package var uploadsMax = 4

    // MARK: Model manager

    /// Bytes that all versions in memory may take together; 0: no limit.
    package var modelMemoryBytesMax = 0
    /// Copies of calls that wait for shadows at once: a caller's work comes first.
    package var shadowCallsMax = 64

    /// Message bytes of one connection that may wait for their handlers. Every call may have its whole credit waiting,
    /// so only messages far larger than their credit can meet this.
    package var connectionBytesMax: Int {
        let (credit, overflow) = callsPerConnectionMax.multipliedReportingOverflow(by: callCreditBytes)
        return overflow ? .max : max(credit, credit &+ 2 * messageBytesMax)
    }

    /// Bytes of one answer: a larger one would look like a peer that does not read.
    package var answerBytesMax: Int { max(messageBytesMax, outboundBytesMax - outboundPauseBytes) }

    package init() {}

    /// The table itself when its rows agree with one another.
    /// - Throws: `.invalidArgument` naming the rows that do not.
    package func validated() throws(MartletError) -> Limits {
        func require(_ holds: Bool, _ message: String) throws(MartletError) {
            if !holds { throw MartletError(.invalidArgument, message) }
        }
        try require(
            messageBytesMax >= 4_096, "messageBytesMax is \(messageBytesMax), below the least useful 4096 bytes")
        try require(messageBytesMax <= 1 << 30, "messageBytesMax is \(messageBytesMax), above 1 GiB")
        try require(
            decodeArenaBytesMax >= 2 * messageBytesMax,
            "decodeArenaBytesMax (\(decodeArenaBytesMax)) must be at least twice messageBytesMax (\(messageBytesMax))")
        try require(
            textBytesMax < messageBytesMax,
            "textBytesMax (\(textBytesMax)) must be below messageBytesMax (\(messageBytesMax))")
        try require(callCreditBytes >= 4_096, "callCreditBytes is \(callCreditBytes), below 4096 bytes")
        try require(callsPerConnectionMax >= 1, "callsPerConnectionMax must be at least 1")
        try require(streamRequestsMax >= 1, "streamRequestsMax must be at least 1")
        try require(connectionsMax >= 1, "connectionsMax must be at least 1")
        try require(
            outboundPauseBytes <= outboundBytesMax,
            "outboundPauseBytes (\(outboundPauseBytes)) must not exceed outboundBytesMax (\(outboundBytesMax))")
        try require(
            outboundBytesMax > messageBytesMax,
            "outboundBytesMax (\(outboundBytesMax)) must exceed messageBytesMax (\(messageBytesMax))")
        try require(http2ResetsMax >= 1, "http2ResetsMax must be at least 1")
        try require(http2ControlFramesMax >= 1, "http2ControlFramesMax must be at least 1")
        try require(
            httpHeaderListBytesMax >= 1_024, "httpHeaderListBytesMax is \(httpHeaderListBytesMax), below 1024 bytes")
        try require(
            (65_535...(1 << 30)).contains(http2WindowBytes),
            "http2WindowBytes is \(http2WindowBytes), not between 65535 and 1 GiB")
        try require(callCreditBytes <= 1 << 30, "callCreditBytes is \(callCreditBytes), above 1 GiB")
        try require(textsPerRequestMax >= 1, "textsPerRequestMax must be at least 1")
        try require(teiBatchTextsMax >= 1, "teiBatchTextsMax must be at least 1")
        try require(batchTokensMax >= 1, "batchTokensMax must be at least 1")
        try require(uploadsMax >= 1, "uploadsMax must be at least 1")
        try require(modelMemoryBytesMax >= 0, "modelMemoryBytesMax must not be negative; 0 is no limit")
        try require(
            queueTokensMax >= batchTokensMax,
            "queueTokensMax (\(queueTokensMax)) must be at least batchTokensMax (\(batchTokensMax))")
        for (name, time) in [
            ("handshakeTimeout", handshakeTimeout), ("frameTimeout", frameTimeout), ("idleTimeout", idleTimeout),
            ("drainTimeout", drainTimeout), ("lingerTimeout", lingerTimeout), ("keepaliveInterval", keepaliveInterval),
            ("keepaliveTimeout", keepaliveTimeout), ("heartbeatInterval", heartbeatInterval),
        ] {
            try require(time > .zero, "\(name) must be longer than zero")
        }
        return self
    }
}
