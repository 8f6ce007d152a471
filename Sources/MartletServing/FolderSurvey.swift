internal import MartletArtifact
internal import MartletCore
internal import Synchronization

/// Looks at the models folder and tells each thing that is not a version once, not at every look.
final class FolderSurvey: Sendable {
    private let folder: ModelFolder
    private let onEvent: @Sendable (EngineEvent) -> Void
    private let told = Mutex<Set<ModelFolder.Skipped>>([])

    init(folder: ModelFolder, onEvent: @escaping @Sendable (EngineEvent) -> Void) {
        self.folder = folder
        self.onEvent = onEvent
    }

    /// The versions there are now.
    func look() throws(MartletError) -> [AspiredVersion] {
        let survey = try folder.survey()
        let skipped = Set(survey.skipped)
        let new = told.withLock { told in
            defer { told = skipped }
            return skipped.subtracting(told)
        }
        for entry in new.sorted(by: { $0.name < $1.name }) {
            onEvent(.skipped(name: entry.name, reason: entry.reason))
        }
        return survey.versions
    }
}
