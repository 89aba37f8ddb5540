internal import CLIPCompute

/// A stack of pre-norm transformer layers that gives one token's hidden state per sequence.
struct Transformer: Sendable {
    let configuration: TransformerConfiguration
    let isCausal: Bool
    private let layers: TransformerLayers

    /// Reads the layers under `prefix`, such as `text_model.encoder.layers`.
    /// - Parameter release: as of `TransformerLayers`.
    init(
        _ prefix: String, configuration: TransformerConfiguration, isCausal: Bool,
        from source: some TensorSource, release: (@Sendable () -> Void)? = nil
    ) throws(CLIPError) {
        self.configuration = configuration
        self.isCausal = isCausal
        layers = try TransformerLayers(prefix, configuration: configuration, from: source, release: release)
    }

    /// Runs sequences whose rows lie in `hidden`, which is overwritten.
    ///
    /// - Parameter hidden: every token once, `[rows, width]`.
    /// - Returns: the states of the pooled tokens, `[sequences.count, width]`.
    /// - Throws: `CLIPError` of kind `.cancelled` between two layers; when a layer that is not kept can't be read.
    func callAsFunction(
        _ hidden: Activations, sequences: [TokenSequence], compute: Compute
    ) throws(CLIPError) -> Activations {
        let state = State(hidden, sequences: sequences, configuration: configuration, compute)
        for index in 0..<max(0, configuration.layerCount - 1) {
            try checkCancellation()
            run(try layers[index], state, compute)
        }
        try checkCancellation()
        return runLast(try layers[configuration.layerCount - 1], state, compute)
    }

    /// Runs sequences whose rows lie in `hidden`, which becomes the states of all their tokens.
    ///
    /// - Parameter hidden: every token once, `[rows, width]`.
    /// - Throws: `CLIPError` of kind `.cancelled` between two layers; when a layer that is not kept can't be read.
    func run(_ hidden: Activations, sequences: [TokenSequence], compute: Compute) throws(CLIPError) {
        let state = State(hidden, sequences: sequences, configuration: configuration, compute)
        for index in 0..<configuration.layerCount {
            try checkCancellation()
            run(try layers[index], state, compute)
        }
    }

    /// What one run works on, taken once for all layers.
    private struct State {
        let sequences: [TokenSequence]
        /// `[rows, width]`.
        let hidden: Activations
        let normed: Activations
        /// Queries, keys and values side by side, `[rows, 3 · width]`.
        let projected: Activations
        /// `[rows, intermediateWidth]`.
        let intermediate: Activations

        init(
            _ hidden: Activations, sequences: [TokenSequence], configuration: TransformerConfiguration,
            _ compute: Compute
        ) {
            self.hidden = hidden
            self.sequences = sequences
            normed = compute.activations(rows: hidden.rows, columns: configuration.width)
            projected = compute.activations(rows: hidden.rows, columns: 3 * configuration.width)
            intermediate = compute.activations(rows: hidden.rows, columns: configuration.intermediateWidth)
        }
    }

    private func run(_ layer: TransformerLayer?, _ state: State, _ compute: Compute) {
        guard let layer else { return }
        let width = configuration.width
        compute.layerNorm(layer.attentionNorm, state.hidden, into: state.normed)
        compute.linear([
            LinearProduct(layer.query, state.normed, into: state.projected),
            LinearProduct(layer.key, state.normed, into: state.projected, column: width),
            LinearProduct(layer.value, state.normed, into: state.projected, column: 2 * width),
        ])
        attend(
            state.sequences.filter { !$0.ownRows.isEmpty }.map { sequence in
                AttentionSequence(
                    queries: Rows(state.projected.all[sequence.ownRows]), keyRows: sequence.rows,
                    causalPosition: isCausal ? sequence.sharedCount : nil, target: state.normed.all[sequence.ownRows])
            }, state, compute, isQuantised: layer.query.weights.elementType == .int8)
        compute.linear([LinearProduct(layer.attentionOutput, state.normed, addedTo: state.hidden)])
        runMLP(layer, hidden: state.hidden, normed: state.normed, intermediate: state.intermediate, compute)
    }

    /// The last layer: every token is a key and a value, but only the pooled ones are queries and go through the MLP.
    private func runLast(_ layer: TransformerLayer?, _ state: State, _ compute: Compute) -> Activations {
        let width = configuration.width
        let hidden = compute.activations(rows: state.sequences.count, columns: width)
        gather(state.hidden, state, into: hidden)
        guard let layer else { return hidden }
        let normed = compute.activations(rows: hidden.rows, columns: width)
        let queries = compute.activations(rows: hidden.rows, columns: width)

        compute.layerNorm(layer.attentionNorm, state.hidden, into: state.normed)
        gather(state.normed, state, into: normed)
        compute.linear([
            LinearProduct(layer.key, state.normed, into: state.projected, column: width),
            LinearProduct(layer.value, state.normed, into: state.projected, column: 2 * width),
            LinearProduct(layer.query, normed, into: queries),
        ])
        attend(
            state.sequences.enumerated().map { index, sequence in
                AttentionSequence(
                    queries: Rows(queries.all[index..<index + 1]), keyRows: sequence.rows, causalPosition: nil,
                    target: normed.all[index..<index + 1])
            }, state, compute)
        compute.linear([LinearProduct(layer.attentionOutput, normed, addedTo: hidden)])
        let intermediate = compute.activations(rows: hidden.rows, columns: configuration.intermediateWidth)
        runMLP(layer, hidden: hidden, normed: normed, intermediate: intermediate, compute)
        return hidden
    }

    private func runMLP(
        _ layer: TransformerLayer, hidden: Activations, normed: Activations, intermediate: Activations,
        _ compute: Compute
    ) {
        compute.layerNorm(layer.mlpNorm, hidden, into: normed)
        compute.linear([
            LinearProduct(layer.mlpInput, normed, into: intermediate, activation: configuration.activation.linear)
        ])
        compute.linear([LinearProduct(layer.mlpOutput, intermediate, addedTo: hidden)])
    }

    private func attend(
        _ sequences: [AttentionSequence], _ state: State, _ compute: Compute, isQuantised: Bool = false
    ) {
        let projected = Rows(state.projected.all)
        compute.attention(
            sequences, keys: projected.columns(from: configuration.width),
            values: projected.columns(from: 2 * configuration.width), heads: configuration.headCount,
            headWidth: configuration.width / configuration.headCount, isQuantised: isQuantised)
    }

    /// Copies the pooled token's row of each sequence.
    private func gather(_ source: Activations, _ state: State, into target: Activations) {
        for (index, sequence) in state.sequences.enumerated() {
            target.row(index).update(from: source.row(sequence.pooledRow), count: source.columns)
        }
    }
}

extension Activation {
    var linear: LinearActivation {
        switch self {
        case .quickGELU: .quickGELU
        case .gelu: .gelu
        case .tanhGELU: .tanhGELU
        }
    }
}

extension Compute {
    /// The most tokens that go through layers of `width` together: for each thread as many as let what a layer writes stay
    /// in a core's second cache until the next one reads it, up to a limit, so that memory doesn't grow with the batch.
    func rowsAtOnce(width: Int) -> Int { min(max(1, 160_000 / width) * threads, 1664) }

    /// What a projection makes of every row of `input`, `[input.rows, projection.outputs]`; without one the rows themselves.
    func project(_ input: Activations, _ projection: Linear?) -> [Float] {
        guard let projection else {
            return (0..<input.rows).flatMap { UnsafeBufferPointer(start: input.row($0), count: input.columns) }
        }
        let outputs = projection.weights.outputs
        return [Float](unsafeUninitializedCapacity: input.rows * outputs) { target, count in
            if let start = target.baseAddress {
                let target = MutableRows(start, stride: outputs, count: input.rows)
                linear([LinearProduct(projection, Rows(input.all), into: target)])
            }
            count = input.rows * outputs
        }
    }
}

extension Linear {
    /// Reads `key.weight`, and `key.bias` if it has one.
    init(
        _ key: String, outputs: Int, inputs: Int, hasBias: Bool = true, from source: some TensorSource
    ) throws(CLIPError) {
        let weights = try source.matrix("\(key).weight", outputs: outputs, inputs: inputs)
        self.init(weights, bias: hasBias ? try source.vector("\(key).bias", shape: [outputs]) : nil)
    }
}

extension LayerNorm {
    /// Reads `key.weight` and `key.bias`.
    init(_ key: String, width: Int, epsilon: Float, from source: some TensorSource) throws(CLIPError) {
        self.init(
            gain: try source.vector("\(key).weight", shape: [width]),
            bias: try source.vector("\(key).bias", shape: [width]), epsilon: epsilon)
    }
}

/// The parameters of one pre-norm transformer layer.
struct TransformerLayer: Sendable {
    let attentionNorm: LayerNorm
    let query: Linear
    let key: Linear
    let value: Linear
    let attentionOutput: Linear
    let mlpNorm: LayerNorm
    let mlpInput: Linear
    let mlpOutput: Linear

    /// Reads the layer under `prefix`, such as `text_model.encoder.layers.0`.
    init(
        _ prefix: String, configuration: TransformerConfiguration, from source: some TensorSource
    ) throws(CLIPError) {
        let width = configuration.width
        let intermediate = configuration.intermediateWidth
        let epsilon = configuration.layerNormEpsilon
        attentionNorm = try LayerNorm("\(prefix).layer_norm1", width: width, epsilon: epsilon, from: source)
        query = try Linear("\(prefix).self_attn.q_proj", outputs: width, inputs: width, from: source)
        key = try Linear("\(prefix).self_attn.k_proj", outputs: width, inputs: width, from: source)
        value = try Linear("\(prefix).self_attn.v_proj", outputs: width, inputs: width, from: source)
        attentionOutput = try Linear("\(prefix).self_attn.out_proj", outputs: width, inputs: width, from: source)
        mlpNorm = try LayerNorm("\(prefix).layer_norm2", width: width, epsilon: epsilon, from: source)
        mlpInput = try Linear("\(prefix).mlp.fc1", outputs: intermediate, inputs: width, from: source)
        mlpOutput = try Linear("\(prefix).mlp.fc2", outputs: width, inputs: intermediate, from: source)
    }
}

/// The layers of a transformer: all in memory, or each read when its turn comes.
struct TransformerLayers: Sendable {
    private let kept: [TransformerLayer]
    private let read: (@Sendable (Int) throws(CLIPError) -> TransformerLayer)?

    /// - Parameter release: given, a layer is read when its turn comes, every time, and not kept: this gives back what
    ///   reading it left in memory.
    init(
        _ prefix: String, configuration: TransformerConfiguration, from source: some TensorSource,
        release: (@Sendable () -> Void)?
    ) throws(CLIPError) {
        let layer = { @Sendable (index: Int) throws(CLIPError) -> TransformerLayer in
            try checkCancellation()
            return try TransformerLayer("\(prefix).\(index)", configuration: configuration, from: source)
        }
        if let release {
            kept = []
            read = { index throws(CLIPError) in
                defer { release() }
                return try layer(index)
            }
        } else {
            var layers: [TransformerLayer] = []
            for index in 0..<configuration.layerCount { layers.append(try layer(index)) }
            kept = layers
            read = nil
        }
    }

    /// Layer `index`; nil if there is none.
    subscript(index: Int) -> TransformerLayer? {
        get throws(CLIPError) {
            if let read { return try read(index) }
            return kept.indices.contains(index) ? kept[index] : nil
        }
    }
}

/// Where the tokens of one sequence lie among the rows of a transformer.
struct TokenSequence {
    /// The rows of its tokens, run after run: first those that it shares with sequences before it, then its own.
    let rows: [Range<Int>]
    /// The rows that are computed for its sake.
    let ownRows: Range<Int>
    /// The row of the token whose state is wanted. Where attention is causal it is the last of `rows`.
    let pooledRow: Int
    /// How many tokens stand before the first of its own.
    let sharedCount: Int

    /// A sequence that shares nothing.
    init(_ rows: Range<Int>, pooled: Int) {
        self.rows = [rows]
        ownRows = rows
        pooledRow = rows.lowerBound + pooled
        sharedCount = 0
    }

    /// A sequence that begins with the first `sharedCount` tokens of another.
    init(_ ownRows: Range<Int>, sharing sharedCount: Int, of other: TokenSequence?, pooled: Int) {
        var rows: [Range<Int>] = []
        var missing = sharedCount
        for run in other?.rows ?? [] where missing > 0 {
            rows.append(run.prefix(missing))
            missing -= rows[rows.count - 1].count
        }
        if !ownRows.isEmpty { rows.append(ownRows) }
        self.rows = rows
        self.ownRows = ownRows
        self.sharedCount = sharedCount
        pooledRow = Array(rows.joined())[pooled]
    }
}
