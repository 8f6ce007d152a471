import Testing

import MartletTransport

@Suite("grpc-message")
struct GRPCMessageTextTests {
    @Test(
        "escapes everything but printable ASCII, and the percent sign",
        arguments: [
            ("", ""), ("top_k is 7, the limit 5; ask for fewer", "top_k is 7, the limit 5; ask for fewer"),
            ("100%", "100%25"), ("a\nb\r\t", "a%0Ab%0D%09"), ("naïve", "na%C3%AFve"), ("\u{7F}", "%7F"), ("~", "~"),
            ("🐦", "%F0%9F%90%A6"),
        ])
    func escapes(text: String, encoded: String) {
        #expect(GRPCMessageText.encoded(text) == encoded)
    }
}
