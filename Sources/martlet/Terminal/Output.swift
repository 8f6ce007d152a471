#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// One of the program's two outputs, and what it can show.
///
/// Writes go straight to the descriptor: a reader of a pipe sees each line when it is written.
package struct Output: Sendable {
    package static let standard = Output(descriptor: 1)
    package static let error = Output(descriptor: 2)

    package let descriptor: Int32
    package let isTerminal: Bool
    package let colours: Bool

    /// Colours only on a terminal, and not with `NO_COLOR` (https://no-color.org) or `TERM=dumb`.
    package init(descriptor: Int32) {
        self.descriptor = descriptor
        isTerminal = isatty(descriptor) == 1
        colours = isTerminal && Self.variable("NO_COLOR").isEmpty && Self.variable("TERM") != "dumb"
    }

    /// Columns of the terminal now; 80 when unknown.
    package var columns: Int {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    package func line(_ text: String = "") { write(text + "\n") }

    package func write(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { posixWrite(descriptor, $0.baseAddress, $0.count) }
            if written > 0 {
                bytes = bytes.dropFirst(written)
            } else if errno == EAGAIN {
                // A terminal shared with a program that made it non-blocking.
                var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&wanted, 1, 1_000)
            } else if errno == EPIPE {
                // The reader left, as `head` does. NIO ignores SIGPIPE; the shell expects what it would have given.
                exit(128 + SIGPIPE)
            } else if errno != EINTR {
                return
            }
        }
    }

    /// `text` in `style` where colours are on.
    package func styled(_ text: String, _ style: Style) -> String {
        colours ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }

    package enum Style: String, Sendable {
        case bold = "1"
        case dim = "2"
        case red = "31"
        case green = "32"
        case yellow = "33"
        case cyan = "36"
        case boldRed = "1;31"
        case boldGreen = "1;32"
    }

    private static func variable(_ name: String) -> String {
        getenv(name).map { String(cString: $0) } ?? ""
    }
}

private func posixWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
