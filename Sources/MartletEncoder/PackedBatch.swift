/// Sequences of token ids laid end to end, without padding.
///
/// Sequence `i` owns rows `offsets[i] ..< offsets[i + 1]`.
package struct PackedBatch: Sendable {
    /// Token ids, [rows].
    package private(set) var ids: [Int32] = []
    /// Token type ids, [rows].
    package private(set) var typeIDs: [Int32] = []
    /// First row of each sequence and, last, the number of rows: [sequences + 1].
    package private(set) var offsets: [Int] = [0]

    package init() {}

    package var sequences: Int { offsets.count - 1 }
    package var rows: Int { ids.count }

    /// Adds one sequence, special tokens included. Missing type ids count as 0, surplus ones are dropped.
    package mutating func append(ids newIDs: some Collection<Int32>, typeIDs newTypeIDs: some Collection<Int32>) {
        ids.append(contentsOf: newIDs)
        typeIDs.append(contentsOf: newTypeIDs.prefix(newIDs.count))
        while typeIDs.count < ids.count { typeIDs.append(0) }
        offsets.append(ids.count)
    }

    /// Adds one sequence of token type 0.
    package mutating func append(ids newIDs: some Collection<Int32>) {
        append(ids: newIDs, typeIDs: EmptyCollection())
    }

    package mutating func removeAll(keepingCapacity: Bool = false) {
        ids.removeAll(keepingCapacity: keepingCapacity)
        typeIDs.removeAll(keepingCapacity: keepingCapacity)
        offsets.removeAll(keepingCapacity: keepingCapacity)
        offsets.append(0)
    }
}
