import MartletCore
import Testing

@Suite("Errors at the boundary")
struct MartletErrorTests {
    struct Secret: Error { let text = "a customer's words" }

    @Test("an unknown error becomes INTERNAL and keeps its words to itself")
    func wrapsUnknown() {
        let wrapped = MartletError(wrapping: Secret(), while: "testing")
        #expect(wrapped.code == .internalError)
        #expect(!wrapped.description.contains("customer"))
        #expect(wrapped.cause is Secret)
    }

    @Test("a cancelled task becomes CANCELLED and a known error stays itself")
    func wrapsKnown() {
        #expect(MartletError(wrapping: CancellationError(), while: "testing").code == .cancelled)
        let known = MartletError(.notFound, "no such thing", retryAfter: .seconds(1))
        let wrapped = MartletError(wrapping: known, while: "testing")
        #expect(wrapped.code == .notFound && wrapped.retryAfter == .seconds(1))
    }

    @Test("codes have gRPC's numbers and names")
    func codes() {
        let names = (0...16).map { MartletError.Code(value: $0).description }
        #expect(Set(names).count == 17)
        #expect(MartletError.Code.resourceExhausted.description == "RESOURCE_EXHAUSTED")
        #expect(MartletError.Code(value: 99).description == "CODE_99")
    }

    @Test("a deadline in the past has passed and leaves no time")
    func deadlines() {
        #expect(Deadline.after(.zero).hasPassed)
        #expect(Deadline.after(.seconds(-5)).remaining == .zero)
        #expect(!Deadline.none.hasPassed && Deadline.none.remaining == nil)
        #expect(!Deadline.after(.seconds(60)).hasPassed)
    }
}
