/// What a message takes off its account (PROTOCOL.md section 5).
package enum CreditCost {
    /// A floor, so that a flood of empty messages cannot fill the receiver's queue for free.
    private static let bytesMin = 64

    package static func bytes(ofPayload count: Int) -> Int { max(bytesMin, count) }
}
