/// The best few of many scores: a heap with the worst on top.
///
/// Equal scores are ordered by number, so that the result doesn't depend on the order in which they come.
struct TopScores {
    private let capacity: Int
    private var heap: [Neighbor] = []
    /// What a score must reach to be taken.
    private(set) var bar: Float

    /// - Parameter least: the least score that counts.
    init(capacity: Int, least: Float = -.infinity) {
        self.capacity = capacity
        bar = capacity > 0 ? least : .infinity
    }

    /// Takes a score that reaches the bar, if it is among the best.
    mutating func insert(_ neighbor: Neighbor) {
        if heap.count < capacity {
            heap.append(neighbor)
            var child = heap.count - 1
            while child > 0, heap[child].isWorse(than: heap[(child - 1) / 2]) {
                heap.swapAt(child, (child - 1) / 2)
                child = (child - 1) / 2
            }
        } else if let worst = heap.first, worst.isWorse(than: neighbor) {
            heap[0] = neighbor
            sink()
        }
        if heap.count == capacity { bar = max(bar, heap[0].score) }
    }

    mutating func merge(_ other: TopScores) {
        for neighbor in other.heap { insert(neighbor) }
    }

    /// Best first.
    var sorted: [Neighbor] { heap.sorted { $1.isWorse(than: $0) } }

    private mutating func sink() {
        var parent = 0
        while true {
            var worst = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child].isWorse(than: heap[worst]) { worst = child }
            }
            if worst == parent { return }
            heap.swapAt(parent, worst)
            parent = worst
        }
    }
}

/// A picture near a point.
public struct Neighbor: Sendable, Equatable {
    /// The number of the near picture in its index.
    public let number: Int
    /// The product with the query: its cosine, when the query has length 1.
    public let score: Float

    @inline(__always)
    func isWorse(than other: Neighbor) -> Bool {
        score != other.score ? score < other.score : number > other.number
    }
}
