internal import Crypto
package import MartletCore

extension Manifest {
    private static let noChecksum = String(repeating: "0", count: 64)

    /// The bytes of `manifest.json`, checksum included.
    package func encoded() throws(MartletError) -> [UInt8] {
        var manifest = self
        manifest.checksum = Manifest.noChecksum
        let open = try CanonicalJSON.encode(manifest, file: Manifest.fileName)
        manifest.checksum = MartletArtifact.sha256(open)
        return try CanonicalJSON.encode(manifest, file: Manifest.fileName)
    }

    /// Decodes and checks `manifest.json`.
    static func decoded(from bytes: UnsafeRawBufferPointer, limits: Limits) throws(MartletError) -> Manifest {
        let manifest = try CanonicalJSON.decode(Manifest.self, from: bytes, file: fileName)
        guard manifest.format == currentFormat else {
            throw .refused(
                fileName, "has format \(manifest.format), this program reads \(currentFormat)",
                wayOut: "Use the program that made it, or convert the model again with this one.")
        }
        try manifest.checkChecksum(bytes)
        try manifest.check(limits)
        return manifest
    }

    private func checkChecksum(_ bytes: UnsafeRawBufferPointer) throws(MartletError) {
        let file = Manifest.fileName
        guard isDigest(checksum) else {
            throw .refused(file, "'checksum' is not 64 lower-case hex digits", code: .dataLoss)
        }
        let wanted = Array(checksum.utf8)
        var places: [Int] = []
        var place = 0
        while place + wanted.count <= bytes.count {
            if bytes[place] == wanted[0], bytes[place..<(place + wanted.count)].elementsEqual(wanted) {
                places.append(place)
            }
            place += 1
        }
        guard places.count == 1, let start = places.first else {
            throw .refused(file, "'checksum' stands \(places.count) times in it, expected once", code: .dataLoss)
        }
        var hash = SHA256()
        hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: bytes[..<start]))
        hash.update(data: Array(Manifest.noChecksum.utf8))
        hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: bytes[(start + wanted.count)...]))
        let actual = hex(hash.finalize())
        guard actual == checksum else {
            throw .refused(
                file, "its content has SHA-256 \(actual), its checksum says \(checksum): it was changed or damaged",
                code: .dataLoss)
        }
    }
}
