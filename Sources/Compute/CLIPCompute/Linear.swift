package import CLIPKernels

/// What a linear layer applies to its output.
package typealias LinearActivation = CLIPKernels.LinearActivation

/// One linear layer over some rows: input · weightsᵀ + bias, activation, plus residual.
package struct LinearProduct {
    /// `[rows, weights.inputs]`, rows `inputStride` floats apart.
    package var input: UnsafePointer<Float>
    package var inputStride: Int
    package var rows: Int
    package var weights: PanelPackedMatrix
    package var bias: ParameterVector?
    package var activation: LinearActivation
    /// Added last, `[rows, weights.outputs]`. It may be the target.
    package var residual: UnsafePointer<Float>?
    package var residualStride: Int
    /// `[rows, weights.outputs]`, rows `targetStride` floats apart. It must not be an input of the same pass.
    package var target: UnsafeMutablePointer<Float>
    package var targetStride: Int

    package init(
        input: UnsafePointer<Float>, inputStride: Int, rows: Int, weights: PanelPackedMatrix,
        bias: ParameterVector? = nil, activation: LinearActivation = .identity,
        residual: UnsafePointer<Float>? = nil, residualStride: Int = 0,
        target: UnsafeMutablePointer<Float>, targetStride: Int
    ) {
        precondition(bias.map { $0.count == weights.outputs } ?? true)
        self.input = input
        self.inputStride = inputStride
        self.rows = rows
        self.weights = weights
        self.bias = bias
        self.activation = activation
        self.residual = residual
        self.residualStride = residualStride
        self.target = target
        self.targetStride = targetStride
    }
}

extension Compute {
    /// Calls `body` for each index below `count`, on all threads.
    package func forEach(_ count: Int, _ body: (Int) -> Void) { parallel.run(count, body) }

    /// Computes several linear layers in one parallel pass.
    ///
    /// Every output is one sum over the inputs in their order: it is the same to the bit for any number of rows, of
    /// products and of threads.
    package func linear(_ products: [LinearProduct]) {
        let quantised = products.filter { $0.weights.elementType == .int8 }
        guard quantised.isEmpty else {
            quantisedLinear(quantised)
            return linear(products.filter { $0.weights.elementType != .int8 })
        }
        let grids = taskGrids(products)
        var ends: [Int] = []
        for grid in grids { ends.append((ends.last ?? 0) + grid.rowChunks * grid.columnChunks) }
        parallel.run(ends.last ?? 0) { task in
            var index = 0
            while task >= ends[index] { index += 1 }
            let grid = grids[index]
            let chunk = task - (index > 0 ? ends[index - 1] : 0)
            run(products[index], grid, row: chunk / grid.columnChunks, column: chunk % grid.columnChunks)
        }
    }

    /// A product cut into pieces of rows and of columns.
    private struct TaskGrid {
        var rowChunks: Int
        var columnChunks: Int
        /// Columns in pairs of panels, what the widest tile takes.
        var columnUnits: Int
    }

    private static let unitColumns = 2 * PanelPackedMatrix.panelWidth

    /// Tasks of about the same size, cut between columns first: weights are then read once.
    private func taskGrids(_ products: [LinearProduct]) -> [TaskGrid] {
        let work = products.map { $0.rows * $0.weights.outputs * $0.weights.inputs }
        // So small that no core waits long for the last one, but worth the handing over.
        let share = threads == 1 ? Int.max : max(Compute.smallestTask, work.reduce(0, +) / (16 * threads))
        return products.indices.map { index in
            let product = products[index]
            let units = (product.weights.outputs + Compute.unitColumns - 1) / Compute.unitColumns
            guard product.rows > 0 else { return TaskGrid(rowChunks: 0, columnChunks: 0, columnUnits: units) }
            let rowChunks = (product.rows + Compute.rowLimit - 1) / Compute.rowLimit
            let columnChunks = min(units, max(1, work[index] / rowChunks / share))
            return TaskGrid(rowChunks: rowChunks, columnChunks: columnChunks, columnUnits: units)
        }
    }

    /// Products of two numbers, some ten microseconds of them.
    private static let smallestTask = 500_000

    /// Rows of a task at most: their inputs then stay in a cache between one pair of panels and the next.
    private static let rowLimit = 256

    private func run(_ product: LinearProduct, _ grid: TaskGrid, row: Int, column: Int) {
        let weights = product.weights
        let rows = evenBlock(row, of: grid.rowChunks, rows: product.rows)
        let units = evenBlock(column, of: grid.columnChunks, rows: grid.columnUnits)
        let columns =
            units.lowerBound * Compute.unitColumns..<min(units.upperBound * Compute.unitColumns, weights.outputs)
        let byte = columns.lowerBound * weights.inputs * weights.elementType.byteCount
        kernels.linear(
            LinearBlock(
                input: product.input + rows.lowerBound * product.inputStride, inputStride: product.inputStride,
                rows: rows.count, depth: weights.inputs, panels: weights.bytes.baseAddress! + byte,
                isHalf: weights.elementType == .float16, columns: columns.count,
                target: product.target + (rows.lowerBound * product.targetStride + columns.lowerBound),
                targetStride: product.targetStride, bias: product.bias.map { $0.start + columns.lowerBound },
                activation: product.activation,
                residual: product.residual.map { $0 + (rows.lowerBound * product.residualStride + columns.lowerBound) },
                residualStride: product.residualStride))
    }
}
