import CMartletKernels

import MartletEncoder

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Elements that end right before a page nobody may touch, or begin right after one: a kernel that reads or writes past
/// them faults at once.
final class GuardedBuffer<Element: BitwiseCopyable> {
    let base: UnsafeMutablePointer<Element>
    let count: Int
    private let region: UnsafeMutableRawPointer
    private let regionBytes: Int

    /// - Parameter atEnd: guards the end, where the size is a multiple of 64 bytes; otherwise the start.
    init(_ count: Int, atEnd: Bool, _ value: (Int) -> Element) {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let bytes = (count * MemoryLayout<Element>.stride + 63) / 64 * 64
        let inner = (bytes + page - 1) / page * page
        regionBytes = inner + 2 * page
        guard let region = mmap(nil, regionBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            region != MAP_FAILED
        else { preconditionFailure("no memory for a test buffer") }
        self.region = region
        mprotect(region, page, PROT_NONE)
        mprotect(region + page + inner, page, PROT_NONE)
        let start = atEnd ? region + page + inner - bytes : region + page
        base = start.bindMemory(to: Element.self, capacity: count)
        self.count = count
        for index in 0..<count { base[index] = value(index) }
    }

    deinit { munmap(region, regionBytes) }

    var array: [Element] { Array(UnsafeBufferPointer(start: base, count: count)) }
}

extension GuardedBuffer where Element == Float {
    var bits: [UInt32] { array.map(\.bitPattern) }
}

/// The kernels of a level as the C table.
func kernelTable(features: UInt32) -> martlet_kernel_table {
    let table = UnsafeMutablePointer<martlet_kernel_table>.allocate(capacity: 1)
    defer { table.deallocate() }
    martlet_kernel_table_init(table, features)
    return table.pointee
}

/// Feature sets of the fast levels this CPU runs.
let fastFeatures: [UInt32] = KernelTable.runnableHere.map(\.features).filter { $0 != 0 }

func roundedUp(_ value: Int, to multiple: Int) -> Int { (value + multiple - 1) / multiple * multiple }
