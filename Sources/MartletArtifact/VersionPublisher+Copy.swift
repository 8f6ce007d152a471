package import MartletCore

extension VersionPublisher {
    /// Publishes a copy of a version's folder: the files go the way that an upload's go.
    ///
    /// - Parameters:
    ///   - folder: what is copied; the files are checked against its manifest on the way.
    ///   - name: another name for the model; nil keeps the manifest's.
    ///   - version: another number; nil keeps the manifest's. With another name or number the manifest is made again,
    ///     and a `model.sig`, which signs the old one, stays behind.
    ///   - progress: told bytes that are there and bytes in all; throws to stop. What was copied then waits for the
    ///     same publish to be tried again.
    package func copy(
        from path: String, name: String? = nil, version: Int? = nil,
        progress: (_ done: Int, _ total: Int) throws(MartletError) -> Void = { _, _ in }
    ) throws(MartletError) -> PublishedVersion {
        let folder = try FolderHandle(path: path, describedAs: "the version's folder")
        let stated = try reader.readManifest(folder)
        let limits = limits
        var manifest = try stated.lend { bytes throws(MartletError) in
            try Manifest.decoded(from: bytes, limits: limits)
        }
        var bytes = stated.array
        var signature: [UInt8] = []
        let isSame = (name ?? manifest.name) == manifest.name && (version ?? manifest.version) == manifest.version
        if isSame {
            signature = try readSignature(folder)
        } else {
            if let name { manifest.name = name }
            if let version { manifest.version = version }
            try ModelVersions.checkName(manifest.name)
            try ModelVersions.checkNumber(manifest.version)
            bytes = try manifest.encoded()
        }
        let upload = try begin(manifest: bytes, signature: signature)
        try progress(upload.heldBytes, upload.totalBytes)
        var done = upload.heldBytes
        for (listed, held) in zip(manifest.files, upload.held) where held.bytes < listed.bytes {
            let file = try FileHandle(named: listed.name, in: folder)
            guard file.byteCount == listed.bytes else {
                throw .refused(
                    listed.name, "has \(file.byteCount) bytes, the manifest says \(listed.bytes)", code: .dataLoss)
            }
            var offset = held.bytes
            while offset < listed.bytes {
                let part = try file.bytes(at: offset, upTo: min(VersionPublisher.copyBytes, listed.bytes - offset))
                try upload.write(file: listed.name, offset: offset, bytes: part)
                offset += part.count
                done += part.count
                try progress(done, upload.totalBytes)
            }
        }
        return try upload.commit()
    }

    /// Bytes that are read and written at a time.
    private static let copyBytes = 1 << 20

    private func readSignature(_ folder: borrowing FolderHandle) throws(MartletError) -> [UInt8] {
        guard folder.status(of: ModelSignature.fileName) != nil else { return [] }
        let file = try FileHandle(named: ModelSignature.fileName, in: folder)
        guard file.byteCount <= limits.signatureBytesMax else {
            throw ModelSignature.tooLarge(file.byteCount, limits)
        }
        return try SealedBytes(reading: file).array
    }
}
