/// The combining marks behind a starter, until the next starter shows that they are all there.
///
/// Most are stripped and leave nothing. Those that stay go into canonical order, and their places are what
/// `tokenizers` makes of them: after sorting it hands out the source characters in their old order.
struct MarkRun {
    struct Mark {
        let combiningClass: UInt8
        /// What is left of the mark, into `CharacterTable.outputs`.
        let outputs: Range<Int32>
        /// False for a further character of one source character's decomposition.
        let isFirst: Bool
        let source: SourceCharacter
    }

    /// Longest run that is sorted as a whole. `tokenizers` sorts any length; a run longer than this in which a mark
    /// outlives stripping is sorted in parts, so that a text of nothing but marks needs no more memory than this.
    static let marksMax = 256

    private var marks: [Mark] = []
    private var leavesSomething = false
    /// The character in front of the run.
    private var starter = SourceCharacter.none

    var isEmpty: Bool { marks.isEmpty }
    /// Memory in bytes that lies behind this value.
    var stateBytes: Int { marks.capacity * MemoryLayout<Mark>.stride }
    var isFull: Bool { marks.count >= Self.marksMax }

    /// Notes a starter whose decomposition may bring marks of its own.
    mutating func follow(_ source: SourceCharacter) { starter = source }

    mutating func append(_ mark: Mark) {
        marks.append(mark)
        if !mark.outputs.isEmpty { leavesSomething = true }
    }

    /// Empties the run and returns what is left of it in canonical order.
    mutating func take() -> [(outputs: Range<Int32>, source: SourceCharacter)] {
        defer {
            if let last = marks.last { starter = last.source }
            marks.removeAll(keepingCapacity: true)
            leavesSomething = false
        }
        guard leavesSomething else { return [] }
        let sources = marks.filter(\.isFirst).map(\.source)
        // Stable: marks of one class keep their order.
        let order = marks.indices.sorted {
            (marks[$0].combiningClass, $0) < (marks[$1].combiningClass, $1)
        }
        var left: [(outputs: Range<Int32>, source: SourceCharacter)] = []
        var source = starter
        var sourcesUsed = 0
        for index in order {
            let mark = marks[index]
            if mark.isFirst {
                source = sources[sourcesUsed]
                sourcesUsed += 1
            }
            if !mark.outputs.isEmpty { left.append((mark.outputs, source)) }
        }
        return left
    }
}
