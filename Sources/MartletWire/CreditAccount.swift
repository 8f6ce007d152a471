/// Message bytes that one side of a call may still send (Protos/PROTOCOL.md section 5).
package struct CreditAccount: Sendable, Hashable {
    /// May be negative: the message that used up the account went as a whole.
    package private(set) var balance: Int

    private static let most = 1 << 62

    package init(_ initial: UInt64) { balance = Int(clamping: min(initial, UInt64(Self.most))) }

    package var isPositive: Bool { balance > 0 }

    package mutating func spend(messageOf bytes: Int) {
        // A message is below 1 GiB and is taken off only while the balance is above 0: no underflow.
        balance -= CreditCost.bytes(ofPayload: bytes)
    }

    package mutating func grant(_ bytes: UInt64) {
        let (sum, overflow) = balance.addingReportingOverflow(Int(clamping: bytes))
        balance = overflow ? Self.most : min(sum, Self.most)
    }
}
