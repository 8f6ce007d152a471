import MartletCore
import MartletWire
import MartletTestSupport
import Testing

struct ArenaTests {
    @Test("blocks never sum to more than the budget, and what fits is given")
    func budget() {
        var random = SeededGenerator(seed: 11)
        let arena = Arena(budget: 0)
        for _ in 0..<2_000 {
            let budget = Int.random(in: 0...300_000, using: &random)
            arena.reset(budget: budget)
            var given = 0
            while true {
                let size = Int.random(in: 0...20_000, using: &random)
                guard let memory = arena.allocate(size) else { break }
                #expect(Int(bitPattern: memory) % 16 == 0)
                if size > 0 { memory.storeBytes(of: 1, toByteOffset: size - 1, as: UInt8.self) }
                given += size
                #expect(given <= budget)
            }
            #expect(arena.isExhausted)
            #expect(arena.heldBytes <= budget)
        }
    }

    @Test("sizes that no machine has are refused")
    func absurdSizes() {
        let arena = Arena(budget: .max)
        for size in [-1, Int.min, Int.max, Int.max - 15] { #expect(arena.allocate(size) == nil) }
        #expect(arena.allocate(0) != nil)
        #expect(arena.heldBytes < 1 << 20)
    }

    @Test("large blocks go back after use, small ones stay")
    func reuse() {
        let arena = Arena(budget: .max)
        _ = arena.allocate(100)
        let small = arena.heldBytes
        #expect(small > 0)
        arena.reset(budget: .max)
        #expect(arena.heldBytes == small)
        _ = arena.allocate(10 << 20)
        arena.reset(budget: .max)
        #expect(arena.heldBytes <= 128 << 10)
        arena.reset(budget: 8)
        #expect(arena.heldBytes <= 8)
    }
}
