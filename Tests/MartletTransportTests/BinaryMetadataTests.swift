import MartletCore
import Testing

import MartletTransport

@Suite("Metadata whose name ends in -bin")
struct BinaryMetadataTests {
    @Test(
        "reads padded, unpadded and joined values",
        arguments: [
            ("", [[]]), ("AQ==", [[1]]), ("AQ", [[1]]), ("AQI=", [[1, 2]]), ("AQI", [[1, 2]]), ("AQID", [[1, 2, 3]]),
            ("AQ==,AQI", [[1], [1, 2]]), ("AQ, AQID,", [[1], [1, 2, 3], []]), ("+/8", [[0xFB, 0xFF]]),
        ] as [(String, [[UInt8]])])
    func reads(text: String, values: [[UInt8]]) throws {
        #expect(try BinaryMetadata.decode(text, of: "trace-bin") == values)
    }

    @Test(
        "refuses what is not base64, naming the entry",
        arguments: ["A", "A===", "AQ=", "A Q", "-_8", "AR", "=", "AQ=,AQ"])
    func refuses(text: String) async {
        let error = await failure { _ = try BinaryMetadata.decode(text, of: "trace-bin") }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message == "the value of metadata trace-bin is not base64")
    }

    @Test("writes without padding, and reads back what it wrote")
    func writes() throws {
        for count in 0..<40 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 91 &+ 7) }
            let text = BinaryMetadata.encode(bytes)
            #expect(!text.contains("="))
            #expect(try BinaryMetadata.decode(text, of: "x-bin") == [bytes])
        }
    }
}
