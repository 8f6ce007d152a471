internal import Glibc
internal import MartletCore

/// The folder of one model's versions, for those who write one.
enum ModelVersions {
    /// The folder of all models; made when missing. Survives a loss of power from then on.
    static func openRoot(_ root: String) throws(MartletError) -> FolderHandle {
        let isNew = mkdir(root, 0o755) == 0
        guard isNew || errno == EEXIST else {
            throw .system(
                "the models folder", "make it", errno, wayOut: "Make it yourself, or name another with --models.")
        }
        let folder = try FolderHandle(following: root, describedAs: "the models folder")
        try folder.forceName(isNew: isNew, describedAs: "the models folder", wayOut: StagedFile.wayOut)
        return folder
    }

    /// The folder of one model in it; made when missing. Survives a loss of power from then on.
    static func open(_ name: String, in root: borrowing FolderHandle) throws(MartletError) -> FolderHandle {
        try checkName(name)
        guard mkdirat(root.descriptor, name, 0o755) == 0 || errno == EEXIST else {
            throw .system(
                "the models folder", "make a folder in it", errno, wayOut: "Give this user the right to write there.")
        }
        // One that is there may be without it: a process that was killed made it.
        try root.force(describedAs: "the models folder")
        return try FolderHandle(named: name, in: root, describedAs: "the model's folder")
    }

    static func next(in model: borrowing FolderHandle) throws(MartletError) -> Int {
        let newest = try model.names(describedAs: "the model's folder").compactMap(ModelFolder.versionNumber).max() ?? 0
        guard newest < Int.max else { throw MartletError(.outOfRange, "the newest version has the largest number") }
        return newest + 1
    }

    static func checkName(_ name: String) throws(MartletError) {
        guard VersionID.isValidModelName(name) else {
            throw MartletError(
                .invalidArgument,
                "model name \(quoted(name)): expected 1 to 128 of A-Z a-z 0-9 . _ - that begin with a letter or digit")
        }
    }

    static func checkNumber(_ version: Int) throws(MartletError) {
        guard version > 0 else {
            throw MartletError(.invalidArgument, "version \(version): expected a number above 0")
        }
    }

    static func checkFree(_ id: VersionID, in model: borrowing FolderHandle) throws(MartletError) {
        try checkNumber(id.number)
        if model.status(of: String(id.number)) != nil { throw exists(id) }
    }

    static func exists(_ id: VersionID) -> MartletError {
        MartletError(
            .alreadyExists,
            "version \(id.number) of \(id.model) exists, and versions never change. Take the next number (--version "
                + "\(id.number < Int.max ? id.number + 1 : id.number)), or remove that folder first.")
    }
}
