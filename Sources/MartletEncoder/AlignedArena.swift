internal import MartletCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Memory for kernels: zeroed, 64-byte aligned pieces of a few large blocks, all returned together.
final class AlignedArena: @unchecked Sendable {  // safe: pieces are taken by one owner, while it builds
    static let alignment = 64
    /// Blocks of this size and more ask for huge pages: weights are read front to back at every batch.
    private static let hugePageBytes = 2 << 20

    private var blocks: [(base: UnsafeMutableRawPointer, bytes: Int)] = []
    private var used = 0
    /// Bytes taken from the system.
    private(set) var bytes = 0
    private let blockBytes: Int

    /// - Parameter blockBytes: least size of a block; about the sum of what will be taken.
    init(blockBytes: Int) { self.blockBytes = max(Self.alignment, blockBytes) }

    deinit {
        for block in blocks { munmap(block.base, block.bytes) }
    }

    /// `count` zeroed elements.
    /// - Throws: `.resourceExhausted` when the system has no memory left.
    func take<Element: BitwiseCopyable>(
        _ count: Int, of type: Element.Type = Element.self
    ) throws(MartletError) -> UnsafeMutablePointer<Element> {
        let (size, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        guard count >= 0, !overflow, size <= 1 << 40 else {
            throw MartletError(.resourceExhausted, "an encoder buffer of \(count) elements is too large")
        }
        let rounded = max(1, (size + Self.alignment - 1) / Self.alignment) * Self.alignment
        if blocks.last.map({ $0.bytes - used < rounded }) ?? true { try addBlock(atLeast: rounded) }
        guard let block = blocks.last else {
            throw MartletError(.internalError, "the encoder's memory has no block")
        }
        let start = (block.base + used).bindMemory(to: Element.self, capacity: max(1, count))
        used += rounded
        return start
    }

    private func addBlock(atLeast needed: Int) throws(MartletError) {
        let wanted = max(needed, blockBytes)
        let large = wanted >= Self.hugePageBytes
        let unit = large ? Self.hugePageBytes : 4096
        let size = (wanted + unit - 1) / unit * unit
        // Mapped and not allocated: what an allocator gets back it may keep. One unit more, so that some address in it
        // is a multiple of the unit; what lies around that block is returned at once.
        guard let region = mmap(nil, size + unit, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            region != MAP_FAILED
        else {
            throw MartletError(.resourceExhausted, "no memory for an encoder buffer of \(size) bytes")
        }
        let before = (unit - Int(bitPattern: region) % unit) % unit
        let base = region + before
        if before > 0 { munmap(region, before) }
        if before < unit { munmap(base + size, unit - before) }
        #if os(Linux)
            if large { madvise(base, size, Int32(MADV_HUGEPAGE)) }
        #endif
        // Zero already; touched here, so that no request meets a page for the first time.
        memset(base, 0, size)
        blocks.append((base, size))
        bytes += size
        used = 0
    }
}
