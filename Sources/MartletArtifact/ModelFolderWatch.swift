internal import Dispatch
internal import Glibc
internal import MartletCore

extension ModelFolder {
    /// How `changes()` notices them.
    package struct WatchOptions: Sendable {
        /// Told by the kernel through inotify; without it, or where it cannot watch, polling alone.
        package var usesInotify = true
        /// Between two looks when the kernel cannot tell.
        package var pollInterval: Duration = .seconds(1)
        /// Between two looks beside inotify: file systems of other machines tell nothing.
        package var safetyInterval: Duration = .seconds(5)

        package init() {}
    }

    /// Yields after anything in the folder may have changed: at once when told by the kernel, within `pollInterval`
    /// otherwise. Many changes before the next read are one. Begins without a first element, so begin it before the
    /// first `scan()`; ends with its reader.
    package func changes(_ options: WatchOptions = WatchOptions()) -> AsyncStream<Void> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            let watch = FolderWatch(folder: self, options: options) { continuation.yield() }
            continuation.onTermination = { _ in watch.stop() }
            watch.start()
        }
    }
}

/// Watches root, model and version folders. All state is touched on `queue` only.
private final class FolderWatch: @unchecked Sendable {  // safe: everything that changes is touched on `queue` alone
    private let folder: ModelFolder
    private let options: ModelFolder.WatchOptions
    private let changed: @Sendable () -> Void
    private let queue = DispatchQueue(label: "martlet.model-folder")
    private var descriptor: Int32 = -1
    private var source: (any DispatchSourceRead)?
    private var timer: (any DispatchSourceTimer)?
    private var allWatched = false
    /// What the last look saw; an error counts as a sight too.
    private var seen: String = ""

    init(folder: ModelFolder, options: ModelFolder.WatchOptions, changed: @escaping @Sendable () -> Void) {
        self.folder = folder
        self.options = options
        self.changed = changed
    }

    func start() {
        queue.sync {
            if options.usesInotify { openInotify() }
            addWatches()
            seen = look()
            schedule()
        }
    }

    func stop() {
        queue.async {
            self.timer?.cancel()
            self.timer = nil
            // The source's cancel handler closes the descriptor.
            self.source?.cancel()
            self.source = nil
        }
    }

    private func openInotify() {
        let opened = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        guard opened >= 0 else { return }
        descriptor = opened
        let source = DispatchSource.makeReadSource(fileDescriptor: opened, queue: queue)
        source.setEventHandler { [weak self] in self?.readEvents() }
        source.setCancelHandler { close(opened) }
        self.source = source
        source.activate()
    }

    /// What happened does not matter, only that something did: the reader scans anyway.
    private func readEvents() {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        var any = false
        while true {
            let got = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if got <= 0 { break }
            any = true
        }
        guard any else { return }
        addWatches()
        seen = look()
        changed()
    }

    /// Watches every folder there is now; a watch that exists already is only renewed.
    private func addWatches() {
        guard descriptor >= 0 else { return }
        let mask = UInt32(
            IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF
                | IN_MOVE_SELF | IN_ONLYDIR)
        func watch(_ path: String) -> Bool { inotify_add_watch(descriptor, path, mask) >= 0 }
        allWatched = watch(folder.root)
        guard let root = try? folder.openRoot(), let models = try? root.names(describedAs: "") else {
            allWatched = false
            return
        }
        for model in models where !model.hasPrefix(".") {
            guard let handle = try? FolderHandle(named: model, in: root) else { continue }
            allWatched = watch("\(folder.root)/\(model)") && allWatched
            for version in (try? handle.names(describedAs: "")) ?? [] where ModelFolder.versionNumber(version) != nil {
                allWatched = watch("\(folder.root)/\(model)/\(version)") && allWatched
            }
        }
    }

    private func schedule() {
        let interval = allWatched ? options.safetyInterval : options.pollInterval
        let (seconds, attoseconds) = interval.components
        let nanoseconds = Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
        let timer = DispatchSource.makeTimerSource(queue: queue)
        timer.setEventHandler { [weak self] in self?.poll() }
        timer.schedule(deadline: .now() + .nanoseconds(nanoseconds))
        self.timer = timer
        timer.activate()
    }

    private func poll() {
        guard timer != nil else { return }
        let now = look()
        if now != seen {
            seen = now
            addWatches()
            changed()
        } else if !allWatched {
            addWatches()
        }
        schedule()
    }

    private func look() -> String {
        do throws(MartletError) {
            let survey = try folder.survey()
            return survey.versions.map { "\($0.id) \($0.fingerprint)" }.joined(separator: "\n")
                + survey.skipped.map { "\n\($0.name) \($0.reason)" }.joined()
        } catch {
            return error.description
        }
    }
}
