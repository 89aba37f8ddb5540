internal import CLIPKernels
internal import CLIPThreads
import Synchronization

/// Some neighbouring rows of a packed matrix.
package struct PanelRows: Sendable {
    package let matrix: PanelPackedMatrix
    /// It begins where a panel does.
    package let rows: Range<Int>

    package init(_ matrix: PanelPackedMatrix, rows: Range<Int>) {
        precondition(rows.lowerBound % PanelPackedMatrix.panelWidth == 0 && rows.upperBound <= matrix.outputs)
        self.matrix = matrix
        self.rows = rows
    }
}

extension Compute {
    /// Multiplies queries with blocks of rows and hands on each block's products while they are in a cache.
    ///
    /// The products are never all in memory. Each is one sum over the columns in their order, the same to the bit for
    /// any number of queries, blocks and threads.
    /// - Parameters:
    ///   - queries: `[queries, columns]`.
    ///   - blocks: rows of matrices of the same number of columns, in the order of the work.
    ///   - initial: what one thread begins with.
    ///   - body: takes a thread's state, the index of a block, and the products, `[queries, rows]`.
    /// - Returns: the state of each thread that worked, in no order. Once `Cancellation.isRequested` blocks are missing.
    package func scan<State>(
        _ queries: Rows<Float>, blocks: [PanelRows], initial: () -> State,
        body: (_ state: inout State, _ block: Int, _ products: Rows<Float>) -> Void
    ) -> [State] {
        let widest = blocks.reduce(0) { max($0, $1.rows.count) }
        return forEachBlock(blocks.count, rows: queries.count, columns: widest, initial: initial) {
            state, index, products in
            kernels.linear(
                LinearInput(queries), blocks[index].matrix.panels(blocks[index].rows), LinearOutput(products))
            body(&state, index, Rows(products))
        }
    }

    /// Hands out blocks one after another to as many threads as work, each with room for products, `[rows, columns]`.
    /// - Returns: the state of each thread that worked, in no order. Once `Cancellation.isRequested` blocks are missing.
    func forEachBlock<State>(
        _ count: Int, rows: Int, columns: Int, initial: () -> State,
        body: (_ state: inout State, _ block: Int, _ products: MutableRows<Float>) -> Void
    ) -> [State] {
        let next = Atomic(0)
        return parallel.orderedMap(Array(0..<min(parallel.threads, count))) { _ in
            // Columns of products spread over all sets of a cache.
            let products = Activations(rows: rows, columns: columns)
            var state = initial()
            while case let index = next.wrappingAdd(1, ordering: .relaxed).oldValue, index < count,
                !Cancellation.isRequested
            {
                body(&state, index, products.all)
            }
            withExtendedLifetime(products) {}
            return state
        }
    }
}
