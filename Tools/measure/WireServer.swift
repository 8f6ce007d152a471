import Foundation
import MartletCore

/// A server whose model does nothing, so that a call costs what its protocol costs.
///
/// `martlet-measure wire-server` listens, prints its addresses, a line each, and serves until its standard input ends.
enum WireServer {
    static func serve(_ arguments: [String]) async -> Int32 {
        let addresses = arguments.compactMap { ServerAddress(parsing: $0, ports: 0...65_535) }
        guard !addresses.isEmpty, addresses.count == arguments.count else {
            FileHandle.standardError.write(Data("Usage: martlet-measure wire-server ADDRESS...\n".utf8))
            return 2
        }
        do {
            try await MeasuredServer.serve(NoOpHandler(), at: addresses)
            return 0
        } catch {
            FileHandle.standardError.write(Data("martlet-measure: \(error)\n".utf8))
            return 1
        }
    }
}
