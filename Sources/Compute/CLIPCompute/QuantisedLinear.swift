internal import CLIPKernels

extension Compute {
    /// Computes several linear layers of int8 weights in one parallel pass.
    ///
    /// Each row of an input is quantised by itself, once for all products that read it; sums are whole numbers. So every
    /// output is the same to the bit for any number of rows, of products and of threads.
    func quantisedLinear(_ products: [LinearProduct]) {
        let inputs = quantise(products)
        var tasks: [QuantisedTask] = []
        let work = products.map { $0.rows * $0.weights.outputs * $0.weights.inputs }
        // So small that no core waits long for the last one, but worth the handing over.
        let share =
            threads == 1 ? Int.max : max(Compute.smallestQuantisedTask, work.reduce(0, +) / (16 * threads))
        for (index, product) in products.enumerated() {
            guard let input = inputs.firstIndex(where: { $0.holds(product) }) else { continue }
            let tiles = inputs[input].tileCount
            let tileBytes = 4 * kernels.quantised.tileRows * inputs[input].wordsPerRow
            let rowChunks = max(1, min(tiles, tiles * tileBytes / Compute.quantisedCacheBytes))
            let units = (product.weights.outputs + Compute.quantisedUnit - 1) / Compute.quantisedUnit
            let columnChunks = min(units, max(1, work[index] / rowChunks / share))
            for row in 0..<rowChunks {
                for column in 0..<columnChunks {
                    tasks.append(
                        QuantisedTask(
                            product: index, input: input, tiles: evenBlock(row, of: rowChunks, rows: tiles),
                            units: evenBlock(column, of: columnChunks, rows: units)))
                }
            }
        }
        parallel.run(tasks.count) { index in
            let task = tasks[index]
            run(products[task.product], inputs[task.input], task)
        }
    }

    /// Products of two numbers, some ten microseconds of them.
    private static let smallestQuantisedTask = 2_000_000

    /// Columns in pairs of panels, what the widest tile takes.
    private static let quantisedUnit = 2 * PanelPackedMatrix.panelWidth

    /// Levels of a task at most: they then stay in a cache between one pair of panels and the next.
    private static let quantisedCacheBytes = 256 << 10

    /// A product's rows by tiles and its columns by pairs of panels.
    private struct QuantisedTask {
        var product: Int
        var input: Int
        var tiles: Range<Int>
        var units: Range<Int>
    }

    /// Quantises each input of `products` once.
    private func quantise(_ products: [LinearProduct]) -> [QuantisedRows] {
        var inputs: [QuantisedRows] = []
        for product in products where product.rows > 0 && !inputs.contains(where: { $0.holds(product) }) {
            inputs.append(QuantisedRows(product, kernels.quantised, memory))
        }
        var tiles: [(input: Int, tile: Int)] = []
        for index in inputs.indices { tiles += (0..<inputs[index].tileCount).map { (index, $0) } }
        parallel.run(tiles.count) { index in
            inputs[tiles[index].input].quantise(tile: tiles[index].tile, kernels.quantised)
        }
        return inputs
    }

    private func run(_ product: LinearProduct, _ input: QuantisedRows, _ task: QuantisedTask) {
        let weights = product.weights
        guard let scales = weights.columnScales else { return }
        let first = task.units.lowerBound * Compute.quantisedUnit
        let end = min(task.units.upperBound * Compute.quantisedUnit, weights.outputs)
        let groups = PanelPackedMatrix.groupCount(inputs: weights.inputs)
        kernels.quantised.linear(
            QuantisedBlock(
                tiles: task.tiles, tileCount: input.tileCount, rows: product.rows, words: input.words,
                rowScales: input.scales, groups: groups, panels: weights.bytes.baseAddress! + first * groups * 4,
                columns: end - first, columnScales: scales.scales + first, columnSums: scales.sums + first,
                target: product.target + first, targetStride: product.targetStride,
                bias: product.bias.map { $0.start + first }, activation: product.activation,
                residual: product.residual.map { $0 + first }, residualStride: product.residualStride))
    }
}

/// The levels of an input's rows, in the order in which tiles read them.
private final class QuantisedRows: @unchecked Sendable {
    let tileCount: Int
    let wordsPerRow: Int
    let words: UnsafeMutablePointer<Int32>
    let scales: UnsafeMutablePointer<RowScale>
    private let memory: PooledMemory
    private let input: UnsafePointer<Float>
    private let inputStride: Int
    private let rows: Int
    private let columns: Int

    /// Room for the levels of `product`'s input.
    init(_ product: LinearProduct, _ kernels: QuantisedKernels, _ pool: BufferPool) {
        input = product.input
        inputStride = product.inputStride
        rows = product.rows
        columns = product.weights.inputs
        tileCount = (rows + kernels.tileRows - 1) / kernels.tileRows
        wordsPerRow = PanelPackedMatrix.groupCount(inputs: columns) * kernels.steps
        let wordCount = rows * wordsPerRow
        memory = pool.take(byteCount: 4 * wordCount + MemoryLayout<RowScale>.stride * rows)
        words = memory.start.bindMemory(to: Int32.self, capacity: wordCount)
        scales = (memory.start + 4 * wordCount).bindMemory(to: RowScale.self, capacity: rows)
    }

    func holds(_ product: LinearProduct) -> Bool {
        input == product.input && inputStride == product.inputStride && rows == product.rows
            && columns == product.weights.inputs
    }

    func quantise(tile: Int, _ kernels: QuantisedKernels) {
        let range = evenBlock(tile, of: tileCount, rows: rows)
        kernels.quantise(
            RowQuantisation(
                input: input + range.lowerBound * inputStride, inputStride: inputStride, rows: range.count,
                columns: columns, words: words + range.lowerBound * wordsPerRow, scales: scales + range.lowerBound))
    }
}
