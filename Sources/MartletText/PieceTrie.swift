/// Byte strings with their ids, searched by the longest one that starts at a place.
///
/// A byte trie whose edges lie in one open-addressing table: a step is one probe, whatever the vocabulary's size, and
/// building it takes time in proportion to its bytes, whatever they are.
struct PieceTrie: Sendable {
    /// A key (node, byte) in the upper half, the child node in the lower; `emptySlot` marks a free place.
    private var slots: [UInt64]
    private var mask: Int
    private var shift: UInt64
    /// The id of the piece that ends at a node, -1 for none.
    private var idOfNode: [Int32] = [-1]
    /// True for nodes under which longer pieces lie.
    private var hasChildren: [Bool] = [false]
    private var edgeCount = 0

    static let root: UInt32 = 0
    /// Nodes must fit the 24 bits a key keeps for them.
    static let nodesMax = 1 << 24
    private static let emptySlot = UInt64.max

    init(expectedBytes: Int = 0) {
        var bits = 8
        while bits < 25, 1 << bits < expectedBytes { bits += 1 }
        slots = [UInt64](repeating: Self.emptySlot, count: 1 << bits)
        mask = (1 << bits) - 1
        shift = UInt64(64 - bits)
    }

    /// Adds a piece.
    /// - Returns: false when the piece is there already, or when the trie is full.
    mutating func insert(_ piece: some Sequence<UInt8>, id: Int32) -> Bool {
        var node = Self.root
        for byte in piece {
            if let next = child(of: node, byte) {
                node = next
                continue
            }
            guard idOfNode.count < Self.nodesMax else { return false }
            let next = UInt32(idOfNode.count)
            idOfNode.append(-1)
            hasChildren.append(false)
            hasChildren[Int(node)] = true
            add(key: key(node, byte), child: next)
            node = next
        }
        guard idOfNode[Int(node)] < 0 else { return false }
        idOfNode[Int(node)] = id
        return true
    }

    /// The node that `prefix` leads to, nil when no piece starts with it.
    func node(after prefix: some Sequence<UInt8>) -> UInt32? {
        var node = Self.root
        for byte in prefix {
            guard let next = child(of: node, byte) else { return nil }
            node = next
        }
        return node
    }

    func id(of piece: some Sequence<UInt8>) -> Int32? {
        guard let node = node(after: piece) else { return nil }
        let id = idOfNode[Int(node)]
        return id < 0 ? nil : id
    }

    struct Match {
        /// Bytes of the longest piece; 0 when none starts here.
        var length = 0
        var id: Int32 = -1
        /// True when the bytes ended while longer pieces were still possible.
        var reachedEnd = false
    }

    /// The longest piece at `bytes[start...]`, each byte seen through `fold` (a table of 256 bytes).
    @inline(__always)
    func longestMatch(
        _ bytes: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int, under top: UInt32, fold: [UInt8]
    ) -> Match {
        var match = Match()
        var node = top
        var place = start
        while place < end {
            guard let next = child(of: node, fold[Int(bytes[place])]) else { return match }
            node = next
            place += 1
            let id = idOfNode[Int(node)]
            if id >= 0 {
                match.length = place - start
                match.id = id
            }
        }
        match.reachedEnd = hasChildren[Int(node)]
        return match
    }

    @inline(__always)
    private func key(_ node: UInt32, _ byte: UInt8) -> UInt64 { UInt64(node) << 8 | UInt64(byte) }

    @inline(__always)
    private func firstSlot(_ key: UInt64) -> Int { Int((key &* 0x9E37_79B9_7F4A_7C15) >> shift) }

    @inline(__always)
    private func child(of node: UInt32, _ byte: UInt8) -> UInt32? {
        let wanted = key(node, byte)
        var place = firstSlot(wanted)
        while true {
            let slot = slots[place]
            if slot >> 32 == wanted { return UInt32(truncatingIfNeeded: slot) }
            if slot == Self.emptySlot { return nil }
            place = (place + 1) & mask
        }
    }

    private mutating func add(key: UInt64, child: UInt32) {
        // At most half full, so that a probe ends soon and always ends.
        if (edgeCount + 1) * 2 > slots.count { grow() }
        put(key << 32 | UInt64(child))
        edgeCount += 1
    }

    private mutating func put(_ slot: UInt64) {
        var place = firstSlot(slot >> 32)
        while slots[place] != Self.emptySlot { place = (place + 1) & mask }
        slots[place] = slot
    }

    private mutating func grow() {
        let old = slots
        slots = [UInt64](repeating: Self.emptySlot, count: old.count * 2)
        mask = slots.count - 1
        shift -= 1
        for slot in old where slot != Self.emptySlot { put(slot) }
    }
}
