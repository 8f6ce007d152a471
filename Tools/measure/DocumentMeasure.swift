import Foundation
import MartletClient
import MartletCore
import MartletTestSupport

/// How much a long document grows the server.
///
/// The model is tiny, so that the document's way through the server is what is measured: chunks, tokens, windows and
/// answers are as many as with a large model.
enum DocumentMeasure {
    static let help = """
        Usage: martlet-measure document [--json] [--quick]

        Streams a 200 MB document (--quick: 20 MB) of real text through a server and prints how far its resident memory
        rose above what it was after a first short document, and how fast the document went.
        """

    static func run(_ arguments: [String]) async -> Int32 {
        if arguments.contains("--help") {
            print(help)
            return 0
        }
        let json = arguments.contains("--json"), quick = arguments.contains("--quick")
        let megabytes = quick ? 20 : 200
        var model = TinyModelFolder(seed: 1)
        model.hiddenSize = 16
        model.layers = 1
        model.heads = 1
        model.intermediateSize = 16
        model.maxPositions = 128
        do {
            let child = try ServerChild(model: model, cpu: nil)
            defer { child.end() }
            let client = try await MartletClient.connect(to: .unix(path: child.socketPath))
            _ = try await classify(1, with: client)
            child.measured.resetPeak()
            let before = child.measured.memoryBytes("VmRSS")
            let start = ContinuousClock.now
            let verdict = try await classify(megabytes, with: client)
            let seconds = OverheadMeasure.microseconds(start.duration(to: .now)) / 1e6
            let growth = Double(child.measured.memoryBytes("VmHWM") - before) / 1e6
            await client.close()
            guard verdict.coverage.fraction == 1, verdict.coverage.bytesReceived == megabytes * 1_000_000 else {
                throw MartletError(.dataLoss, "only \(verdict.coverage) of the document was read")
            }
            MeasuredCase.below(64, "document of \(megabytes) MB: server grows", max(0, growth), unit: "MB")
                .print(json: json)
            MeasuredCase.shown("document of \(megabytes) MB: speed", Double(megabytes) / seconds, unit: "MB/s")
                .print(json: json)
            MeasuredCase.shown("document of \(megabytes) MB: windows", Double(verdict.windows), unit: "windows")
                .print(json: json)
            return 0
        } catch {
            FileHandle.standardError.write(Data("martlet-measure document: \(error)\n".utf8))
            return 1
        }
    }

    private static func classify(_ megabytes: Int, with client: MartletClient) async throws -> FinalVerdict {
        let options = DocumentOptions(model: ModelReference(name: ServerChild.modelName), emitRunning: false)
        var final: FinalVerdict?
        for try await event in client.classifyDocument(options, chunks: RepeatedText(bytes: megabytes * 1_000_000)) {
            if case .final(let verdict) = event { final = verdict }
        }
        guard let final else { throw MartletError(.dataLoss, "the document ended without a verdict") }
        return final
    }
}

/// A licence text that every Debian machine has, over and over, to an exact number of bytes.
struct RepeatedText: AsyncSequence, Sendable {
    typealias Element = [UInt8]
    let bytes: Int
    private let text: [UInt8]

    init(bytes: Int) {
        self.bytes = bytes
        let licence = FileManager.default.contents(atPath: "/usr/share/common-licenses/GPL-3")
        text = licence.map { Array($0) } ?? Array(String(repeating: OverheadMeasure.text + "\n", count: 200).utf8)
    }

    struct AsyncIterator: AsyncIteratorProtocol {
        var rest: Int
        let text: [UInt8]

        mutating func next() async -> [UInt8]? {
            guard rest > 0 else { return nil }
            let chunk = text.prefix(rest)
            rest -= chunk.count
            return Array(chunk)
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(rest: bytes, text: text) }
}
