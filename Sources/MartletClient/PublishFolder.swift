internal import MartletCore

/// A version's folder as its publisher reads it: the manifest, the signature beside it, and the files the manifest
/// names. The server judges them; here only what would send the wrong bytes is refused.
struct PublishFolder: Sendable {
    struct File: Sendable {
        var name: String
        var bytes: Int
    }

    private static let manifestName = "manifest.json"
    private static let signatureName = "model.sig"

    let path: String
    let manifest: [UInt8]
    /// Empty without one.
    let signature: [UInt8]
    let files: [File]
    /// What one message holds of a file at most.
    var chunkBytes = 256 << 10

    var totalBytes: Int { files.reduce(0) { $0 &+ $1.bytes } }

    /// - Throws: `.notFound` without a manifest, `.invalidArgument` for one that cannot be read.
    static func read(_ path: String, limits: Limits = Limits()) async throws(MartletError) -> PublishFolder {
        guard let manifest = try await contents(manifestName, in: path, bytesMax: limits.manifestBytesMax) else {
            throw MartletError(
                .notFound, "the folder has no \(manifestName): name a version's folder, which 'martlet convert' makes")
        }
        return PublishFolder(
            path: path, manifest: manifest,
            signature: try await contents(signatureName, in: path, bytesMax: limits.signatureBytesMax) ?? [],
            files: try files(of: manifest))
    }

    /// The chunks of a file from `offset` on.
    func chunks(of file: File, from offset: Int) -> FileChunks {
        FileChunks(
            path: "\(path)/\(file.name)", noun: "the version's \(file.name)", offset: offset,
            chunkBytes: chunkBytes)
    }

    /// The whole of a small file; nil when there is none.
    private static func contents(
        _ name: String, in folder: String, bytesMax: Int
    ) async throws(MartletError) -> [UInt8]? {
        var bytes: [UInt8] = []
        do {
            for try await chunk in FileChunks(path: "\(folder)/\(name)", noun: "the version's \(name)") {
                bytes += chunk
                guard bytes.count <= bytesMax else {
                    throw MartletError(
                        .invalidArgument, "the version's \(name) is over the limit of \(bytesMax) bytes")
                }
            }
        } catch {
            let failure = MartletError(wrapping: error, while: "reading \(name)")
            if failure.code == .notFound { return nil }
            throw failure
        }
        return bytes
    }

    static func files(of manifest: [UInt8]) throws(MartletError) -> [File] {
        var cursor = try JSONCursor(manifest, source: manifestName)
        var files: [File] = []
        try cursor.object { (cursor, key) throws(MartletError) in
            guard key == Array("files".utf8) else { return try cursor.skip() }
            try cursor.array { (cursor) throws(MartletError) in files.append(try file(&cursor)) }
        }
        try cursor.end()
        guard !files.isEmpty else { throw MartletError(.invalidArgument, "\(manifestName) names no files") }
        return files
    }

    private static func file(_ cursor: inout JSONCursor) throws(MartletError) -> File {
        var name = ""
        var bytes: Int?
        try cursor.object { (cursor, key) throws(MartletError) in
            switch key {
            case Array("name".utf8): name = String(decoding: try cursor.string(), as: UTF8.self)
            case Array("bytes".utf8): bytes = try cursor.integer()
            default: try cursor.skip()
            }
        }
        // A name with a way out of the folder would send a file that is no part of the version.
        guard VersionID.isValidModelName(name) else {
            throw MartletError(.invalidArgument, "\(manifestName) names a file whose name is no plain file name")
        }
        guard let bytes, bytes >= 0 else {
            throw MartletError(.invalidArgument, "\(manifestName) gives no size for \(name)")
        }
        return File(name: name, bytes: bytes)
    }
}
