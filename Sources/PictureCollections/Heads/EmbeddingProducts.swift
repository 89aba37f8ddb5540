import CLIP
import CLIPCompute

/// Some embeddings, to be multiplied with many others.
struct EmbeddingProducts {
    private let matrix: PanelPackedMatrix
    private let compute: Compute
    /// What a block of products takes.
    private static let blockNumbers = 1 << 20

    /// - Parameters:
    ///   - embeddings: at least one, all of one dimension. They are taken as they are.
    ///   - compute: does the work.
    init(_ embeddings: [Embedding], compute: Compute) {
        matrix = PanelPackedMatrix(
            embeddings.flatMap(\.values), outputs: embeddings.count, inputs: embeddings[0].values.count)
        self.compute = compute
    }

    /// Multiplies.
    /// - Parameters:
    ///   - rows: of the same dimension, taken as they are too.
    ///   - body: takes the number of a row and its products, one row after another.
    /// - Throws: `CLIPError` of kind `.cancelled`.
    func forEachRow(
        of rows: [Embedding], _ body: (_ row: Int, _ products: UnsafeBufferPointer<Float>) -> Void
    ) throws(CLIPError) {
        let blockRows = max(1, min(256, EmbeddingProducts.blockNumbers / matrix.outputs))
        let inputs = Activations(rows: min(blockRows, rows.count), columns: matrix.inputs)
        let products = Activations(rows: min(blockRows, rows.count), columns: matrix.outputs)
        for first in stride(from: 0, to: rows.count, by: blockRows) {
            try checkCancellation()
            let block = first..<min(first + blockRows, rows.count)
            for row in block {
                let target = inputs.row(row - first)
                for (column, value) in rows[row].values.enumerated() { target[column] = value }
            }
            compute.linear([
                LinearProduct(
                    Linear(matrix), Rows(inputs.all)[0..<block.count], into: products.all[0..<block.count])
            ])
            for row in block {
                body(row, UnsafeBufferPointer(start: products.row(row - first), count: matrix.outputs))
            }
        }
    }

    /// How many products come before one: the larger ones, and of equals those that stand before it.
    static func rank(of wanted: Int, in products: UnsafeBufferPointer<Float>) -> Int {
        let product = products[wanted]
        var before = 0
        for (place, other) in products.enumerated() where other > product || (other == product && place < wanted) {
            before += 1
        }
        return before
    }

    /// - Throws: `CLIPError` of kind `.argument` when some embeddings are not of one model.
    static func checkDimensions(_ embeddings: [Embedding]...) throws(CLIPError) {
        let dimensions = Set(embeddings.joined().map(\.values.count))
        guard dimensions.count == 1, dimensions != [0] else {
            throw CLIPError(
                .argument,
                "embeddings of \(dimensions.sorted().map(String.init).joined(separator: ", ")) numbers: they are not of one model"
            )
        }
    }
}
