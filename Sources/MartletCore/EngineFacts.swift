/// What is fixed about the engine while it runs, for the calls that describe a server.
public struct EngineFacts: Sendable, Hashable {
    public var computeThreads: Int
    /// Instruction set of the kernels, such as `avx512vnni`.
    public var cpuLevel: String

    public init(computeThreads: Int, cpuLevel: String) {
        self.computeThreads = computeThreads
        self.cpuLevel = cpuLevel
    }
}
