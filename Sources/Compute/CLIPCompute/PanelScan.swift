internal import CLIPKernels
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
    ///   - queries: `[queryCount, columns]`, rows `queryStride` floats apart.
    ///   - blocks: rows of matrices of the same number of columns, in the order of the work.
    ///   - initial: what one thread begins with.
    ///   - body: takes a thread's state, the index of a block, and the products `[queryCount, rows]`, whose rows lie
    ///     `stride` floats apart.
    /// - Returns: the state of each thread that worked, in no order.
    package func scan<State>(
        _ queries: UnsafePointer<Float>, queryCount: Int, queryStride: Int, blocks: [PanelRows],
        initial: () -> State,
        body: (_ state: inout State, _ block: Int, _ products: UnsafePointer<Float>, _ stride: Int) -> Void
    ) -> [State] {
        let widest = blocks.reduce(0) { max($0, $1.rows.count) }
        // An odd number of cache lines: columns of products then spread over all sets of a cache.
        let stride = ((widest + 15) / 16 | 1) * 16
        let workers = min(parallel.threads, blocks.count)
        let states = WorkerStates<State>(count: workers)
        let next = Atomic(0)
        parallel.run(workers) { worker in
            let products = FloatBuffer(count: queryCount * stride)
            var state = initial()
            while case let index = next.wrappingAdd(1, ordering: .relaxed).oldValue, index < blocks.count {
                let matrix = blocks[index].matrix
                let rows = blocks[index].rows
                let byte = rows.lowerBound * matrix.inputs * matrix.elementType.byteCount
                kernels.linear(
                    LinearBlock(
                        input: queries, inputStride: queryStride, rows: queryCount, depth: matrix.inputs,
                        panels: matrix.bytes.baseAddress! + byte, isHalf: matrix.elementType == .float16,
                        columns: rows.count, target: products.start, targetStride: stride, bias: nil,
                        activation: .identity, residual: nil, residualStride: 0))
                body(&state, index, UnsafePointer(products.start), stride)
            }
            states.slots[worker] = state
        }
        return states.slots.compactMap { $0 }
    }
}

/// A place for each worker's state, written once by it.
private final class WorkerStates<State>: @unchecked Sendable {
    let slots: UnsafeMutableBufferPointer<State?>

    init(count: Int) {
        slots = .allocate(capacity: count)
        slots.initialize(repeating: nil)
    }

    deinit {
        slots.deinitialize()
        slots.deallocate()
    }
}
