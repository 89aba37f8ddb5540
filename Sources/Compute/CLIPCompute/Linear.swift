internal import CLIPKernels

/// The trained part of a linear layer.
package struct Linear: Sendable {
    package let weights: PanelPackedMatrix
    /// A number per output, if it has one.
    package let bias: ParameterVector?

    package init(_ weights: PanelPackedMatrix, bias: ParameterVector? = nil) {
        precondition(bias.map { $0.count == weights.outputs } ?? true)
        self.weights = weights
        self.bias = bias
    }
}

/// One linear layer over some rows: input · weightsᵀ, plus bias, plus residual, through the activation.
package struct LinearProduct {
    package var layer: Linear
    /// `[rows, weights.inputs]`.
    package var input: Rows<Float>
    package var activation: LinearActivation
    /// `[rows, weights.outputs]`. It may be the target.
    package var residual: Rows<Float>?
    /// `[rows, weights.outputs]`. It must not be an input of the same pass.
    package var target: MutableRows<Float>

    package init(
        _ layer: Linear, _ input: Rows<Float>, into target: MutableRows<Float>,
        activation: LinearActivation = .identity, residual: Rows<Float>? = nil
    ) {
        self.layer = layer
        self.input = input
        self.activation = activation
        self.residual = residual
        self.target = target
    }

    /// A layer over all rows of `input`, whose outputs go to `target` from a column on.
    package init(
        _ layer: Linear, _ input: Activations, into target: Activations, column: Int = 0,
        activation: LinearActivation = .identity
    ) {
        self.init(layer, Rows(input.all), into: target.all.columns(from: column), activation: activation)
    }

    /// A layer over all rows of `input`, whose outputs are added to `target`.
    package init(
        _ layer: Linear, _ input: Activations, addedTo target: Activations, activation: LinearActivation = .identity
    ) {
        self.init(layer, Rows(input.all), into: target.all, activation: activation, residual: Rows(target.all))
    }

    fileprivate var weights: PanelPackedMatrix { layer.weights }

    fileprivate var output: LinearOutput {
        LinearOutput(target, bias: layer.bias?.start, activation: activation, residual: residual)
    }

    /// How many products of two numbers it takes.
    fileprivate var work: Int { input.count * weights.outputs * weights.inputs }

    /// Columns in pairs of panels, what the widest tile takes.
    private static let unitColumns = 2 * PanelPackedMatrix.panelWidth

    fileprivate var unitCount: Int { (weights.outputs + LinearProduct.unitColumns - 1) / LinearProduct.unitColumns }

    /// The columns of some units.
    fileprivate func columns(_ units: Range<Int>) -> Range<Int> {
        units.lowerBound
            * LinearProduct.unitColumns..<min(units.upperBound * LinearProduct.unitColumns, weights.outputs)
    }
}

extension Compute {
    /// Computes several linear layers in one parallel pass for each way of computing them.
    ///
    /// Every output is one sum over the inputs in their order, of int8 weights an exact one of whole numbers, of int16 one
    /// of such sums: it is the same to the bit for any number of rows, of products and of threads, and of whole numbers on
    /// every instruction set.
    package func linear(_ products: [LinearProduct]) {
        quantisedLinear(products.filter { $0.weights.elementType == .int8 }, kernels.int8)
        blockLinear(products.filter { $0.weights.elementType == .int16 }, kernels.int16)
        floatLinear(products.filter { !$0.weights.elementType.isWhole })
    }

    /// Two layers, one after the other, over all rows of `input`; what comes out is added to `target`.
    ///
    /// Layers of few weights take some rows at a time through both: what is between them doesn't leave a core's cache.
    package func linear(
        _ first: Linear, _ activation: LinearActivation, _ second: Linear, _ input: Activations,
        addedTo target: Activations
    ) {
        let hidden = first.weights.outputs
        let length = max(Compute.leastStretch, min(Compute.rowLimit, Compute.stretchFloats / hidden))
        let stretches = (input.rows + length - 1) / length
        let isSmall = first.weights.inputs * hidden + hidden * second.weights.outputs <= 2 * Compute.stretchFloats
        guard isSmall, stretches >= 4 * threads, !first.weights.elementType.isWhole, !second.weights.elementType.isWhole
        else {
            let middle = activations(rows: input.rows, columns: hidden)
            linear([LinearProduct(first, input, into: middle, activation: activation)])
            linear([LinearProduct(second, middle, addedTo: target)])
            return
        }
        parallel.run(stretches) { index in
            let rows = evenBlock(index, of: stretches, rows: input.rows)
            let middle = activations(rows: rows.count, columns: hidden)
            for product in [
                LinearProduct(first, Rows(input.all[rows]), into: middle.all, activation: activation),
                LinearProduct(second, Rows(middle.all), into: target.all[rows], residual: Rows(target.all[rows])),
            ] {
                kernels.linear(
                    LinearInput(product.input), product.weights.panels(0..<product.weights.outputs), product.output)
            }
        }
    }

    /// Numbers that stay in a core's second cache, with as many beside them.
    static let stretchFloats = 1 << 17
    /// Rows for which reading weights is worth while.
    static let leastStretch = 64

    private func floatLinear(_ products: [LinearProduct]) {
        guard !products.isEmpty else { return }
        let tasks = tasks(products, leastWork: Compute.leastFloatWork) { product in
            (product.input.count, (product.input.count + Compute.rowLimit - 1) / Compute.rowLimit)
        }
        parallel.run(tasks.count) { index in
            let task = tasks[index]
            let product = products[task.product]
            let columns = product.columns(task.units)
            kernels.linear(
                LinearInput(product.input[task.rows]), product.weights.panels(columns),
                product.output.part(task.rows, from: columns.lowerBound))
        }
    }

    /// Each row of an input is quantised by itself, once for all products that read it; sums are whole numbers.
    private func quantisedLinear(_ products: [LinearProduct], _ kernels: QuantisedKernels) {
        guard !products.isEmpty else { return }
        let inputs = quantise(products, kernels)
        let sources = products.map { product in inputs.firstIndex { $0.holds(product) } ?? 0 }
        let tasks = tasks(products, leastWork: Compute.leastQuantisedWork) { product in
            let tiles = (product.input.count + kernels.tileRows - 1) / kernels.tileRows
            let groups = PanelPackedMatrix.groupCount(inputs: product.weights.inputs, .int8)
            let tileBytes = 4 * kernels.tileRows * groups * kernels.steps
            return (tiles, max(1, min(tiles, tiles * tileBytes / Compute.quantisedCacheBytes)))
        }
        parallel.run(tasks.count) { index in
            let task = tasks[index]
            let product = products[task.product]
            let columns = product.columns(task.units)
            kernels.linear(
                inputs[sources[task.product]].levels, task.rows, product.weights.panels(columns),
                product.output.part(0..<product.input.count, from: columns.lowerBound))
        }
    }

    /// Each row of an input becomes whole numbers by itself, once for all products that read it.
    private func blockLinear(_ products: [LinearProduct], _ kernels: BlockKernels) {
        guard !products.isEmpty else { return }
        var inputs: [BlockInput] = []
        let sources = products.map { product in
            if let index = inputs.firstIndex(where: { $0.holds(product) }) { return index }
            inputs.append(BlockInput(product, memory))
            return inputs.count - 1
        }
        var parts: [(input: Int, rows: Range<Int>)] = []
        for (index, input) in inputs.enumerated() {
            let chunks = max(1, min(input.rows.count, input.rows.count * input.rows.stride / Compute.leastQuantising))
            parts += (0..<chunks).map { (index, evenBlock($0, of: chunks, rows: input.rows.count)) }
        }
        parallel.run(parts.count) { inputs[parts[$0].input].quantise(parts[$0].rows, kernels) }
        let tasks = tasks(products, leastWork: Compute.leastQuantisedWork) { product in
            let count = product.input.count
            return (count, max(1, min(count, 2 * product.weights.inputs * count / Compute.quantisedCacheBytes)))
        }
        parallel.run(tasks.count) { index in
            let task = tasks[index]
            let product = products[task.product]
            let columns = product.columns(task.units)
            kernels.linear(
                inputs[sources[task.product]].rows[task.rows], product.weights.panels(columns),
                product.output.part(task.rows, from: columns.lowerBound))
        }
    }

    /// Words, a few microseconds of them.
    private static let leastQuantising = 8192

    /// A piece of a product: some of its rows, or tiles of rows, by some of its pairs of panels.
    private struct LinearTask {
        var product: Int
        var rows: Range<Int>
        var units: Range<Int>
    }

    /// Cuts products into tasks of about the same size, between columns first: weights are then read once.
    /// - Parameter rows: how many rows, or tiles of rows, a product has, and into how many parts of them it is to be cut.
    private func tasks(
        _ products: [LinearProduct], leastWork: Int, rows: (LinearProduct) -> (count: Int, chunks: Int)
    ) -> [LinearTask] {
        // So small that no core waits long for the last one, but worth the handing over.
        let share =
            threads == 1 ? Int.max : max(leastWork, products.reduce(0) { $0 + $1.work } / (16 * threads))
        var tasks: [LinearTask] = []
        for (index, product) in products.enumerated() where product.input.count > 0 {
            let (count, rowChunks) = rows(product)
            let units = product.unitCount
            let columnChunks = min(units, max(1, product.work / rowChunks / share))
            for row in 0..<rowChunks {
                for column in 0..<columnChunks {
                    tasks.append(
                        LinearTask(
                            product: index, rows: evenBlock(row, of: rowChunks, rows: count),
                            units: evenBlock(column, of: columnChunks, rows: units)))
                }
            }
        }
        return tasks
    }

    /// Products of two numbers, some ten microseconds of them.
    private static let leastFloatWork = 500_000
    private static let leastQuantisedWork = 2_000_000

    /// Rows of a task at most: their inputs then stay in a cache between one pair of panels and the next.
    private static let rowLimit = 256

    /// Levels of a task at most, for the same reason.
    private static let quantisedCacheBytes = 256 << 10

    /// Quantises each input of `products` once.
    private func quantise(_ products: [LinearProduct], _ kernels: QuantisedKernels) -> [QuantisedInput] {
        var inputs: [QuantisedInput] = []
        for product in products where product.input.count > 0 && !inputs.contains(where: { $0.holds(product) }) {
            inputs.append(QuantisedInput(product.input, columns: product.weights.inputs, kernels, memory))
        }
        var tiles: [(input: Int, tile: Int)] = []
        for index in inputs.indices { tiles += (0..<inputs[index].levels.tileCount).map { (index, $0) } }
        parallel.run(tiles.count) { index in
            inputs[tiles[index].input].quantise(tile: tiles[index].tile, kernels)
        }
        return inputs
    }
}

/// An input's levels.
final class QuantisedInput: @unchecked Sendable {
    /// In `memory`.
    let levels: LevelRows
    private let words: UnsafeMutablePointer<Int32>
    private let scales: UnsafeMutablePointer<RowScale>
    private let wordsPerRow: Int
    private let memory: PooledMemory
    private let input: Rows<Float>
    private let columns: Int

    /// Room for the levels of rows of `columns` numbers.
    init(_ input: Rows<Float>, columns: Int, _ kernels: QuantisedKernels, _ pool: BufferPool) {
        self.input = input
        self.columns = columns
        wordsPerRow = PanelPackedMatrix.groupCount(inputs: columns, .int8) * kernels.steps
        let wordCount = input.count * wordsPerRow
        memory = pool.take(byteCount: 4 * wordCount + MemoryLayout<RowScale>.stride * input.count)
        words = memory.start.bindMemory(to: Int32.self, capacity: wordCount)
        scales = (memory.start + 4 * wordCount).bindMemory(to: RowScale.self, capacity: input.count)
        levels = LevelRows(
            words: words, scales: scales, count: input.count,
            tileCount: (input.count + kernels.tileRows - 1) / kernels.tileRows)
    }

    func holds(_ product: LinearProduct) -> Bool { input == product.input && columns == product.weights.inputs }

    func quantise(tile: Int, _ kernels: QuantisedKernels) {
        let rows = evenBlock(tile, of: levels.tileCount, rows: input.count)
        kernels.quantise(input[rows], columns, words + rows.lowerBound * wordsPerRow, scales + rows.lowerBound)
    }
}

/// An input's rows in whole numbers of 13 bits.
private final class BlockInput: @unchecked Sendable {
    /// In `memory`.
    let rows: BlockRows
    private let words: UnsafeMutablePointer<Int32>
    private let scales: UnsafeMutablePointer<Float>
    private let memory: PooledMemory
    private let input: Rows<Float>
    private let columns: Int

    /// Room for the input of `product`.
    init(_ product: LinearProduct, _ pool: BufferPool) {
        input = product.input
        columns = product.weights.inputs
        let blocks = BlockNumbers.blockCount(columns)
        // An odd number of cache lines, so that a column spreads over all sets of a cache.
        let stride = ((BlockNumbers.pairCount(columns) + BlockKernels.slack + 15) / 16 | 1) * 16
        let wordCount = input.count * stride
        memory = pool.take(byteCount: 4 * (wordCount + input.count * blocks))
        words = memory.start.bindMemory(to: Int32.self, capacity: wordCount)
        scales = (memory.start + 4 * wordCount).bindMemory(to: Float.self, capacity: input.count * blocks)
        rows = BlockRows(words: words, stride: stride, scales: scales, blocks: blocks, count: input.count)
    }

    func holds(_ product: LinearProduct) -> Bool { input == product.input && columns == product.weights.inputs }

    func quantise(_ range: Range<Int>, _ kernels: BlockKernels) {
        for row in range {
            kernels.quantise(
                input[row], columns,
                BlockTarget(words: words + row * rows.stride, scales: scales + row * rows.blocks))
        }
    }
}
