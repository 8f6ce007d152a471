import MartletCore
import MartletWire
import Testing

struct SmallPartsTests {
    @Test("the preface is recognised byte by byte and refused at the first wrong one")
    func preface() {
        for count in 0..<8 { #expect(Preface.match(Preface.bytes.prefix(count)) == .incomplete) }
        #expect(Preface.match(Preface.bytes) == .complete)
        #expect(Preface.match(Preface.bytes + [1, 2]) == .complete)
        #expect(Preface.match(Array("GET / HT".utf8)) == .wrong)
        #expect(Preface.match(Array("MARTLET2".utf8)) == .wrong)
        #expect(Preface.match(Array("MX".utf8)) == .wrong)
    }

    @Test("an error crosses as a status and comes back with code, message and hint")
    func status() {
        let error = MartletError(.resourceExhausted, "queue full", retryAfter: .microseconds(1_200))
        let status = CallStatus(error)
        #expect(status == CallStatus(code: 8, message: "queue full", retryAfterMilliseconds: 2))
        #expect(status.error?.code == .resourceExhausted)
        #expect(status.error?.retryAfter == .milliseconds(2))
        #expect(CallStatus.ok.error == nil)
        #expect(CallStatus(MartletError(.init(value: 0), "no code")).code == 2)
        let forever = MartletError(.unavailable, "", retryAfter: .seconds(Int64.max))
        #expect(CallStatus(forever).retryAfterMilliseconds == UInt32.max)
        #expect(CallStatus(MartletError(.unavailable, "", retryAfter: .seconds(-1))).retryAfterMilliseconds == 0)
    }

    @Test("a message costs its bytes, and an empty one is not free")
    func creditCost() {
        #expect(CreditCost.bytes(ofPayload: 0) == 64)
        #expect(CreditCost.bytes(ofPayload: 64) == 64)
        #expect(CreditCost.bytes(ofPayload: 65) == 65)
    }
}
