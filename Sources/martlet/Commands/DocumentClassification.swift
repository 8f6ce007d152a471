import MartletClient
import MartletCore

/// `martlet classify --document`: streams the file up and the findings down.
struct DocumentClassification: Sendable {
    let path: String
    let options: DocumentOptions
    let topK: Int
    let allWindows: Bool
    let pinpoint: Bool
    let failOn: [String]
    let json: Bool
    let connection: ConnectionOptions

    func run() async throws {
        let descriptor = try InputFile.open(path)
        let timeout = try connection.deadline()
        let client = try await connection.connect()
        do {
            try await run(on: client, descriptor: descriptor, timeout: timeout)
        } catch {
            await client.close()
            throw error
        }
        await client.close()
    }

    private func run(on client: MartletClient, descriptor: Int32, timeout: Duration?) async throws {
        let name = path == "-" ? "standard input" : "'\(path)'"
        let status = try await client.model(options.model, timeout: timeout)
        let progress = ReadProgress()
        let chunks = DocumentChunks(descriptor: descriptor, name: name, progress: progress)
        let view = DocumentView(
            name: name, status: status, focusLabel: options.focusLabel, bytesTotal: InputFile.size(descriptor),
            topK: topK, allWindows: allWindows, isQuiet: json)
        var verdict: FinalVerdict?
        view.begin()
        do throws(MartletError) {
            for try await event in client.classifyDocument(options, chunks: chunks, timeout: timeout) {
                if case .final(let final) = event {
                    verdict = final
                } else if json {
                    Output.standard.line(JSONText.line(AnswerJSON.Event(event)))
                }
                view.note(event, bytesSent: progress.bytes)
            }
        } catch {
            view.stop()
            // A file that could not be read to its end comes back as the reason why the call was given up.
            if let failure = error.cause as? CommandFailure { throw failure }
            throw error
        }
        view.stop()
        guard let verdict else {
            throw CommandFailure(.protocolError, "the server ended the document without a verdict")
        }
        let passage = try await passage(of: verdict, descriptor: descriptor, client: client, target: view.target)
        if json {
            Output.standard.line(JSONText.line(AnswerJSON.Event(.final(verdict), passage: passage?.bytes)))
        } else {
            view.end(verdict, passage: passage)
        }
        if failOn.contains(verdict.label) {
            throw CommandFailure(.checkFailed, "\(name) was classified as \(verdict.label) (--fail-on)")
        }
    }

    /// The text behind the verdict, from the local file: of the evidence window, or narrower with `--pinpoint`.
    private func passage(
        of verdict: FinalVerdict, descriptor: Int32, client: MartletClient, target: String?
    ) async throws -> Passage? {
        guard let evidence = verdict.evidence, target == nil || verdict.label == target else { return nil }
        let range = evidence.span.byteStart..<max(evidence.span.byteStart, evidence.span.byteEnd)
        guard let bytes = InputFile.bytes(range, of: descriptor), !bytes.isEmpty else { return nil }
        let whole = Passage(bytes: range, text: String(decoding: bytes, as: UTF8.self), score: nil)
        guard pinpoint else { return whole }
        return try await Pinpoint(client: client, model: options.model, label: verdict.label).narrow(whole, text: bytes)
    }
}

/// A place in the document with its text.
struct Passage: Sendable {
    var bytes: Range<Int>
    var text: String
    /// Of the short windows that found it; nil when it is the whole evidence window.
    var score: Float?
}
