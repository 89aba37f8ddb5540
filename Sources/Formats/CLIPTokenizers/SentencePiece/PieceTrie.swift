/// The pieces as a tree of bytes in flat memory, level by level: the children of a node stand together, in order of
/// their bytes.
struct PieceTrie {
    static let root = 0

    /// The byte that leads to each node.
    let labels: UnsafeRawBufferPointer
    /// The first child of each node, u32 each; one more, so that the children of a node end where the next one's begin.
    let children: UnsafeRawBufferPointer
    /// The piece that ends at each node, u32 each: twice its id + 1, or with one more if it is user-defined; 0 for none.
    let values: UnsafeRawBufferPointer

    var nodeCount: Int { labels.count }

    /// The node that `byte` leads to.
    @inline(__always)
    func child(of node: Int, _ byte: UInt8) -> Int? {
        var low = Int(children.word(at: 4 &* node))
        let end = Int(children.word(at: 4 &* node &+ 4))
        var high = end
        while low < high {
            let middle = (low &+ high) &>> 1
            if labels[middle] < byte { low = middle &+ 1 } else { high = middle }
        }
        return low < end && labels[low] == byte ? low : nil
    }

    /// The piece that ends at `node`.
    @inline(__always)
    func piece(at node: Int) -> (id: Int, isUserDefined: Bool)? {
        let value = values.word(at: 4 &* node)
        return value == 0 ? nil : (Int(value >> 1) &- 1, value & 1 == 1)
    }

    /// Whether no number leads out of its table.
    func isValid(pieceCount: Int) -> Bool {
        let count = nodeCount
        guard count > 0, children.count == 4 * (count + 1), values.count == 4 * count else { return false }
        var previous: UInt32 = 0
        var isValid = true
        for node in 0...count {
            let first = children.word(at: 4 &* node)
            isValid = isValid && first >= previous
            previous = first
        }
        for node in 0..<count { isValid = isValid && values.word(at: 4 &* node) >> 1 <= pieceCount }
        return isValid && previous <= count
    }
}

/// Builds the tree from pieces.
struct PieceTrieBuilder {
    private(set) var labels: [UInt8] = []
    private(set) var children: [UInt32] = []
    private(set) var values: [UInt32] = []

    /// - Parameter pieces: not empty; of two that are equal the last counts.
    init(_ pieces: [(bytes: ArraySlice<UInt8>, id: UInt32, isUserDefined: Bool)]) {
        let sorted = pieces.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        labels = [0]
        values = [0]
        // Each node's pieces: those that begin with its bytes.
        var level = [0..<sorted.count]
        var depth = 0
        while !level.isEmpty {
            var next: [Range<Int>] = []
            for range in level {
                children.append(UInt32(labels.count))
                var start = range.lowerBound
                while start < range.upperBound, sorted[start].bytes.count == depth { start += 1 }
                while start < range.upperBound {
                    let byte = sorted[start].bytes[sorted[start].bytes.startIndex + depth]
                    var end = start
                    var value: UInt32 = 0
                    while end < range.upperBound, case let piece = sorted[end],
                        piece.bytes[piece.bytes.startIndex + depth] == byte
                    {
                        if piece.bytes.count == depth + 1 {
                            value = (piece.id + 1) << 1 | (piece.isUserDefined ? 1 : 0)
                        }
                        end += 1
                    }
                    labels.append(byte)
                    values.append(value)
                    next.append(start..<end)
                    start = end
                }
            }
            level = next
            depth += 1
        }
        children.append(UInt32(labels.count))
    }
}
