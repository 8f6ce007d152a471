import Foundation

/// A file of settings that an operator named, with the system's words where it cannot be read.
enum SettingsFile {
    /// - Parameters:
    ///   - name: of the setting that names it, for messages.
    ///   - count: bytes; a longer file is cut there.
    /// - Throws: `.configuration` naming the file, and why it cannot be read.
    static func read(_ path: String, name: String, upTo count: Int) throws(CommandFailure) -> Data {
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? handle.close() }
            return try handle.read(upToCount: count) ?? Data()
        } catch {
            throw CommandFailure(.configuration, "\(name) '\(path)' cannot be read: \(reason(error))")
        }
    }

    private static func reason(_ error: any Error) -> String {
        let whole = error as NSError
        let system = whole.userInfo[NSUnderlyingErrorKey] as? NSError ?? whole
        guard system.domain == NSPOSIXErrorDomain, let number = Int32(exactly: system.code) else { return "\(error)" }
        return String(cString: strerror(number))
    }
}
