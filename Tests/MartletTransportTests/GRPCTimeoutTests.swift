import MartletCore
import Testing

import MartletTransport

@Suite("grpc-timeout")
struct GRPCTimeoutTests {
    @Test(
        "reads every unit, up to eight digits",
        arguments: [
            ("1H", Duration.seconds(3_600)), ("2M", .seconds(120)), ("30S", .seconds(30)), ("250m", .milliseconds(250)),
            ("7u", .microseconds(7)), ("99999999n", .nanoseconds(99_999_999)), ("0n", .zero),
            ("00000001S", .seconds(1)),
            ("99999999H", .seconds(99_999_999 * 3_600)),
        ])
    func units(text: String, duration: Duration) throws {
        #expect(try GRPCTimeout.parse(text) == duration)
    }

    @Test(
        "refuses what is no timeout",
        arguments: [
            "", "1", "H", "1s", "1h", "-1S", "+1S", "1.5S", "100000000S", "1 S", " 1S", "1SS", "١S", "0x1S", "1S ",
        ])
    func malformed(text: String) async {
        let error = await failure { _ = try GRPCTimeout.parse(text) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.hasPrefix("grpc-timeout must be") == true)
    }
}
