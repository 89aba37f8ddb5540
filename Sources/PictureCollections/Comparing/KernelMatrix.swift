import CLIP
import CLIPCompute
import CLIPSystem

/// The Gaussian kernel between all pairs of some embeddings, less one: exp(−‖x − y‖² / 2σ²) − 1.
///
/// With σ = 10 the kernel of two vectors of length 1 lies within 0.02 of one. Less one, a 32-bit float holds it to nine
/// digits behind the point, and the one cancels out of every discrepancy.
struct KernelMatrix {
    let count: Int
    /// `[count, count]`.
    private(set) var values: [Float]

    /// Computes the products on `compute`'s threads. O(count² · dimension) time, O(count²) memory.
    /// - Parameter embeddings: each of length 1.
    /// - Throws: `CLIPError` of kind `.cancelled`.
    init(_ embeddings: [Embedding], bandwidth: Double, compute: Compute) throws(CLIPError) {
        count = embeddings.count
        values = [Float](repeating: 0, count: count * count)
        guard let dimension = embeddings.first?.values.count, dimension > 0 else { return }
        let count = count
        let rows = Activations(rows: count, columns: dimension)
        for (index, embedding) in embeddings.enumerated() {
            for (column, value) in embedding.values.enumerated() { rows.row(index)[column] = value }
        }
        let packed = PanelPackedMatrix(embeddings.flatMap(\.values), outputs: count, inputs: dimension)
        let factor = 1 / (bandwidth * bandwidth)
        try values.withUnsafeMutableBufferPointer { values throws(CLIPError) in
            guard let start = values.baseAddress else { return }
            nonisolated(unsafe) let entries = start
            try KernelMatrix.forEachPart(of: count) { part in
                compute.linear([
                    LinearProduct(
                        Linear(packed), Rows(rows.all)[part],
                        into: MutableRows(entries, stride: count, count: count)[part])
                ])
                compute.forEach(part.count) { row in
                    for entry in (part.lowerBound + row) * count..<(part.lowerBound + row + 1) * count {
                        // ‖x − y‖² / 2 is 1 − cosine.
                        entries[entry] = Float(expm1(-max(0, 1 - Double(entries[entry])) * factor))
                    }
                }
            }
        }
    }

    /// Σᵢⱼ wᵢ wⱼ Kᵢⱼ for each column of weights.
    /// - Parameter weights: `[count, columns]`.
    /// - Throws: `CLIPError` of kind `.cancelled`.
    func quadraticForms(_ weights: [Float], columns: Int, compute: Compute) throws(CLIPError) -> [Double] {
        guard count > 0, columns > 0 else { return [Double](repeating: 0, count: columns) }
        // K · W, as a linear layer of `columns` outputs whose rows are those of K.
        let products = Activations(rows: count, columns: columns)
        var transposed = [Float](repeating: 0, count: count * columns)
        for row in 0..<count {
            for column in 0..<columns { transposed[column * count + row] = weights[row * columns + column] }
        }
        let packed = PanelPackedMatrix(transposed, outputs: columns, inputs: count)
        try values.withUnsafeBufferPointer { values throws(CLIPError) in
            guard let start = values.baseAddress else { return }
            try KernelMatrix.forEachPart(of: count) { part in
                compute.linear([
                    LinearProduct(
                        Linear(packed), Rows(start, stride: count, count: count)[part], into: products.all[part])
                ])
            }
        }
        var forms = [Double](repeating: 0, count: columns)
        for row in 0..<count {
            let product = products.row(row)
            for column in 0..<columns {
                forms[column] += Double(weights[row * columns + column]) * Double(product[column])
            }
        }
        return forms
    }

    /// Some hundred rows at a time, so that nobody who has cancelled the work waits for all of them.
    private static func forEachPart(of rows: Int, _ body: (Range<Int>) -> Void) throws(CLIPError) {
        for first in stride(from: 0, to: rows, by: 256) {
            try checkCancellation()
            body(first..<min(first + 256, rows))
        }
    }
}
