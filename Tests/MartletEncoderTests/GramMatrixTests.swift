import MartletEncoder
import MartletTestSupport
import Testing

@Suite("Gram matrix")
struct GramMatrixTests {
    @Test("is the mean of x xᵀ, with the same bits on every level", arguments: [(3, 1), (40, 300), (65, 512)])
    func agrees(channels: Int, rows: Int) throws {
        var random = SeededGenerator(seed: 9)
        let stride = channels + 5
        let values = (0..<(rows * stride)).map { _ in random.normal() }
        var bits: Set<[UInt32]> = []
        for level in KernelTable.runnableHere {
            let gram = try GramMatrix(channels: channels, kernels: .best(atMost: level))
            try values.withUnsafeBufferPointer { buffer in
                let base = try #require(buffer.baseAddress)
                // In parts that do not end where the matrix multiplies.
                for start in Swift.stride(from: 0, to: rows, by: 77) {
                    let count = min(77, rows - start)
                    gram.add(
                        ActivationRows(
                            base: base + start * stride, stride: stride, rows: count, channels: channels))
                }
            }
            let mean = gram.mean()
            #expect(gram.mean() == mean)
            bits.insert(mean.map(\.bitPattern))
            for row in 0..<channels {
                for column in 0..<channels {
                    let sum = (0..<rows).reduce(0.0) {
                        $0 + Double(values[$1 * stride + row]) * Double(values[$1 * stride + column])
                    }
                    #expect(abs(Double(mean[row * channels + column]) - sum / Double(rows)) < 1e-4)
                }
            }
        }
        #expect(bits.count == 1)
    }

    @Test("of no rows is zero")
    func empty() throws {
        #expect(try GramMatrix(channels: 2).mean() == [0, 0, 0, 0])
    }
}
