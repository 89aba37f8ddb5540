import Synchronization

/// Memory that one layer after another and one call after another uses again: the system clears what it gives, page by
/// page, which takes longer than computing a good part of a layer.
///
/// Any number of threads may take memory at once; nobody's memory is anybody else's.
package final class BufferPool: Sendable {
    /// Memory at a cache line that nobody uses.
    private struct Block: @unchecked Sendable {
        var start: UnsafeMutableRawPointer
        var byteCount: Int
    }

    /// What was given back, the latest last.
    private let idle = Mutex<[Block]>([])

    package init() {}

    deinit {
        for block in idle.withLock({ $0 }) { block.start.deallocate() }
    }

    /// Memory of at least `byteCount` bytes, which hold anything.
    package func take(byteCount: Int) -> PooledMemory {
        let found = idle.withLock { idle -> Block? in
            let fitting = idle.indices.filter {
                (byteCount...BufferPool.largest(for: byteCount)).contains(idle[$0].byteCount)
            }
            return fitting.min { idle[$0].byteCount < idle[$1].byteCount }.map { idle.remove(at: $0) }
        }
        let block = found ?? Block(start: .allocate(byteCount: byteCount, alignment: 64), byteCount: byteCount)
        return PooledMemory(start: block.start, byteCount: block.byteCount, pool: self)
    }

    /// The largest block that so many bytes are put in: a larger one waits for those who need it.
    private static func largest(for byteCount: Int) -> Int { max(2 * byteCount, 4096) }

    /// Keeps a block for whoever needs it next, and frees what has waited longest when there is too much.
    fileprivate func give(_ start: UnsafeMutableRawPointer, byteCount: Int) {
        let freed = idle.withLock { idle -> [Block] in
            idle.append(Block(start: start, byteCount: byteCount))
            var sum = idle.reduce(0) { $0 + $1.byteCount }
            var count = 0
            while sum > BufferPool.limit {
                sum -= idle[count].byteCount
                count += 1
            }
            defer { idle.removeFirst(count) }
            return Array(idle.prefix(count))
        }
        for block in freed { block.start.deallocate() }
    }

    /// The sizes of what nobody uses now.
    var idleByteCounts: [Int] { idle.withLock { $0.map(\.byteCount) } }

    /// The most bytes that wait, more than a group of pictures takes in the usual models.
    static let limit = 48 << 20
}

/// Memory of a pool, given back when the last reference to it goes.
package final class PooledMemory: @unchecked Sendable {
    package let start: UnsafeMutableRawPointer
    private let byteCount: Int
    private let pool: BufferPool

    fileprivate init(start: UnsafeMutableRawPointer, byteCount: Int, pool: BufferPool) {
        self.start = start
        self.byteCount = byteCount
        self.pool = pool
    }

    deinit { pool.give(start, byteCount: byteCount) }
}
