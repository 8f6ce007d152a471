import Foundation
import MartletCore
import MartletTransport

/// A server that lives as long as its standard input, so that it cannot outlive whoever measures it.
enum MeasuredServer {
    /// Prints each address and `listening`, a line each, and serves until standard input ends.
    static func serve(_ handler: any InferenceHandler, at addresses: [ServerAddress]) async throws {
        let server = MartletServer(handler: handler, limits: Limits(), software: "martlet-measure")
        for address in addresses { print(try await server.listen(on: address)) }
        print("listening")
        fflush(nil)
        while readLine() != nil {}
        await server.drain(within: .seconds(5))
    }
}
