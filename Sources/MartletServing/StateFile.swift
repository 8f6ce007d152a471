internal import MartletArtifact
package import MartletCore
package import MartletRollout

/// The manager's state as one file in a folder of its own: `rollouts.state`.
///
/// A folder that cannot be written stops no server: reading finds nothing, and what an operator asks is refused with the
/// way out.
package struct StateFile: StateStore {
    /// Generous: a thousand models with their labels and rollouts take about 2 MiB.
    package static let bytesMax = 16 << 20
    package static let name = "rollouts.state"

    private let file: DurableFile

    private struct Format: Decodable { var format: Int }

    package init(folder: String) {
        file = DurableFile(
            folder: folder, name: Self.name, what: "the state file (\(Self.name))", kind: "martlet-state",
            bytesMax: Self.bytesMax)
    }

    package func load() throws(MartletError) -> RolloutState? {
        guard let bytes = try file.read() else { return nil }
        let format: Int = try decode(Format.self, bytes).format
        guard format == RolloutState.currentFormat else {
            throw MartletError(
                .failedPrecondition,
                "the state file (\(Self.name)) has format \(format), and this server reads "
                    + "\(RolloutState.currentFormat). Start the version that wrote it, or move the file away.")
        }
        return try decode(RolloutState.self, bytes)
    }

    package func save(_ state: RolloutState) throws(MartletError) {
        try file.write(try CanonicalJSON.encode(state, file: Self.name))
    }

    private func decode<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8]) throws(MartletError) -> Value {
        do {
            return try bytes.withUnsafeBytes { try CanonicalJSON.decode(type, from: $0, file: Self.name) }
        } catch {
            throw MartletError(
                .dataLoss, "the state file (\(Self.name)) does not hold a state. Move it away to begin without it.",
                cause: error)
        }
    }
}
