import MartletCore
import Testing

@Suite("Limits")
struct LimitsTests {
    @Test("the defaults agree with one another")
    func defaults() throws {
        #expect(try Limits().validated() == Limits())
    }

    @Test(
        "a table whose rows disagree is refused by the row's name",
        arguments: [
            ("messageBytesMax", { @Sendable (limits: inout Limits) in limits.messageBytesMax = 100 }),
            ("messageBytesMax", { @Sendable in $0.messageBytesMax = 2 << 30 }),
            ("decodeArenaBytesMax", { @Sendable in $0.decodeArenaBytesMax = 5 << 20 }),
            ("textBytesMax", { @Sendable in $0.textBytesMax = 4 << 20 }),
            ("callCreditBytes", { @Sendable in $0.callCreditBytes = 1 }),
            ("callsPerConnectionMax", { @Sendable in $0.callsPerConnectionMax = 0 }),
            ("connectionsMax", { @Sendable in $0.connectionsMax = 0 }),
            ("outboundPauseBytes", { @Sendable in $0.outboundPauseBytes = 1 << 30 }),
            ("outboundBytesMax", { @Sendable in $0.outboundBytesMax = 1 << 20 }),
            ("textsPerRequestMax", { @Sendable in $0.textsPerRequestMax = 0 }),
            ("batchTokensMax", { @Sendable in $0.batchTokensMax = 0 }),
            ("queueTokensMax", { @Sendable in $0.queueTokensMax = 1 }),
            ("idleTimeout", { @Sendable in $0.idleTimeout = .zero }),
            ("drainTimeout", { @Sendable in $0.drainTimeout = .seconds(-1) }),
        ] as [(String, @Sendable (inout Limits) -> Void)])
    func disagreement(row: String, change: @Sendable (inout Limits) -> Void) {
        var limits = Limits()
        change(&limits)
        let error = #expect(throws: MartletError.self) { try limits.validated() }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains(row) == true)
    }
}
