internal import CLIPCompute

/// What turns a pooled hidden state into an embedding.
package enum Projection: Sendable, Equatable {
    /// Nothing: the state is the embedding (open_clip's `proj_type` `none`).
    case none
    /// A matrix.
    case linear
    /// A matrix and a bias (open_clip's `proj_bias`).
    case affine
    /// Two linear layers.
    case twoLayers(TwoLayers)

    package struct TwoLayers: Sendable, Equatable {
        /// The width between them.
        package var width: Int
        /// Whether the first has a bias; the second has none.
        package var hasBias: Bool
        /// What stands between them; nil means nothing.
        package var activation: Activation?

        package init(width: Int, hasBias: Bool, activation: Activation?) {
            self.width = width
            self.hasBias = hasBias
            self.activation = activation
        }
    }

    /// Floating-point operations for one state, two per multiply-add.
    func operations(from width: Int, to outputs: Int) -> Double {
        switch self {
        case .none: 0
        case .linear, .affine: Double(2 * width * outputs)
        case .twoLayers(let layers): Double(2 * layers.width * (width + outputs))
        }
    }
}

/// The layers of a projection.
struct ProjectionLayers: Sendable {
    private let layers: [(linear: Linear, activation: LinearActivation)]

    /// Reads the projection `key`, such as `text_projection`: its `weight` and `bias`, or those of its `fc1` and `fc2`.
    init(
        _ key: String, _ projection: Projection, inputs: Int, outputs: Int, from source: some TensorSource
    ) throws(CLIPError) {
        switch projection {
        case .none: layers = []
        case .linear, .affine:
            layers = [
                (
                    try Linear(key, outputs: outputs, inputs: inputs, hasBias: projection == .affine, from: source),
                    .identity
                )
            ]
        case .twoLayers(let two):
            layers = [
                (
                    try Linear("\(key).fc1", outputs: two.width, inputs: inputs, hasBias: two.hasBias, from: source),
                    two.activation?.linear ?? .identity
                ),
                (
                    try Linear("\(key).fc2", outputs: outputs, inputs: two.width, hasBias: false, from: source),
                    .identity
                ),
            ]
        }
    }

    /// What it makes of every row of `input`, `[input.rows, outputs]`; without layers the rows themselves.
    func callAsFunction(_ input: Activations, compute: Compute) -> [Float] {
        var input = input
        for layer in layers {
            let output = compute.activations(rows: input.rows, columns: layer.linear.weights.outputs)
            compute.linear([LinearProduct(layer.linear, input, into: output, activation: layer.activation)])
            input = output
        }
        return (0..<input.rows).flatMap { UnsafeBufferPointer(start: input.row($0), count: input.columns) }
    }
}
