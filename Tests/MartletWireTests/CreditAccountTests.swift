import MartletWire
import Testing

struct CreditAccountTests {
    @Test("an account saturates instead of overflowing")
    func saturation() {
        var account = CreditAccount(.max)
        #expect(account.balance == 1 << 62)
        account.grant(.max)
        account.grant(.max)
        #expect(account.balance == 1 << 62)
        account.spend(messageOf: 10)
        #expect(account.balance == (1 << 62) - 64)
    }
}
