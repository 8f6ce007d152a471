internal import Glibc
internal import MartletCore
internal import NIOCore
internal import NIOPosix

/// The file of a Unix socket, which outlives its server unless somebody removes it.
struct UnixSocketFile: Sendable {
    let path: String
    /// Device and inode of the file as bound, so that only our own is removed.
    private let device: dev_t
    private let inode: ino_t

    /// The file as it is right after binding; nil when it is gone already.
    init?(boundAt path: String) {
        var information = stat()
        guard lstat(path, &information) == 0 else { return nil }
        self.path = path
        device = information.st_dev
        inode = information.st_ino
    }

    func remove() {
        var information = stat()
        guard lstat(path, &information) == 0, information.st_dev == device, information.st_ino == inode else { return }
        unlink(path)
    }

    /// Removes a socket file that a dead server left behind.
    /// - Throws: `.alreadyExists` when a server listens there, or when the path is something else than a socket.
    static func removeStale(at path: String, on group: any EventLoopGroup) async throws(MartletError) {
        var information = stat()
        guard lstat(path, &information) == 0 else { return }
        guard information.st_mode & S_IFMT == S_IFSOCK else {
            throw MartletError(
                .alreadyExists, "\(path) exists and is not a socket; choose another path or remove it")
        }
        do {
            let channel = try await ClientBootstrap(group: group).connect(unixDomainSocketPath: path).get()
            try? await channel.close()
        } catch let error as IOError where error.errnoCode == ECONNREFUSED {
            unlink(path)
            return
        } catch {
            throw MartletError(
                .alreadyExists, "\(path) is a socket that cannot be looked at; choose another path or remove it",
                cause: error)
        }
        throw MartletError(
            .alreadyExists, "another server listens on \(path); stop it or choose another path")
    }
}
