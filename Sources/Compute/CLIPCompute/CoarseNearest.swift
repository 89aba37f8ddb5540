internal import CLIPKernels

extension Compute {
    /// Finds for each vector the query whose product with it is the greatest, of equal ones the first: as the products of
    /// `scan` say, to the bit.
    ///
    /// Products of whole numbers, with how far off they can be, leave a single query for most vectors. Only where they
    /// leave several are products computed in floats, whole blocks where that is many.
    /// - Parameter queries: `[queries, dimension]`.
    /// - Returns: a query for each vector; 0 where no product is a number. Once `Cancellation.isRequested` some are missing.
    package func nearestQueries(_ queries: Rows<Float>, _ vectors: CoarseVectors) -> [Int32] {
        let parts = stride(from: 0, to: queries.count, by: NearestQueries.partRows).map { start in
            let rows = queries[start..<min(start + NearestQueries.partRows, queries.count)]
            let coarse = CoarseQueries(rows, dimension: vectors.dimension, kernels.int8, memory)
            return NearestQueries.Part(start: start, rows: rows, coarse: coarse)
        }
        let found = forEachBlock(
            vectors.blocks.count, rows: NearestQueries.partRows + 1, columns: CoarseVectors.blockRows,
            initial: { [(first: Int, nearest: [Int32])]() }
        ) { found, index, products in
            let block = NearestQueries(vectors.blocks[index], parts, kernels, products)
            found.append((vectors.blocks[index].vectors.rows.lowerBound, block.nearest))
        }
        var all = [Int32](repeating: 0, count: vectors.blocks.reduce(0) { $0 + $1.vectors.rows.count })
        for (first, nearest) in found.joined() { all.replaceSubrange(first..<first + nearest.count, with: nearest) }
        return all
    }

    /// Raises each vector's score to its product with a query where that is greater: as the products of `scan` say, to
    /// the bit.
    /// - Parameters:
    ///   - scores: one a vector. Once `Cancellation.isRequested` some are not raised.
    ///   - query: `[1, dimension]`.
    package func raise(_ scores: inout [Float], to query: Rows<Float>, _ vectors: CoarseVectors) {
        let coarse = CoarseQueries(query, dimension: vectors.dimension, kernels.int8, memory)
        let before = scores
        let raised = forEachBlock(
            vectors.blocks.count, rows: 2, columns: CoarseVectors.blockRows,
            initial: { [(vector: Int, score: Float)]() }
        ) { raised, index, room in
            let block = vectors.blocks[index]
            let (first, panels) = (block.vectors.rows.lowerBound, block.vectors.part)
            let (products, own) = (room[0..<1], room[1..<2])
            if let numbers = block.numbers { coarse.multiply(numbers, kernels.int8, into: products) }
            let slack = Float(coarse.slack(0, block)).nextUp
            for panel in 0..<PanelPackedMatrix.panelCount(outputs: panels.outputs) {
                let columns = panels.columns(panel: panel)
                let isBelow = { (column: Int) in products[0][column] + slack <= before[first + column] }
                guard block.numbers == nil || !columns.allSatisfy(isBelow) else { continue }
                kernels.linear(LinearInput(query), panels.panels(columns), LinearOutput(own))
                for column in columns {
                    let score = own[0][column - columns.lowerBound]
                    if score > before[first + column] { raised.append((first + column, score)) }
                }
            }
        }
        for (vector, score) in raised.joined() { scores[vector] = score }
    }
}

/// The nearest queries of a block's vectors.
private struct NearestQueries {
    /// Some of the queries: their products with a block fit a cache.
    struct Part {
        let start: Int
        let rows: Rows<Float>
        let coarse: CoarseQueries
    }

    /// A query that may be a vector's nearest.
    private struct Candidate {
        let query: Int
        let column: Int
        /// The most that their product can be.
        let most: Float
    }

    static let partRows = 128

    private(set) var nearest: [Int32]
    private let panels: PanelPackedMatrix
    private let parts: [Part]
    private let kernels: LayerKernels
    private let products: MutableRows<Float>

    /// - Parameter products: room for those of a part of the queries, and a row.
    init(_ block: CoarseVectors.Block, _ parts: [Part], _ kernels: LayerKernels, _ products: MutableRows<Float>) {
        panels = block.vectors.part
        nearest = [Int32](repeating: 0, count: panels.outputs)
        self.parts = parts
        self.kernels = kernels
        self.products = products
        guard let numbers = block.numbers else {
            compareAll()
            return
        }
        let candidates = candidates(block, numbers)
        var counts = [Int](repeating: 0, count: panels.outputs)
        for candidate in candidates { counts[candidate.column] += 1 }
        let open = candidates.filter { counts[$0.column] > 1 }
        for candidate in candidates where counts[candidate.column] == 1 {
            nearest[candidate.column] = Int32(candidate.query)
        }
        compare(open)
    }

    /// What is left when each product can be as far off as it may, the queries in their order.
    private func candidates(_ block: CoarseVectors.Block, _ numbers: PanelPackedMatrix) -> [Candidate] {
        let quarters = PanelPackedMatrix.paddedOutputs(panels.outputs) / 4
        /// The least that each vector's greatest product can be.
        var least = [SIMD4<Float>](repeating: SIMD4(repeating: -.infinity), count: quarters)
        var found: [Candidate] = []
        for part in parts {
            part.coarse.multiply(numbers, kernels.int8, into: products)
            let slacks = (0..<part.rows.count).map { Float(part.coarse.slack($0, block)).nextUp }
            for (query, slack) in slacks.enumerated() {
                let row = UnsafeRawPointer(products[query])
                for quarter in 0..<quarters {
                    let low = row.loadUnaligned(fromByteOffset: 16 * quarter, as: SIMD4<Float>.self) - slack
                    least[quarter].replace(with: low, where: low .> least[quarter])
                }
            }
            for (query, slack) in slacks.enumerated() {
                let row = UnsafeRawPointer(products[query])
                for quarter in 0..<quarters {
                    let most = row.loadUnaligned(fromByteOffset: 16 * quarter, as: SIMD4<Float>.self) + slack
                    // What is not a number is not below either.
                    let isBelow = unsafeBitCast(most .< least[quarter], to: SIMD2<UInt64>.self)
                    guard isBelow[0] & isBelow[1] != .max else { continue }
                    for lane in 0..<4 where !(most[lane] < least[quarter][lane]) {
                        let column = 4 * quarter + lane
                        guard column < panels.outputs else { break }
                        found.append(Candidate(query: part.start + query, column: column, most: most[lane]))
                    }
                }
            }
        }
        return parts.count == 1 ? found : found.filter { !($0.most < least[$0.column / 4][$0.column % 4]) }
    }

    /// Compares products in floats: of each panel with a candidate for one of its vectors, or all where that is less work.
    private mutating func compare(_ open: [Candidate]) {
        let width = PanelPackedMatrix.panelWidth
        var pairs = 0
        var last = (query: -1, panel: -1)
        for candidate in open where last != (candidate.query, candidate.column / width) {
            last = (candidate.query, candidate.column / width)
            pairs += 1
        }
        let queries = parts.reduce(0) { $0 + $1.rows.count }
        // A panel for one query takes about three times its share of a block.
        guard 3 * pairs < queries * PanelPackedMatrix.panelCount(outputs: panels.outputs) else {
            compareAll()
            return
        }
        var best = [Float](repeating: -.infinity, count: panels.outputs)
        let own = products[NearestQueries.partRows..<NearestQueries.partRows + 1]
        last = (-1, -1)
        for candidate in open {
            let (panel, part) = (candidate.column / width, parts[candidate.query / NearestQueries.partRows])
            if last != (candidate.query, panel) {
                last = (candidate.query, panel)
                let row = candidate.query - part.start
                kernels.linear(
                    LinearInput(part.rows[row..<row + 1]), panels.panels(panels.columns(panel: panel)),
                    LinearOutput(own))
            }
            let product = own[0][candidate.column % width]
            if product > best[candidate.column] {
                best[candidate.column] = product
                nearest[candidate.column] = Int32(candidate.query)
            }
        }
    }

    private mutating func compareAll() {
        var best = [Float](repeating: -.infinity, count: panels.outputs)
        for part in parts {
            kernels.linear(LinearInput(part.rows), panels.panels(0..<panels.outputs), LinearOutput(products))
            for query in 0..<part.rows.count {
                let products = products[query]
                for column in 0..<panels.outputs where products[column] > best[column] {
                    best[column] = products[column]
                    nearest[column] = Int32(part.start + query)
                }
            }
        }
    }
}
