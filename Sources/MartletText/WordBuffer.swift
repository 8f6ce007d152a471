internal import MartletCore

/// Where one character stands in the text.
struct SourceCharacter: Sendable {
    var byteStart: Int
    var byteEnd: Int
    /// Scalar values before it.
    var character: Int

    static let none = SourceCharacter(byteStart: 0, byteEnd: 0, character: 0)
}

/// One normalised word and where each of its characters came from.
///
/// Holds no more than `charactersMax` characters: a longer word becomes the unknown token, whatever it holds, so only
/// its first and its last character are remembered.
struct WordBuffer {
    let charactersMax: Int
    private(set) var characterCount = 0
    private(set) var bytes: [UInt8] = []
    /// For each byte, the number of its character.
    private(set) var characterOfByte: [UInt16] = []
    private(set) var sources: [SourceCharacter] = []
    private(set) var first = SourceCharacter.none
    private(set) var last = SourceCharacter.none

    init(charactersMax: Int) { self.charactersMax = charactersMax }

    var isEmpty: Bool { characterCount == 0 }
    var isTooLong: Bool { characterCount > charactersMax }

    /// Memory in bytes that lies behind this value.
    var stateBytes: Int {
        bytes.capacity + characterOfByte.capacity * MemoryLayout<UInt16>.stride
            + sources.capacity * MemoryLayout<SourceCharacter>.stride
    }

    mutating func removeAll() {
        characterCount = 0
        bytes.removeAll(keepingCapacity: true)
        characterOfByte.removeAll(keepingCapacity: true)
        sources.removeAll(keepingCapacity: true)
    }

    /// Appends a run of ASCII characters.
    mutating func append(
        ascii input: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int, fold: [UInt8], byteStart: Int,
        characterStart: Int
    ) {
        for place in start..<end {
            let offset = place - start
            let isKept = add(
                SourceCharacter(
                    byteStart: byteStart + offset, byteEnd: byteStart + offset + 1, character: characterStart + offset))
            if isKept {
                bytes.append(fold[Int(input[place])])
                characterOfByte.append(UInt16(truncatingIfNeeded: characterCount - 1))
            }
        }
    }

    /// Appends one character as it stands in the input.
    mutating func append(
        _ input: UnsafeBufferPointer<UInt8>, from start: Int, count: Int, _ source: SourceCharacter
    ) {
        guard add(source) else { return }
        for place in start..<start + count {
            bytes.append(input[place])
            characterOfByte.append(UInt16(truncatingIfNeeded: characterCount - 1))
        }
    }

    /// Appends one character that normalising made.
    mutating func append(scalar: UInt32, _ source: SourceCharacter) {
        guard add(source), let scalar = Unicode.Scalar(scalar) else { return }
        for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
            bytes.append(byte)
            characterOfByte.append(UInt16(truncatingIfNeeded: characterCount - 1))
        }
    }

    /// Counts a character; true when its bytes still matter.
    private mutating func add(_ source: SourceCharacter) -> Bool {
        if characterCount == 0 { first = source }
        last = source
        guard characterCount < charactersMax else {
            // One past the limit is enough to know, and cannot overflow.
            characterCount = charactersMax + 1
            return false
        }
        characterCount += 1
        sources.append(source)
        return true
    }
}
