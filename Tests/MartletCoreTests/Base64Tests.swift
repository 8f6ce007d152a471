import Foundation
import MartletCore
import Testing

@Suite("Base64")
struct Base64Tests {
    @Test("writes what Foundation writes, and reads it padded and unpadded")
    func agrees() {
        for count in 0..<70 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 251) }
            let text = Array(Data(bytes).base64EncodedString().utf8)
            #expect(Base64.encoded(bytes, padded: true) == text)
            #expect(Base64.decoded(text) == bytes)
            #expect(Base64.decoded(Base64.encoded(bytes, padded: false)) == bytes)
        }
    }

    @Test(
        "refuses what no encoder writes",
        arguments: ["A", "AA=", "A=AA", "====", "AB==", "AAB=", "AA A", "AA-_", "AA==AA=="])
    func refuses(text: String) {
        #expect(Base64.decoded(Array(text.utf8)) == nil)
    }
}
