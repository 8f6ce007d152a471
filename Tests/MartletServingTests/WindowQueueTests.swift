import MartletServing
import Testing

@Suite("The queue between a document's reader and its answers")
struct WindowQueueTests {
    @Test("hands over everything in order, whatever the capacity", arguments: [1, 2, 7, 100])
    func order(capacity: Int) async {
        let queue = WindowQueue<Int>(capacity: capacity)
        async let produced: Bool = {
            for value in 0..<2_000 {
                guard await queue.put(value) else { return false }
            }
            queue.end()
            return true
        }()
        var taken: [Int] = []
        while let value = await queue.take() { taken.append(value) }
        #expect(taken == Array(0..<2_000))
        #expect(await produced)
    }

    @Test("an abandoned queue gives back what waits, and takes nothing more")
    func abandoned() async {
        let queue = WindowQueue<Int>(capacity: 3)
        for value in 1...3 { #expect(await queue.put(value)) }
        async let fourth = queue.put(4)
        #expect(queue.abandon() == [1, 2, 3])
        #expect(await !fourth)
        #expect(await queue.take() == nil)
    }

    @Test("an end wakes a waiting producer, which then stops")
    func endWakesProducer() async {
        let queue = WindowQueue<Int>(capacity: 1)
        #expect(await queue.put(1))
        async let second = queue.put(2)
        #expect(await queue.take() == 1)
        // Either the second was stored before the end, or the end refused it: never a hang.
        queue.end()
        let stored = await second
        #expect(await queue.take() == (stored ? 2 : nil))
        #expect(await queue.take() == nil)
        #expect(await !queue.put(3))
    }
}
