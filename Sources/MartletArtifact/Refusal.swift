internal import Glibc
package import MartletCore

extension MartletError {
    /// What to do about a damaged version, unless a refusal knows better.
    static let publishAgain = "Publish the version again (martlet convert), or copy its whole folder again."

    /// Something on disk is refused: `file` is a name inside the version's folder, never a path.
    package static func refused(
        _ file: String, _ problem: String, code: MartletError.Code = .failedPrecondition, wayOut: String = publishAgain
    ) -> MartletError {
        MartletError(code, "\(file): \(problem). \(wayOut)")
    }

    /// A system call failed with `number`.
    static func system(_ file: String, _ doing: String, _ number: Int32, wayOut: String? = nil) -> MartletError {
        let reason = String(cString: strerror(number))
        let code: MartletError.Code =
            switch number {
            case ENOENT, ENOTDIR: .notFound
            case EACCES, EPERM, EROFS, ELOOP: .permissionDenied
            case EEXIST, ENOTEMPTY: .alreadyExists
            case ENOSPC, EDQUOT, EMFILE, ENFILE, ENOMEM: .resourceExhausted
            default: .failedPrecondition
            }
        // What the number says goes before what the caller can: these have nothing to do with the file.
        let way =
            switch number {
            case ENOSPC, EDQUOT: "Free some space and try again."
            case EMFILE, ENFILE: "Raise the limit of open files (ulimit -n) and try again."
            case EACCES, EPERM: wayOut ?? "Give the server's user the right to read and search it."
            default: wayOut ?? publishAgain
            }
        return MartletError(code, "\(file): cannot \(doing): \(reason). \(way)")
    }
}

/// Text of a file's or tensor's name for a message: at most 64 bytes, control characters shown as `?`.
func quoted(_ name: String) -> String {
    var text = ""
    for scalar in name.unicodeScalars.prefix(64) {
        text.unicodeScalars.append(scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) ? "?" : scalar)
    }
    return name.unicodeScalars.count > 64 ? "'\(text)…'" : "'\(text)'"
}
