import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix

/// Answers `/echo.Echo/Echo` with the bytes it got, on grpc-swift-2 and its NIO transport with their defaults but for
/// the flush coalescing, which waits up to 100 us for more to write. Ends when standard input ends.
@main
struct GRPCEcho {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3, let port = Int(arguments[1]), let loops = Int(arguments[2]) else {
            FileHandle.standardError.write(Data("Usage: grpc-echo PORT EVENT-LOOPS\n".utf8))
            exit(64)
        }
        let transport = HTTP2ServerTransport.Posix(
            address: .ipv4(host: "127.0.0.1", port: port), transportSecurity: .plaintext,
            config: .defaults { $0.connection.flushCoalescing = nil },
            eventLoopGroup: .init(numberOfThreads: loops))
        let server = GRPCServer(transport: transport, services: [Echo()])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.serve() }
            group.addTask {
                while let line = try FileHandle.standardInput.read(upToCount: 4_096), !line.isEmpty {}
                server.beginGracefulShutdown()
            }
            try await group.waitForAll()
        }
    }
}

struct Echo: RegistrableRPCService {
    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        router.registerHandler(
            forMethod: MethodDescriptor(fullyQualifiedService: "echo.Echo", method: "Echo"), deserializer: Bytes(),
            serializer: Bytes()
        ) { request, _ in
            StreamingServerResponse { writer in
                for try await message in request.messages { try await writer.write(message) }
                return [:]
            }
        }
    }
}

struct Bytes: MessageSerializer, MessageDeserializer {
    func serialize<Contents: GRPCContiguousBytes>(_ message: [UInt8]) throws -> Contents { Contents(message) }

    func deserialize<Contents: GRPCContiguousBytes>(_ contents: Contents) throws -> [UInt8] {
        contents.withUnsafeBytes { Array($0) }
    }
}
