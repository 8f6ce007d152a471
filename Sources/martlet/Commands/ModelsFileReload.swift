import Foundation
import Logging
import MartletCore
import MartletRollout
import Synchronization

/// Follows the file of `modelsConfig`: a change that holds is applied, one that does not is told and leaves what is.
///
/// Looked at every other second and not watched by inotify: what is mounted into containers is a link to a folder that
/// is exchanged, and a watch on the file would look at the old one for ever.
package final class ModelsFileReload: Sendable {
    package enum Outcome: Sendable, Equatable {
        case unchanged
        case applied(RolloutConfiguration)
        /// The configuration before goes on.
        case refused(String)
    }

    private struct State {
        /// What told the file's contents apart when it was read last.
        var mark: String?
        var current: RolloutConfiguration
    }

    private let path: String
    private let memoryBytesMax: Int?
    private let state: Mutex<State>
    /// True: look whether or not the file seems changed.
    private let asks: AsyncStream<Bool>
    private let askSink: AsyncStream<Bool>.Continuation

    /// - Parameters:
    ///   - current: what the file said at start.
    ///   - memoryBytesMax: holds where the file says nothing about memory.
    package init(path: String, current: RolloutConfiguration, memoryBytesMax: Int?) {
        self.path = path
        self.memoryBytesMax = memoryBytesMax
        state = Mutex(State(mark: Self.mark(of: path), current: current))
        (asks, askSink) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(8))
    }

    /// Reads the file again.
    /// - Parameter always: also when nothing seems to have changed, as after SIGHUP.
    package func look(always: Bool = false) -> Outcome {
        let mark = Self.mark(of: path)
        return state.withLock { state in
            guard always || mark != state.mark else { return .unchanged }
            state.mark = mark
            do throws(CommandFailure) {
                let new = try ModelsFile.read(path, memoryBytesMax: memoryBytesMax)
                guard new != state.current else { return .unchanged }
                state.current = new
                return .applied(new)
            } catch {
                return .refused(error.message ?? "the file does not hold")
            }
        }
    }

    /// Has the one who follows read the file now.
    func ask() { askSink.yield(true) }

    /// Looks every other second, and when asked, until the task is cancelled. One follower.
    func follow(_ handle: (Outcome) async -> Void) async {
        await withDiscardingTaskGroup { group in
            group.addTask { [askSink] in
                while (try? await Task.sleep(for: .seconds(2))) != nil { askSink.yield(false) }
            }
            for await always in asks { await handle(look(always: always)) }
        }
    }

    /// Of the file that the path leads to now; nil when there is none.
    private static func mark(of path: String) -> String? {
        var found = stat()
        guard stat(path, &found) == 0 else { return nil }
        return "\(found.st_dev) \(found.st_ino) \(found.st_size) \(found.st_mtim.tv_sec).\(found.st_mtim.tv_nsec) "
            + "\(found.st_ctim.tv_sec).\(found.st_ctim.tv_nsec)"
    }
}
