import Testing

@testable import CLIPCompute

@Suite struct BufferPoolTests {
    @Test func `Gives memory again`() {
        let pool = BufferPool()
        var memory: PooledMemory? = pool.take(byteCount: 100_000)
        let first = memory?.start
        #expect(pool.idleByteCounts.isEmpty)
        memory = nil
        #expect(pool.idleByteCounts == [100_000])
        memory = pool.take(byteCount: 60_000)
        #expect(memory?.start == first)
        #expect(pool.idleByteCounts.isEmpty)
    }

    @Test func `Gives nobody the memory of another`() {
        let pool = BufferPool()
        let held = (0..<4).map { _ in pool.take(byteCount: 5000) }
        #expect(Set(held.map(\.start)).count == 4)
    }

    @Test func `Keeps large blocks for large needs`() {
        let pool = BufferPool()
        do { _ = pool.take(byteCount: 1 << 20) }
        let small = pool.take(byteCount: 1 << 10)
        #expect(pool.idleByteCounts == [1 << 20])
        withExtendedLifetime(small) {}
    }

    @Test func `Takes the smallest that fits`() {
        let pool = BufferPool()
        do {
            let held = [70_000, 50_000, 60_000].map { pool.take(byteCount: $0) }
            withExtendedLifetime(held) {}
        }
        let memory = pool.take(byteCount: 45_000)
        #expect(pool.idleByteCounts.sorted() == [60_000, 70_000])
        withExtendedLifetime(memory) {}
    }

    @Test func `Keeps no more than its limit`() {
        let pool = BufferPool()
        do {
            let held = (0..<9).map { _ in pool.take(byteCount: BufferPool.limit / 4) }
            withExtendedLifetime(held) {}
        }
        #expect(pool.idleByteCounts.count == 4)
        do { _ = pool.take(byteCount: 2 * BufferPool.limit) }
        #expect(pool.idleByteCounts.isEmpty)
    }

    @Test func `Serves several threads`() async {
        let pool = BufferPool()
        await withTaskGroup(of: Bool.self) { group in
            for task in 0..<6 {
                group.addTask {
                    (0..<300).allSatisfy { turn in
                        let memory = pool.take(byteCount: 4 * (64 + turn))
                        let words = memory.start.bindMemory(to: Int.self, capacity: 8)
                        for index in 0..<8 { words[index] = task * 1000 + turn }
                        return (0..<8).allSatisfy { words[$0] == task * 1000 + turn }
                    }
                }
            }
            for await isOwn in group { #expect(isOwn) }
        }
    }
}
