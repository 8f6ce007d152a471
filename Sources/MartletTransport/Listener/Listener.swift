internal import Glibc
internal import MartletCore
internal import NIOCore
internal import NIOPosix

/// One bound address: accepts connections and gives each its first handler.
struct Listener: Sendable {
    let channel: any Channel
    let address: ServerAddress
    private let socketFile: UnixSocketFile?

    /// - Throws: `.alreadyExists` when the address is taken, `.permissionDenied`, or `.invalidArgument`; each names the
    ///   address and the way out.
    static func bind(
        to address: ServerAddress, on group: any EventLoopGroup, limits: Limits,
        notice: @escaping @Sendable (TransportNotice) -> Void,
        accept: @escaping @Sendable (any Channel) throws -> Void
    ) async throws(MartletError) -> Listener {
        let mark = ChannelOptions.Types.WriteBufferWaterMark(
            low: max(1, limits.outboundPauseBytes / 2), high: max(1, limits.outboundPauseBytes))
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1_024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        AcceptBackoffHandler { error in
                            notice(.acceptFailed(reason: String(cString: strerror(error.errnoCode))))
                            return .milliseconds(100)
                        })
                }
            }
            .childChannelOption(.writeBufferWaterMark, value: mark)
            .childChannelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 1_024, initial: 2_048, maximum: 65_536))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try accept(channel) }
            }
        switch address {
        case .tcp(let host, let port):
            do {
                let channel = try await bootstrap.childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                    .bind(host: host, port: port).get()
                let bound = ServerAddress.tcp(host: host, port: channel.localAddress?.port ?? port)
                return Listener(channel: channel, address: bound, socketFile: nil)
            } catch {
                throw refusal(of: address, error)
            }
        case .unix(let path):
            try await UnixSocketFile.removeStale(at: path, on: group)
            do {
                let channel = try await bootstrap.bind(unixDomainSocketPath: path).get()
                return Listener(channel: channel, address: address, socketFile: UnixSocketFile(boundAt: path))
            } catch {
                throw refusal(of: address, error)
            }
        }
    }

    /// Accepts nothing more.
    func close() async {
        try? await channel.close()
        socketFile?.remove()
    }

    private static func refusal(of address: ServerAddress, _ error: any Error) -> MartletError {
        switch (error as? IOError)?.errnoCode {
        case EADDRINUSE:
            MartletError(
                .alreadyExists,
                "\(address) is taken by another program; stop it, choose another address, or port 0 for any free one",
                cause: error)
        case EACCES, EPERM:
            MartletError(
                .permissionDenied,
                "no permission to listen on \(address); take a port of 1024 or above, or a folder you may write in",
                cause: error)
        case EADDRNOTAVAIL:
            MartletError(
                .invalidArgument, "\(address) is not an address of this machine; 0.0.0.0 takes them all", cause: error)
        case ENOENT, ENOTDIR:
            MartletError(.notFound, "the folder of \(address) does not exist; create it first", cause: error)
        default:
            MartletError(
                .invalidArgument,
                "cannot listen on \(address): give HOST:PORT with a host this machine knows, or unix:PATH of at most "
                    + "107 bytes",
                cause: error)
        }
    }
}
