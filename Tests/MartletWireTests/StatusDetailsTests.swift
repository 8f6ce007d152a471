import MartletCore
import Testing

import MartletWire

@Suite("google.rpc.Status of an error")
struct StatusDetailsTests {
    @Test("holds code, message, reason and how long to wait, as protoc would write them")
    func bytes() {
        let error = MartletError(.resourceExhausted, "full", retryAfter: .milliseconds(1_250))
        let expected =
            [0x08, 8, 0x12, 4] + Array("full".utf8)
            + any(
                "google.rpc.ErrorInfo",
                [0x0A, 18] + Array("RESOURCE_EXHAUSTED".utf8) + [0x12, 7] + Array("martlet".utf8))
            // 1 s, 250 000 000 ns
            + any("google.rpc.RetryInfo", [0x0A, 7, 0x08, 1, 0x10, 0x80, 0xE5, 0x9A, 0x77])
        #expect(StatusDetails.encoded(error) == expected)
    }

    @Test("leaves the wait out where waiting does not help")
    func noWait() {
        let error = MartletError(.notFound, "")
        #expect(
            StatusDetails.encoded(error) == [0x08, 5, 0x12, 0]
                + any("google.rpc.ErrorInfo", [0x0A, 9] + Array("NOT_FOUND".utf8) + [0x12, 7] + Array("martlet".utf8)))
    }

    /// `details`: an Any.
    private func any(_ type: String, _ value: [UInt8]) -> [UInt8] {
        let url = Array("type.googleapis.com/\(type)".utf8)
        let any = [0x0A, UInt8(url.count)] + url + [0x12, UInt8(value.count)] + value
        return [0x1A, UInt8(any.count)] + any
    }
}
