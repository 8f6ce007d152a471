internal import Glibc
package import MartletCore

/// The folder of all models: `<root>/<model>/<version>/`.
package struct ModelFolder: Sendable {
    /// Something in the folder that is no version, and why.
    package struct Skipped: Sendable, Hashable, Codable {
        /// Such as `guard/7`.
        package let name: String
        package let reason: String
    }

    package struct Survey: Sendable, Hashable {
        package var versions: [AspiredVersion] = []
        package var skipped: [Skipped] = []
    }

    package let root: String

    package init(root: String, limits: Limits = Limits()) { self.root = root }

    /// Versions that are complete enough to be looked at: folders named by a positive number with a manifest in them.
    /// Sorted by model, then number.
    /// - Throws: when the root itself cannot be read.
    package func scan() throws(MartletError) -> [AspiredVersion] { try survey().versions }

    /// `scan()`, and what it left out. Hidden names are not reported: staging folders come and go.
    package func survey() throws(MartletError) -> Survey {
        var survey = Survey()
        let folder = try openRoot()
        for model in try folder.names(describedAs: ModelFolder.label) where !model.hasPrefix(".") {
            guard let status = folder.status(of: model) else { continue }
            guard status.st_mode & S_IFMT == S_IFDIR else {
                survey.skip(model, "is \(FileHandle.kind(status.st_mode)), models are folders")
                continue
            }
            guard VersionID.isValidModelName(model) else {
                survey.skip(model, "is no model name: expected 1 to 128 of A-Z a-z 0-9 . _ -")
                continue
            }
            do throws(MartletError) {
                try surveyModel(model, in: folder, &survey)
            } catch {
                survey.skip(model, error.message)
            }
        }
        survey.versions.sort { $0.id < $1.id }
        return survey
    }

    private static let label = "the models folder"

    func openRoot() throws(MartletError) -> FolderHandle {
        do throws(MartletError) {
            return try FolderHandle(following: root, describedAs: ModelFolder.label)
        } catch {
            var error = error
            if error.code == .notFound {
                error.message = "\(ModelFolder.label) does not exist. Make it, or name another with --models."
            }
            throw error
        }
    }

    private func surveyModel(
        _ model: String, in root: borrowing FolderHandle, _ survey: inout Survey
    ) throws(MartletError) {
        let folder = try FolderHandle(named: model, in: root)
        if let stranger = Writers.stranger(try folder.status()) {
            survey.skip(model, "\(stranger.problem). \(stranger.wayOut)")
            return
        }
        for name in try folder.names(describedAs: model) where !name.hasPrefix(".") {
            let shown = "\(model)/\(name)"
            guard let number = ModelFolder.versionNumber(name) else {
                survey.skip(shown, "is no version: expected a positive number without leading zeros")
                continue
            }
            guard let status = folder.status(of: name) else { continue }
            guard status.st_mode & S_IFMT == S_IFDIR else {
                survey.skip(shown, "is \(FileHandle.kind(status.st_mode)), versions are folders")
                continue
            }
            do throws(MartletError) {
                let version = try FolderHandle(named: name, in: folder)
                guard let fingerprint = try ModelFolder.fingerprint(of: version) else {
                    survey.skip(shown, "has no \(Manifest.fileName): the version is not complete")
                    continue
                }
                survey.versions.append(
                    AspiredVersion(
                        id: VersionID(model: model, number: number), location: "\(path(of: model))/\(name)",
                        fingerprint: fingerprint))
            } catch {
                survey.skip(shown, error.message)
            }
        }
    }

    private func path(of model: String) -> String { root.hasSuffix("/") ? root + model : "\(root)/\(model)" }

    /// The number a version's folder is named by; nil for any other name, and for a second spelling of a number.
    static func versionNumber(_ name: String) -> Int? {
        guard let number = Int(name), number > 0, String(number) == name else { return nil }
        return number
    }

    /// Changes whenever a file of the folder was written, replaced, added or removed, without reading any. Nil without
    /// a manifest.
    private static func fingerprint(of folder: borrowing FolderHandle) throws(MartletError) -> String? {
        guard folder.status(of: Manifest.fileName) != nil else { return nil }
        var text = describe(try folder.status())
        for name in try folder.names(describedAs: "the version's folder") {
            guard let status = folder.status(of: name) else { continue }
            text += "\n\(name) \(describe(status))"
        }
        return String(sha256(text.utf8).prefix(32))
    }

    private static func describe(_ status: stat) -> String {
        "\(status.st_dev) \(status.st_ino) \(status.st_mode) \(status.st_size) "
            + "\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec) \(status.st_ctim.tv_sec).\(status.st_ctim.tv_nsec)"
    }
}

extension ModelFolder.Survey {
    fileprivate mutating func skip(_ name: String, _ reason: String) {
        skipped.append(ModelFolder.Skipped(name: name, reason: reason))
    }
}
