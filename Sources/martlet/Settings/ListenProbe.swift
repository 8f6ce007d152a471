import MartletCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Whether an address can be listened on now, found by doing it for a moment.
enum ListenProbe {
    /// Why `target` cannot be listened on; nil when it can.
    static func problem(with target: ServerAddress) -> String? {
        switch target {
        case .tcp(let host, let port): tcpProblem(host: host, port: port, target: target)
        case .unix(let path): unixProblem(path: path, target: target)
        }
    }

    private static func tcpProblem(host: String, port: Int, target: ServerAddress) -> String? {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = streamType
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &found) == 0, let address = found else {
            return "listen '\(target)': the host has no address on this machine"
        }
        defer { freeaddrinfo(address) }
        let descriptor = socket(address.pointee.ai_family, address.pointee.ai_socktype, address.pointee.ai_protocol)
        guard descriptor >= 0 else { return "listen '\(target)': \(systemMessage())" }
        defer { close(descriptor) }
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        guard bind(descriptor, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0, listen(descriptor, 1) == 0
        else {
            return errno == EADDRINUSE
                ? "listen '\(target)': the port is in use; stop what has it, or choose another with --listen"
                : "listen '\(target)': \(systemMessage())"
        }
        return nil
    }

    /// A socket file that nobody answers is left over from a crash and is replaced when serving starts.
    private static func unixProblem(path: String, target: ServerAddress) -> String? {
        var details = stat()
        guard stat(path, &details) == 0 else {
            let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
            return access(folder.isEmpty ? "/" : folder, W_OK) == 0
                ? nil : "listen '\(target)': the folder cannot be written: \(systemMessage())"
        }
        guard details.st_mode & S_IFMT == S_IFSOCK else {
            return "listen '\(target)': a file that is no socket is there; choose another path"
        }
        let descriptor = socket(AF_UNIX, streamType, 0)
        guard descriptor >= 0 else { return "listen '\(target)': \(systemMessage())" }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { bytes in
            // One byte is left for the closing zero that the initialiser put there.
            for (index, byte) in path.utf8.prefix(bytes.count - 1).enumerated() { bytes[index] = byte }
        }
        let answered = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        return answered ? "listen '\(target)': another server answers there; stop it or choose another path" : nil
    }

    private static func systemMessage() -> String { String(cString: strerror(errno)) }

    #if canImport(Glibc)
        private static let streamType = Int32(SOCK_STREAM.rawValue)
    #else
        private static let streamType = SOCK_STREAM
    #endif
}
