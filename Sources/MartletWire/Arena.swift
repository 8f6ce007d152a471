internal import CProtobufC
internal import MartletCore

/// Bump memory under a byte budget: what decoding or encoding one message takes, given back all at once.
///
/// A hostile message can make protobuf-c ask for up to 62 times its own size; here it gets nil at the budget, and
/// unpacking fails cleanly. Blocks that are held never sum to more than the budget.
package final class Arena: @unchecked Sendable {  // safe: ArenaPool lends an arena to one user at a time
    /// Kept from one use to the next. Larger blocks go back to the system, so that idle arenas stay small.
    private static let keptBlockBytesMax = 128 << 10
    private static let firstBlockBytes = 4 << 10
    private static let alignment = 16

    private var blocks: [UnsafeMutableRawBufferPointer] = []
    private var next: UnsafeMutableRawPointer?
    private var left = 0
    private var budget: Int
    /// Bytes in blocks now.
    package private(set) var heldBytes = 0
    /// True once an allocation was refused since the last `reset`.
    package private(set) var isExhausted = false

    package init(budget: Int) { self.budget = budget }

    deinit {
        for block in blocks { block.deallocate() }
    }

    /// Forgets everything allocated and takes a new budget.
    package func reset(budget: Int) {
        self.budget = budget
        isExhausted = false
        if let last = blocks.last, blocks.count > 1 || last.count > min(Self.keptBlockBytesMax, budget) {
            let kept = blocks.last { $0.count <= min(Self.keptBlockBytesMax, budget) }
            for block in blocks where block.baseAddress != kept?.baseAddress { block.deallocate() }
            blocks = kept.map { [$0] } ?? []
            heldBytes = kept?.count ?? 0
        }
        next = blocks.last?.baseAddress
        left = blocks.last?.count ?? 0
    }

    /// `size` bytes at a 16-byte boundary, undefined contents; nil when the budget does not hold them.
    package func allocate(_ size: Int) -> UnsafeMutableRawPointer? {
        guard size >= 0, size <= min(budget, Int.max - Self.alignment) else {
            isExhausted = true
            return nil
        }
        // At least one unit, so that an allocation of no bytes has an address too.
        let rounded = (max(size, 1) + Self.alignment - 1) & ~(Self.alignment - 1)
        if rounded > left, !addBlock(atLeast: rounded) {
            isExhausted = true
            return nil
        }
        guard let result = next else { return nil }
        next = result + rounded
        left -= rounded
        return result
    }

    private func addBlock(atLeast size: Int) -> Bool {
        let doubled = min((blocks.last?.count ?? Self.firstBlockBytes / 2) * 2, 1 << 20)
        let count = max(size, min(doubled, budget - heldBytes))
        guard count <= budget - heldBytes else { return false }
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: Self.alignment)
        blocks.append(block)
        heldBytes += block.count
        next = block.baseAddress
        left = block.count
        return true
    }
}

extension Arena {
    /// Runs `unpack` (a generated `…__unpack`) with this arena's memory. The result lives until the next `reset`.
    /// - Throws: `.resourceExhausted` over budget, otherwise `.invalidArgument`.
    func unpack<Message>(
        _ bytes: UnsafeRawBufferPointer, as name: StaticString,
        with unpack: (UnsafeMutablePointer<ProtobufCAllocator>?, Int, UnsafePointer<UInt8>?) ->
            UnsafeMutablePointer<Message>?
    ) throws(MartletError) -> UnsafeMutablePointer<Message> {
        var allocator = ProtobufCAllocator(
            alloc: { data, size in
                guard let data else { return nil }
                return Unmanaged<Arena>.fromOpaque(data).takeUnretainedValue().allocate(size)
            },
            free: { _, _ in },
            allocator_data: Unmanaged.passUnretained(self).toOpaque())
        if let message = unpack(&allocator, bytes.count, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)) {
            return message
        }
        if isExhausted {
            throw MartletError(
                .resourceExhausted,
                "decoding the \(name) of \(bytes.count) bytes needs more than the \(budget) bytes of memory it may "
                    + "take")
        }
        throw MartletError(.invalidArgument, "the \(bytes.count) bytes are not a valid \(name)")
    }
}
