import MartletCore
import Testing

struct DurationWholeTests {
    @Test("durations become whole microseconds, clamped at both ends")
    func microseconds() {
        #expect(Duration.nanoseconds(1_999).wholeMicroseconds == 1)
        #expect(Duration.seconds(2).wholeMicroseconds == 2_000_000)
        #expect(Duration.nanoseconds(-1).wholeMicroseconds == 0)
        #expect(Duration.seconds(Int64.max).wholeMicroseconds == UInt64.max)
    }
}
