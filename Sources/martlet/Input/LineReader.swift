import Foundation

/// Lines of a file or of standard input, as they come.
struct LineReader {
    private let descriptor: Int32
    private let name: String
    private let lineBytesMax: Int
    private var buffer: [UInt8] = []
    private var from = 0
    private var ended = false
    private var number = 0

    /// - Parameter path: `-` for standard input.
    init(path: String, lineBytesMax: Int = 4 << 20) throws(CommandFailure) {
        self.lineBytesMax = lineBytesMax
        name = path == "-" ? "standard input" : "'\(path)'"
        descriptor = try InputFile.open(path)
    }

    /// True when a line can be had without waiting for more input.
    var hasLine: Bool { buffer[from...].contains(0x0A) || (ended && from < buffer.count) }

    /// The next line without its line break; nil at the end.
    /// - Throws: `.data` for bytes that are not UTF-8 and for a line over the limit, naming the line.
    mutating func next() throws(CommandFailure) -> String? {
        var searched = from
        while true {
            if let end = buffer[searched...].firstIndex(of: 0x0A) {
                defer { from = end + 1 }
                return try text(buffer[from..<end])
            }
            searched = buffer.count
            if ended {
                guard from < buffer.count else { return nil }
                defer { from = buffer.count }
                return try text(buffer[from...])
            }
            guard buffer.count - from <= lineBytesMax else {
                throw CommandFailure(
                    .data,
                    "\(name): line \(number + 1) is longer than \(Quantity.bytes(lineBytesMax)); "
                        + "use --document for a whole file"
                )
            }
            buffer.removeFirst(from)
            searched -= from
            from = 0
            let more = try InputFile.read(descriptor, name: name, upTo: 64 << 10)
            if more.isEmpty { ended = true }
            buffer += more
        }
    }

    private mutating func text(_ bytes: ArraySlice<UInt8>) throws(CommandFailure) -> String {
        number += 1
        let line = bytes.last == 0x0D ? bytes.dropLast() : bytes
        guard let text = String(validating: line, as: UTF8.self) else {
            throw CommandFailure(
                .data, "\(name): line \(number) is not UTF-8; convert it first, for example with iconv")
        }
        return text
    }
}
