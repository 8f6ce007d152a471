import CMartletKernels
import MartletTestSupport
import Testing

struct AttentionShape: Sendable, CustomTestStringConvertible {
    let length: Int, heads: Int, headSize: Int
    var testDescription: String { "\(length) rows, \(heads) heads of \(headSize)" }

    static let awkward: [AttentionShape] = {
        var shapes: [AttentionShape] = []
        for length in Array(1...18) + [31, 32, 33, 47, 64, 65, 100, 200] {
            shapes.append(AttentionShape(length: length, heads: 2, headSize: 32))
        }
        for headSize in [1, 8, 16, 20, 22, 33, 48, 64, 80] {
            shapes.append(AttentionShape(length: 19, heads: 3, headSize: headSize))
        }
        return shapes
    }()
}

@Suite("Attention kernels")
struct AttentionKernelTests {
    /// One call; returns the padded rows it wrote.
    private func run(
        _ shape: AttentionShape, queryRows: Int, atEnd: Bool, spread: Float, features: UInt32
    ) -> [UInt32] {
        var seed = SeededGenerator(seed: UInt64(shape.length * 1_000 + shape.headSize))
        let hidden = shape.heads * shape.headSize
        let stride = roundedUp(hidden, to: 32), keyValueStride = roundedUp(2 * hidden, to: 32)
        let query = GuardedBuffer(shape.length * stride, atEnd: atEnd) { index -> Float in
            index % stride < hidden ? Float.random(in: -spread...spread, using: &seed) : 0
        }
        let keyValue = GuardedBuffer(shape.length * keyValueStride, atEnd: atEnd) { index -> Float in
            index % keyValueStride < 2 * hidden ? Float.random(in: -spread...spread, using: &seed) : 0
        }
        let out = GuardedBuffer(queryRows * stride, atEnd: atEnd) { _ in Float(0) }
        let workspace = GuardedBuffer(
            martlet_attention_workspace_floats(shape.length, shape.headSize), atEnd: atEnd
        ) { _ in Float.nan }
        var call = martlet_attention_call(
            query: query.base, key: keyValue.base, value: keyValue.base + hidden, out: out.base,
            workspace: workspace.base, query_stride: stride, key_value_stride: keyValueStride, out_stride: stride,
            query_rows: queryRows, length: shape.length, heads: shape.heads, head_size: shape.headSize)
        kernelTable(features: features).attention(&call)
        return out.bits
    }

    @Test("agrees with the reference bit for bit", arguments: AttentionShape.awkward, [Float(1), 30])
    func agrees(shape: AttentionShape, spread: Float) {
        for atEnd in [true, false] {
            let expected = run(shape, queryRows: shape.length, atEnd: atEnd, spread: spread, features: 0)
            for features in fastFeatures {
                let result = run(shape, queryRows: shape.length, atEnd: atEnd, spread: spread, features: features)
                #expect(result == expected, "features \(features)")
            }
        }
    }

    @Test("the first row has the same bits whether or not the others are computed", arguments: AttentionShape.awkward)
    func firstRowAlone(shape: AttentionShape) {
        let stride = roundedUp(shape.heads * shape.headSize, to: 32)
        for features in [0] + fastFeatures {
            let all = run(shape, queryRows: shape.length, atEnd: true, spread: 2, features: features)
            let first = run(shape, queryRows: 1, atEnd: true, spread: 2, features: features)
            #expect(Array(all.prefix(stride)) == first)
        }
    }
}
