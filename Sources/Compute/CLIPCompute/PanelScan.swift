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
        // An odd number of cache lines: columns of products then spread over all sets of a cache.
        let stride = ((widest + 15) / 16 | 1) * 16
        let workers = min(parallel.threads, blocks.count)
        let next = Atomic(0)
        return parallel.orderedMap(Array(0..<workers)) { _ in
            let buffer = FloatBuffer(count: queries.count * stride)
            let products = MutableRows(buffer.start, stride: stride, count: queries.count)
            var state = initial()
            while case let index = next.wrappingAdd(1, ordering: .relaxed).oldValue, index < blocks.count,
                !Cancellation.isRequested
            {
                kernels.linear(queries, blocks[index].matrix.panels(blocks[index].rows), LinearOutput(products))
                body(&state, index, Rows(products))
            }
            withExtendedLifetime(buffer) {}
            return state
        }
    }
}
