import CLIP
import CLIPCompute

/// Some pictures' vectors, copied out of an index in an order of their own.
///
/// Memory: as much as they take in the index.
struct VectorCopy: Sendable {
    /// The pictures' numbers in the index.
    let numbers: [Int]
    private let matrix: PanelPackedMatrix?
    private let dimension: Int

    /// - Throws: `CLIPError` of kind `.index` when a vector is damaged.
    init(_ index: PictureIndex, numbers: [Int]) throws(CLIPError) {
        self.numbers = numbers
        dimension = index.dimension
        guard !numbers.isEmpty else {
            matrix = nil
            return
        }
        let panels = VectorPanels(count: numbers.count, dimension: dimension, type: index.vectorType)
        for (position, number) in numbers.enumerated() {
            try checkCancellation()
            guard let record = index.file.record(number) else { throw index.damage(number) }
            let bytes = index.file.vectorBytes(number)
            guard CRC32C.checksum(bytes) == record.vectorChecksum else { throw index.damage(number) }
            panels.place(bytes, at: position)
        }
        matrix = panels.matrix
    }

    /// The values of the vector at `position`.
    func vector(_ position: Int) -> [Float] { matrix?.row(position) ?? [] }

    /// The directions of the means of some groups of vectors, which share none.
    /// - Parameter groups: positions.
    func means(of groups: [[Int]], _ compute: Compute) throws(CLIPError) -> [Embedding] {
        guard let matrix else { return [] }
        var owners = [Int32](repeating: -1, count: numbers.count)
        for (group, positions) in groups.enumerated() {
            for position in positions { owners[position] = Int32(group) }
        }
        let sums = compute.sums(of: matrix, owners: owners, count: groups.count)
        try checkCancellation()
        return sums.map { sum in
            let length = sum.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return Embedding(values: sum.map { Float(length > 0 ? $0 / length : 0) })
        }
    }

    /// The vectors at some positions, as queries.
    func rows(_ positions: [Int]) throws(CLIPError) -> QueryRows {
        guard let matrix else { return try QueryRows([], dimension: dimension) }
        return try QueryRows(positions.map { Embedding(values: matrix.row($0)) }, dimension: dimension)
    }

    /// The same beside whole numbers, to find which products reach a threshold; nil when there are no vectors.
    func coarse(_ compute: Compute) -> CoarseVectors? { matrix.map { CoarseVectors($0, compute) } }

    /// Multiplies some queries with all vectors, a block of them after another.
    /// - Parameter body: takes a thread's state and a block's products.
    /// - Throws: `CLIPError` of kind `.cancelled`, after the blocks that are being multiplied.
    func scan<State>(
        _ queries: QueryRows, _ compute: Compute, initial: () -> State,
        _ body: (_ state: inout State, _ products: BlockProducts) -> Void
    ) throws(CLIPError) -> [State] {
        guard let matrix else { return [] }
        let rows = PictureIndex.blockRows
        let blocks = stride(from: 0, to: matrix.outputs, by: rows).map {
            PanelRows(matrix, rows: $0..<min($0 + rows, matrix.outputs))
        }
        let states = compute.scan(queries.matrix, blocks: blocks, initial: initial) { state, block, products in
            body(&state, BlockProducts(products, rowCount: blocks[block].rows.count))
        }
        try checkCancellation()
        return states
    }
}

/// Memory for vectors in panels.
private final class VectorPanels: @unchecked Sendable {
    private let bytes: UnsafeMutableRawBufferPointer
    private let count: Int
    private let dimension: Int
    private let type: VectorType

    init(count: Int, dimension: Int, type: VectorType) {
        self.count = count
        self.dimension = dimension
        self.type = type
        bytes = .allocate(byteCount: (count + 15) / 16 * 16 * dimension * type.byteCount, alignment: 64)
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit { bytes.deallocate() }

    func place(_ vector: [UInt8], at row: Int) { SegmentBody.place(vector, row: row, in: bytes, type) }

    var matrix: PanelPackedMatrix {
        PanelPackedMatrix(
            inputs: dimension, outputs: count, elementType: type == .float16 ? .float16 : .float32,
            bytes: UnsafeRawBufferPointer(bytes), owner: self)
    }
}

extension PanelPackedMatrix {
    /// Row `index`, its values one after another.
    func row(_ index: Int) -> [Float] {
        let type: VectorType = elementType == .float16 ? .float16 : .float32
        let width = type.byteCount
        let start = index / 16 * 16 * inputs * width + index % 16 * width
        let values = [UInt8](unsafeUninitializedCapacity: inputs * width) { target, count in
            count = inputs * width
            for column in 0..<inputs {
                for byte in 0..<width { target[column * width + byte] = bytes[start + column * 16 * width + byte] }
            }
        }
        return type.values(values)
    }
}
