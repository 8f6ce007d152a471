package import MartletCore

/// A text or a pair as the model reads it.
package struct Encoding: Sendable, Equatable {
    package var ids: [Int32] = []
    /// Parallel to `ids`: 0 for the first text and its special tokens, 1 for the second and its `[SEP]`.
    package var typeIDs: [Int32] = []
    /// Parallel to `ids`, each into its own text. Special tokens have the empty span at 0.
    package var spans: [TextSpan] = []
    /// Tokens before anything was cut, special tokens included.
    package var tokensTotal = 0

    package var isTruncated: Bool { ids.count < tokensTotal }
}

/// Which end gives way when a text has too many tokens.
package enum TruncationSide: Sendable {
    case left, right
}

extension BertTokenizer {
    /// `[CLS] a [SEP]`, or `[CLS] a [SEP] b [SEP]`, whole.
    package func encode(_ input: TextInput) -> Encoding {
        encode(input, tokensMax: Int.max, cutting: .right)
    }

    /// The same with at most `tokensMax` tokens, special tokens included. A pair gives way as in `tokenizers`'
    /// "longest first": the longer text first, then both.
    ///
    /// - Parameter tokensMax: below the number of special tokens (2, or 3 for a pair) it counts as that number.
    package func encode(_ input: TextInput, tokensMax: Int, cutting side: TruncationSide) -> Encoding {
        let first = tokenize(input.text)
        let second = input.pair.map { tokenize($0) }
        let specialCount = second == nil ? 2 : 3
        let budget = max(specialCount, tokensMax) - specialCount
        let kept = Truncation.longestFirst(first.ids.count, second?.ids.count ?? 0, tokensMax: budget)

        var encoding = Encoding()
        encoding.tokensTotal = first.ids.count + (second?.ids.count ?? 0) + specialCount
        let count = kept.first + kept.second + specialCount
        encoding.ids.reserveCapacity(count)
        encoding.typeIDs.reserveCapacity(count)
        encoding.spans.reserveCapacity(count)
        encoding.append(special: clsID, type: 0)
        encoding.append(
            first.ids, first.spans, Truncation.range(of: first.ids.count, keeping: kept.first, side), type: 0)
        encoding.append(special: sepID, type: 0)
        if let second {
            encoding.append(
                second.ids, second.spans, Truncation.range(of: second.ids.count, keeping: kept.second, side), type: 1)
            encoding.append(special: sepID, type: 1)
        }
        return encoding
    }
}

extension Encoding {
    fileprivate mutating func append(special id: Int32, type: Int32) {
        ids.append(id)
        typeIDs.append(type)
        spans.append(TextSpan(byteStart: 0, byteEnd: 0, characterStart: 0, characterEnd: 0))
    }

    fileprivate mutating func append(_ newIDs: [Int32], _ newSpans: [TextSpan], _ range: Range<Int>, type: Int32) {
        ids.append(contentsOf: newIDs[range])
        spans.append(contentsOf: newSpans[range])
        typeIDs.append(contentsOf: repeatElement(type, count: range.count))
    }
}

/// How many tokens of a text or of a pair stay.
package enum Truncation {
    /// Tokens to keep of two texts of `first` and `second` tokens, at most `tokensMax` together.
    package static func longestFirst(_ first: Int, _ second: Int, tokensMax: Int) -> (first: Int, second: Int) {
        guard second > 0 else { return (min(first, tokensMax), second) }
        guard first > tokensMax || second > tokensMax - first else { return (first, second) }
        var shorter = min(first, second)
        var longer = shorter > tokensMax ? shorter : max(shorter, tokensMax - shorter)
        if shorter > tokensMax || longer > tokensMax - shorter {
            shorter = tokensMax / 2
            longer = shorter + tokensMax % 2
        }
        return first > second ? (longer, shorter) : (shorter, longer)
    }

    /// The tokens that stay when `kept` of `count` do.
    package static func range(of count: Int, keeping kept: Int, _ side: TruncationSide) -> Range<Int> {
        let kept = min(max(0, kept), count)
        return side == .right ? 0..<kept : count - kept..<count
    }
}
