#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The one place of this module that reads the machine: small files of `/proc` and `/sys`.
package enum SystemFiles {
    package static var onlineCPUs: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// The text of a file of at most 64 KiB; nil when it cannot be read.
    package static func read(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var text: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4_096)
        while text.count < 65_536 {
            // Named apart from this method: `read` alone would be itself.
            let count = readSome(file, into: &piece)
            guard count >= 0 else { return nil }
            if count == 0 { break }
            text.append(contentsOf: piece.prefix(count))
        }
        return String(decoding: text, as: UTF8.self)
    }
}

private func readSome(_ file: Int32, into piece: inout [UInt8]) -> Int { read(file, &piece, piece.count) }
