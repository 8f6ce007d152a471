#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif
internal import MartletCore

/// A plain thread with a known stack, outside Swift's cooperative pool: computing there never delays an `await`.
struct ComputeThread: @unchecked Sendable {  // safe: the handle is a number, and `join` is called once by its owner
    private let handle: pthread_t

    /// Runs `body` on a new thread, named for debuggers and `top -H` (cut to the 15 bytes that Linux keeps).
    /// - Returns: nil when the system has no thread left.
    static func start(name: String, stackBytes: Int, _ body: @escaping @Sendable () -> Void) -> ComputeThread? {
        var attributes = pthread_attr_t()
        guard pthread_attr_init(&attributes) == 0 else { return nil }
        defer { pthread_attr_destroy(&attributes) }
        guard pthread_attr_setstacksize(&attributes, stackBytes) == 0 else { return nil }
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        #if canImport(Glibc)
        var handle = pthread_t()
        let failed = pthread_create(&handle, &attributes, { argument in runThread(argument) }, start.toOpaque())
        #else
        var created: pthread_t?
        let failed = pthread_create(&created, &attributes, { argument in runThread(argument) }, start.toOpaque())
        #endif
        guard failed == 0 else {
            start.release()
            return nil
        }
        #if canImport(Darwin)
        guard let handle = created else { return nil }
        #endif
        return ComputeThread(handle: handle)
    }

    /// Starts `count` threads, `<name>-0` and so on, that run `body` with their number.
    /// - Parameter whenNoneIsLeft: makes the bodies that began return.
    /// - Throws: `.resourceExhausted` when the system gives no thread; those that began have ended then.
    static func start(
        count: Int, name: String, _ body: @escaping @Sendable (Int) -> Void, whenNoneIsLeft: () -> Void
    ) throws(MartletError) -> [ComputeThread] {
        var started: [ComputeThread] = []
        for number in 0..<count {
            guard let thread = start(name: "\(name)-\(number)", stackBytes: 2 << 20, { body(number) }) else {
                whenNoneIsLeft()
                for thread in started { thread.join() }
                throw MartletError(
                    .resourceExhausted, "the system gives no more threads: \(number) of \(count) compute threads began")
            }
            started.append(thread)
        }
        return started
    }

    /// Waits for the end of the thread. Once, and not after `detach()`.
    func join() { pthread_join(handle, nil) }

    /// Lets the thread clean up after itself when it ends. Once, and not after `join()`.
    func detach() { pthread_detach(handle) }

    var isCurrent: Bool { pthread_equal(handle, pthread_self()) != 0 }

    fileprivate final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }
}

private func runThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let start = Unmanaged<ComputeThread.Start>.fromOpaque(argument).takeRetainedValue()
    nameCurrentThread(start.name)
    start.body()
    return nil
}

private func nameCurrentThread(_ name: String) {
    #if canImport(Glibc)
    // Glibc's call for this is hidden from Swift (it asks for _GNU_SOURCE); the kernel's file does the same.
    let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    let bytes = Array(name.utf8.prefix(15))
    _ = write(file, bytes, bytes.count)
    close(file)
    #else
    pthread_setname_np(name)
    #endif
}
