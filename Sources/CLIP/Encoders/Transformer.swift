internal import TensorCore

/// A stack of pre-norm transformer layers that gives one token's hidden state per sequence.
struct Transformer: Sendable {
    let configuration: TransformerConfiguration
    let isCausal: Bool
    private let layers: [TransformerLayer]

    /// Reads the layers under `prefix`, such as `text_model.encoder.layers`.
    init(
        _ prefix: String, configuration: TransformerConfiguration, isCausal: Bool, from source: some TensorSource
    ) throws(CLIPError) {
        var layers: [TransformerLayer] = []
        for index in 0..<configuration.layerCount {
            layers.append(try TransformerLayer("\(prefix).\(index)", configuration: configuration, from: source))
        }
        self.configuration = configuration
        self.isCausal = isCausal
        self.layers = layers
    }

    /// Runs sequences that lie one after another in `hidden`, which is overwritten.
    ///
    /// - Parameters:
    ///   - hidden: `[total length, width]`.
    ///   - sequences: the rows of each sequence.
    ///   - pooled: per sequence the position in it of the token whose state is wanted.
    /// - Returns: the states, `[sequences.count, width]`.
    func callAsFunction(
        _ hidden: Activations, sequences: [Range<Int>], pooled: [Int], compute: Compute
    ) -> Activations {
        let state = State(hidden, sequences: sequences, pooled: pooled, configuration: configuration)
        for layer in layers.dropLast() {
            run(layer, state, compute)
        }
        return runLast(layers.last, state, compute)
    }

    /// Runs sequences that lie one after another in `hidden`, which becomes the states of all their tokens.
    ///
    /// - Parameters:
    ///   - hidden: `[total length, width]`.
    ///   - sequences: the rows of each sequence.
    func run(_ hidden: Activations, sequences: [Range<Int>], compute: Compute) {
        let state = State(hidden, sequences: sequences, pooled: [], configuration: configuration)
        for layer in layers { run(layer, state, compute) }
    }

    /// What one run works on, allocated once for all layers.
    private struct State {
        let sequences: [Range<Int>]
        let pooled: [Int]
        /// `[rows, width]`.
        let hidden: Activations
        let normed: Activations
        /// Queries, keys and values side by side, `[rows, 3 · width]`.
        let projected: Activations
        /// `[rows, intermediateWidth]`.
        let intermediate: Activations

        init(
            _ hidden: Activations, sequences: [Range<Int>], pooled: [Int], configuration: TransformerConfiguration
        ) {
            self.hidden = hidden
            self.sequences = sequences
            self.pooled = pooled
            normed = Activations(rows: hidden.rows, columns: configuration.width)
            projected = Activations(rows: hidden.rows, columns: 3 * configuration.width)
            intermediate = Activations(rows: hidden.rows, columns: configuration.intermediateWidth)
        }
    }

    private func run(_ layer: TransformerLayer, _ state: State, _ compute: Compute) {
        let width = configuration.width
        compute.layerNorm(layer.attentionNorm, state.hidden, into: state.normed)
        compute.linear([
            product(layer.query, state.normed, into: state.projected),
            product(layer.key, state.normed, into: state.projected, column: width),
            product(layer.value, state.normed, into: state.projected, column: 2 * width),
        ])
        attend(
            state.sequences.map { rows in
                sequence(
                    state, rows, queries: state.projected.row(rows.lowerBound), first: 0, count: rows.count,
                    into: state.normed.row(rows.lowerBound))
            }, state, compute)
        compute.linear([product(layer.attentionOutput, state.normed, addedTo: state.hidden)])
        runMLP(layer, hidden: state.hidden, normed: state.normed, intermediate: state.intermediate, compute)
    }

    /// The last layer: every token is a key and a value, but only the pooled ones are queries and go through the MLP.
    private func runLast(_ layer: TransformerLayer?, _ state: State, _ compute: Compute) -> Activations {
        let width = configuration.width
        let hidden = Activations(rows: state.sequences.count, columns: width)
        gather(state.hidden, state, into: hidden)
        guard let layer else { return hidden }
        let normed = Activations(rows: hidden.rows, columns: width)
        // As far apart as keys and values are.
        let queries = Activations(rows: hidden.rows, columns: 3 * width)

        compute.layerNorm(layer.attentionNorm, state.hidden, into: state.normed)
        gather(state.normed, state, into: normed)
        compute.linear([
            product(layer.key, state.normed, into: state.projected, column: width),
            product(layer.value, state.normed, into: state.projected, column: 2 * width),
            product(layer.query, normed, into: queries),
        ])
        attend(
            state.sequences.indices.map { index in
                sequence(
                    state, state.sequences[index], queries: queries.row(index), first: state.pooled[index], count: 1,
                    into: normed.row(index))
            }, state, compute)
        compute.linear([product(layer.attentionOutput, normed, addedTo: hidden)])
        let intermediate = Activations(rows: hidden.rows, columns: configuration.intermediateWidth)
        runMLP(layer, hidden: hidden, normed: normed, intermediate: intermediate, compute)
        return hidden
    }

    private func runMLP(
        _ layer: TransformerLayer, hidden: Activations, normed: Activations, intermediate: Activations,
        _ compute: Compute
    ) {
        compute.layerNorm(layer.mlpNorm, hidden, into: normed)
        compute.linear([
            product(layer.mlpInput, normed, into: intermediate, activation: configuration.activation.linear)
        ])
        compute.linear([product(layer.mlpOutput, intermediate, addedTo: hidden)])
    }

    private func attend(_ sequences: [AttentionSequence], _ state: State, _ compute: Compute) {
        compute.attention(
            sequences, heads: configuration.headCount, headWidth: configuration.width / configuration.headCount,
            stride: state.projected.stride, targetStride: state.normed.stride)
    }

    private func sequence(
        _ state: State, _ rows: Range<Int>, queries: UnsafePointer<Float>, first: Int, count: Int,
        into target: UnsafeMutablePointer<Float>
    ) -> AttentionSequence {
        let projected = UnsafePointer(state.projected.row(rows.lowerBound))
        return AttentionSequence(
            queries: queries, keys: projected + configuration.width, values: projected + 2 * configuration.width,
            queryCount: count, keyCount: rows.count, causalPosition: isCausal ? first : nil, target: target)
    }

    /// Copies the pooled token's row of each sequence.
    private func gather(_ source: Activations, _ state: State, into target: Activations) {
        for (index, rows) in state.sequences.enumerated() {
            target.row(index).update(from: source.row(rows.lowerBound + state.pooled[index]), count: source.columns)
        }
    }

    private func product(
        _ linear: Linear, _ input: Activations, into target: Activations, column: Int = 0,
        activation: LinearActivation = .identity
    ) -> LinearProduct {
        LinearProduct(
            input: input.row(0), inputStride: input.stride, rows: input.rows, weights: linear.weights,
            bias: linear.bias, activation: activation, target: target.row(0) + column, targetStride: target.stride)
    }

    private func product(_ linear: Linear, _ input: Activations, addedTo target: Activations) -> LinearProduct {
        LinearProduct(
            input: input.row(0), inputStride: input.stride, rows: input.rows, weights: linear.weights,
            bias: linear.bias, residual: target.row(0), residualStride: target.stride,
            target: target.row(0), targetStride: target.stride)
    }
}

extension Activation {
    fileprivate var linear: LinearActivation {
        switch self {
        case .quickGELU: .quickGELU
        case .gelu: .gelu
        case .tanhGELU: .tanhGELU
        }
    }
}

extension Compute {
    /// Normalises every row of `input`.
    func layerNorm(_ norm: LayerNorm, _ input: Activations, into target: Activations) {
        layerNorm(
            norm, rows: input.rows, input: input.row(0), inputStride: input.stride, target: target.row(0),
            targetStride: target.stride)
    }

    /// The product of every row of `input` with a projection, `[input.rows, projection.outputs]`.
    func project(_ input: Activations, _ projection: PanelPackedMatrix, bias: ParameterVector? = nil) -> [Float] {
        let outputs = projection.outputs
        return [Float](unsafeUninitializedCapacity: input.rows * outputs) { target, count in
            if let start = target.baseAddress {
                linear([
                    LinearProduct(
                        input: input.row(0), inputStride: input.stride, rows: input.rows, weights: projection,
                        bias: bias, target: start, targetStride: outputs)
                ])
            }
            count = input.rows * outputs
        }
    }

    /// The same for a projection that may have a bias, or not be there: then the rows themselves.
    func project(_ input: Activations, _ projection: Linear?) -> [Float] {
        if let projection { return project(input, projection.weights, bias: projection.bias) }
        return (0..<input.rows).flatMap { UnsafeBufferPointer(start: input.row($0), count: input.columns) }
    }
}
