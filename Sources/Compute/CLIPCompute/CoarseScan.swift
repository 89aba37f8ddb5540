internal import CLIPKernels

/// Vectors, and the same in 8-bit whole numbers, whose products say which of the vectors' own can reach a threshold.
///
/// Memory: a byte a number besides the vectors.
package struct CoarseVectors: Sendable {
    /// Neighbouring vectors: their products with some queries fit a cache.
    struct Block: Sendable {
        let vectors: PanelRows
        /// In whole numbers; nil where a vector holds an infinity or is not a number.
        let numbers: PanelPackedMatrix?
        /// The length of the longest vector.
        let length: Double
        /// The length of the largest difference between a vector and its whole numbers.
        let error: Double
    }

    let blocks: [Block]
    /// The numbers of a vector.
    package let dimension: Int

    /// - Parameter vectors: `[vectors, dimension]`, floats.
    package init(_ vectors: PanelPackedMatrix, _ compute: Compute) {
        dimension = vectors.inputs
        let starts = Array(stride(from: 0, to: vectors.outputs, by: CoarseVectors.blockRows))
        blocks = compute.parallel.orderedMap(starts) { start in
            Block(PanelRows(vectors, rows: start..<min(start + CoarseVectors.blockRows, vectors.outputs)))
        }
    }

    static let blockRows = 512
}

extension CoarseVectors.Block {
    init(_ vectors: PanelRows) {
        self.vectors = vectors
        let part = vectors.part
        let width = PanelPackedMatrix.panelWidth
        var squares = [Double](repeating: 0, count: PanelPackedMatrix.paddedOutputs(part.outputs))
        part.forEachLine { panel, _, line in
            for lane in 0..<width { squares[panel * width + lane] += Double(line[lane]) * Double(line[lane]) }
        }
        length = (squares.max() ?? 0).squareRoot()
        guard squares.allSatisfy({ $0.isFinite }) else {
            numbers = nil
            error = .infinity
            return
        }
        let quantised = part.quantised(as: .int8)
        var differences = [Double](repeating: 0, count: squares.count)
        let exact = quantised.dequantised()
        part.forEachLine { panel, input, line in
            let other = exact.line(panel: panel, input: input)
            for lane in 0..<width {
                let difference = Double(line[lane]) - Double(other[lane])
                differences[panel * width + lane] += difference * difference
            }
        }
        numbers = quantised
        // Dequantising rounds as well.
        error = (differences.max() ?? 0).squareRoot() + 0x1p-23 * length
    }
}

extension Compute {
    /// Finds the products of queries and vectors that reach a threshold: those of `scan`, to the bit.
    ///
    /// Products of whole numbers tell which can. With x ≈ x̂ and y ≈ ŷ, |x·y − x̂·ŷ| = |(x − x̂)·y + x̂·(y − ŷ)| is at most
    /// ‖x − x̂‖ ‖y‖ + ‖x̂‖ ‖y − ŷ‖ (Cauchy and Schwarz); to that comes what rounding adds on both sides. Only products within
    /// that of the threshold are computed in floats, whole blocks where it is many.
    /// - Parameters:
    ///   - queries: `[queries, dimension]`.
    ///   - start: the first vector that is looked at, and maybe some before it.
    ///   - initial: what one thread begins with.
    ///   - threshold: takes a thread's state and a query; it may rise from one block to the next.
    ///   - body: takes a thread's state, a query, a vector, and their product.
    /// - Returns: the state of each thread that worked, in no order. Once `Cancellation.isRequested` blocks are missing.
    package func scan<State>(
        _ queries: Rows<Float>, _ vectors: CoarseVectors, from start: Int = 0, initial: () -> State,
        reaching threshold: (_ state: State, _ query: Int) -> Float,
        body: (_ state: inout State, _ query: Int, _ vector: Int, _ product: Float) -> Void
    ) -> [State] {
        let blocks = vectors.blocks.filter { $0.vectors.rows.upperBound > start }
        guard !blocks.isEmpty, queries.count > 0 else { return [] }
        let coarse = CoarseQueries(queries, dimension: vectors.dimension, kernels.int8, memory)
        // A row more, for what a query gives with a panel alone.
        return forEachBlock(
            blocks.count, rows: queries.count + 1, columns: CoarseVectors.blockRows, initial: initial
        ) { state, index, products in
            let thresholds = (0..<queries.count).map { threshold(state, $0) }
            scan(queries, coarse, blocks[index], reaching: thresholds, products) { query, vector, product in
                body(&state, query, vector, product)
            }
        }
    }

    private func scan(
        _ queries: Rows<Float>, _ coarse: CoarseQueries, _ block: CoarseVectors.Block, reaching thresholds: [Float],
        _ room: MutableRows<Float>, body: (_ query: Int, _ vector: Int, _ product: Float) -> Void
    ) {
        let (products, own) = (room[0..<queries.count], room[queries.count..<queries.count + 1])
        let panels = block.vectors.part
        let all = 0..<panels.outputs
        if let numbers = block.numbers {
            coarse.multiply(numbers, kernels.int8, into: products)
            let candidates = coarse.candidates(products, block, reaching: thresholds)
            // A panel for one query takes about three times its share of a block.
            if 3 * candidates.count < queries.count * PanelPackedMatrix.panelCount(outputs: panels.outputs) {
                for candidate in candidates {
                    let columns = panels.columns(panel: candidate.panel)
                    kernels.linear(
                        LinearInput(queries[candidate.query..<candidate.query + 1]), panels.panels(columns),
                        LinearOutput(own))
                    for column in columns {
                        let product = own[0][column - columns.lowerBound]
                        guard product >= thresholds[candidate.query] else { continue }
                        body(candidate.query, block.vectors.rows.lowerBound + column, product)
                    }
                }
                return
            }
        }
        kernels.linear(LinearInput(queries), panels.panels(all), LinearOutput(products))
        for query in 0..<queries.count {
            let products = products[query]
            for vector in all where products[vector] >= thresholds[query] {
                body(query, block.vectors.rows.lowerBound + vector, products[vector])
            }
        }
    }
}

/// Queries in levels of eight bits, and how far off those can be.
final class CoarseQueries {
    private let levels: LevelRows
    /// Of each query the length, and the greatest that its difference to the levels' numbers can have.
    private let lengths: [Double]
    private let errors: [Double]
    private let dimension: Int
    private let input: QuantisedInput

    init(_ queries: Rows<Float>, dimension: Int, _ kernels: QuantisedKernels, _ pool: BufferPool) {
        self.dimension = dimension
        input = QuantisedInput(queries, columns: dimension, kernels, pool)
        levels = input.levels
        for tile in 0..<levels.tileCount { input.quantise(tile: tile, kernels) }
        lengths = (0..<queries.count).map { query in
            UnsafeBufferPointer(start: queries[query], count: dimension).reduce(0) { $0 + Double($1) * Double($1) }
                .squareRoot()
        }
        // A number is off by half a step, and by what the steps' own rounding adds.
        let scales = levels.scales
        errors = (0..<queries.count).map { 0.501 * Double(scales[$0].scale) * Double(dimension).squareRoot() }
    }

    /// Multiplies the queries with vectors in whole numbers.
    func multiply(
        _ vectors: PanelPackedMatrix, _ kernels: QuantisedKernels, into products: MutableRows<Float>
    ) {
        kernels.linear(
            levels, 0..<levels.tileCount, vectors.panels(0..<vectors.outputs), LinearOutput(products))
    }

    /// The panels in which a query can have a product that reaches its threshold.
    func candidates(
        _ products: MutableRows<Float>, _ block: CoarseVectors.Block, reaching thresholds: [Float]
    ) -> [(query: Int, panel: Int)] {
        var found: [(query: Int, panel: Int)] = []
        let panels = PanelPackedMatrix.panelCount(outputs: block.vectors.rows.count)
        for query in 0..<products.count {
            let bar = SIMD4<Float>(repeating: bar(query, block, reaching: thresholds[query]))
            let row = UnsafeRawPointer(products[query])
            @inline(__always) func reaches(_ panel: Int, _ quarter: Int) -> SIMD2<UInt64> {
                let four = row.loadUnaligned(fromByteOffset: 64 &* panel &+ 16 &* quarter, as: SIMD4<Float>.self)
                return unsafeBitCast(four .>= bar, to: SIMD2<UInt64>.self)
            }
            for panel in 0..<panels {
                // What stands behind the last vector is of another block, or zero: it costs a look at most.
                let any = (reaches(panel, 0) | reaches(panel, 1)) | (reaches(panel, 2) | reaches(panel, 3))
                if any[0] | any[1] != 0 { found.append((query, panel)) }
            }
        }
        return found
    }

    /// The least that a product of whole numbers is where that of the vectors, summed in floats, reaches the threshold.
    private func bar(_ query: Int, _ block: CoarseVectors.Block, reaching threshold: Float) -> Float {
        let bar = Double(threshold) - slack(query, block)
        return bar.isFinite ? Float(bar).nextDown : -.infinity
    }

    /// The most that a product of whole numbers is away from that of the vectors, summed in floats.
    func slack(_ query: Int, _ block: CoarseVectors.Block) -> Double {
        let (length, error) = (lengths[query] + errors[query], errors[query])
        let steps = error * block.length + length * block.error
        // A sum of n products is off by n · 2⁻²⁴ of all of them, the scaled whole number by 3 · 2⁻²⁴.
        let rounding = Double(dimension + 8) * 0x1p-23 * length * (block.length + block.error)
        return steps + rounding
    }
}

extension PanelRows {
    /// The rows as a matrix of their own.
    var part: PanelPackedMatrix { matrix.part(rows) }
}
