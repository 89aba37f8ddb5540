internal import CLIPCompute

/// A stack of transformer layers that gives one token's hidden state per sequence.
struct Transformer: Sendable {
    let configuration: TransformerConfiguration
    let isCausal: Bool
    /// Turns queries and keys of each sequence's last tokens, as many as it has places.
    private let rotation: Rotation?
    /// What is added to scores.
    private let relativeBias: RelativeBias?
    private let layers: TransformerLayers

    /// Reads the layers under `prefix`, such as `text_model.encoder.layers`.
    /// - Parameter release: as of `TransformerLayers`.
    init(
        _ prefix: String, configuration: TransformerConfiguration, isCausal: Bool,
        from source: some TensorSource, rotation: Rotation? = nil, relativeBias: RelativeBias? = nil,
        release: (@Sendable () -> Void)? = nil
    ) throws(CLIPError) {
        self.configuration = configuration
        self.isCausal = isCausal
        self.rotation = rotation
        self.relativeBias = relativeBias
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
        let input = attentionInput(layer, state, compute)
        compute.linear([
            LinearProduct(layer.query, input, into: state.projected),
            LinearProduct(layer.key, input, into: state.projected, column: width),
            LinearProduct(layer.value, input, into: state.projected, column: 2 * width),
        ])
        rotate(state, columns: [0, width], compute)
        attend(
            state.sequences.filter { !$0.ownRows.isEmpty }.flatMap { attention(of: $0, state) }, layer, state, compute)
        finishAttention(layer, attended: state.normed, hidden: state.hidden, compute)
        runMLP(layer, hidden: state.hidden, normed: state.normed, intermediate: state.intermediate, compute)
    }

    /// What the tokens of a sequence see. Under a causal mask a last one that no token sees, itself neither, sees all others.
    private func attention(of sequence: TokenSequence, _ state: State) -> [AttentionSequence] {
        func part(_ rows: Range<Int>, causalPosition: Int?) -> AttentionSequence {
            AttentionSequence(
                queries: Rows(state.projected.all[rows]), keyRows: sequence.keyRows, causalPosition: causalPosition,
                firstRow: rows.lowerBound, target: state.normed.all[rows])
        }
        let causalPosition = isCausal ? sequence.sharedCount : nil
        guard isCausal, !sequence.unseenRows.isEmpty else {
            return [part(sequence.ownRows, causalPosition: causalPosition)]
        }
        let others = sequence.ownRows.dropLast()
        return (others.isEmpty ? [] : [part(others, causalPosition: causalPosition)])
            + [part(sequence.ownRows.suffix(1), causalPosition: nil)]
    }

    /// The last layer: every token is a key and a value, but only the pooled ones are queries and go through the MLP.
    private func runLast(_ layer: TransformerLayer?, _ state: State, _ compute: Compute) -> Activations {
        let width = configuration.width
        let hidden = compute.activations(rows: state.sequences.count, columns: width)
        gather(state.hidden, state, into: hidden)
        guard let layer else { return hidden }
        let normed = compute.activations(rows: hidden.rows, columns: width)
        let queries = compute.activations(rows: hidden.rows, columns: width)

        let input = attentionInput(layer, state, compute)
        gather(input, state, into: normed)
        compute.linear([
            LinearProduct(layer.key, input, into: state.projected, column: width),
            LinearProduct(layer.value, input, into: state.projected, column: 2 * width),
            LinearProduct(layer.query, normed, into: queries),
        ])
        // The pooled token stands before the places, or is the first of them, so that its query isn't turned.
        rotate(state, columns: [width], compute)
        attend(
            state.sequences.enumerated().map { index, sequence in
                AttentionSequence(
                    queries: Rows(queries.all[index..<index + 1]), keyRows: sequence.keyRows, causalPosition: nil,
                    firstRow: sequence.pooledRow, target: normed.all[index..<index + 1])
            }, layer, state, compute)
        finishAttention(layer, attended: normed, hidden: hidden, compute)
        let intermediate = compute.activations(rows: hidden.rows, columns: configuration.intermediateWidth)
        runMLP(layer, hidden: hidden, normed: normed, intermediate: intermediate, compute)
        return hidden
    }

    /// What queries, keys and values are made of.
    private func attentionInput(_ layer: TransformerLayer, _ state: State, _ compute: Compute) -> Activations {
        guard configuration.normPlacement == .before else { return state.hidden }
        compute.layerNorm(layer.attentionNorm, state.hidden, into: state.normed)
        return state.normed
    }

    private func finishAttention(
        _ layer: TransformerLayer, attended: Activations, hidden: Activations, _ compute: Compute
    ) {
        if let norm = layer.attentionOutputNorm { compute.layerNorm(norm, attended, into: attended) }
        add(layer.attentionOutput, of: attended, to: hidden, layer.attentionNorm, compute)
    }

    private func runMLP(
        _ layer: TransformerLayer, hidden: Activations, normed: Activations, intermediate: Activations,
        _ compute: Compute
    ) {
        var input = hidden
        if configuration.normPlacement == .before {
            compute.layerNorm(layer.mlpNorm, hidden, into: normed)
            input = normed
        }
        if configuration.gatedMLPNorm == .input, let norm = layer.mlpOwnNorm {
            compute.layerNorm(norm, input, into: normed)
            input = normed
        }
        let activated = layer.mlpGate ?? layer.mlpInput
        compute.linear([
            LinearProduct(activated, input, into: intermediate, activation: configuration.activation.linear)
        ])
        if layer.mlpGate != nil {
            let factors = compute.activations(rows: input.rows, columns: configuration.intermediateWidth)
            compute.linear([LinearProduct(layer.mlpInput, input, into: factors)])
            compute.multiply(intermediate.all, by: Rows(factors.all), columns: configuration.intermediateWidth)
        }
        if configuration.gatedMLPNorm == .product, let norm = layer.mlpOwnNorm {
            compute.layerNorm(norm, intermediate, into: intermediate)
        }
        add(layer.mlpOutput, of: intermediate, to: hidden, layer.mlpNorm, compute)
    }

    /// Adds what a layer makes of `input` to the hidden states, and norms where these layers do after it.
    private func add(
        _ layer: Linear, of input: Activations, to hidden: Activations, _ norm: LayerNorm, _ compute: Compute
    ) {
        guard configuration.normPlacement == .inside else {
            compute.linear([LinearProduct(layer, input, addedTo: hidden)])
            if configuration.normPlacement == .after { compute.layerNorm(norm, hidden, into: hidden) }
            return
        }
        let output = compute.activations(rows: hidden.rows, columns: configuration.width)
        compute.linear([LinearProduct(layer, input, into: output)])
        compute.layerNorm(norm, output, into: output)
        compute.add(hidden.all, Rows(output.all), columns: configuration.width)
    }

    /// Turns queries or keys, which stand in `projected` from each of `columns` on.
    private func rotate(_ state: State, columns: [Int], _ compute: Compute) {
        guard let rotation else { return }
        compute.rotate(
            state.sequences.flatMap { sequence in
                columns.map { column in
                    state.projected.all[sequence.ownRows.suffix(rotation.places)].columns(from: column)
                }
            }, by: rotation.table, heads: configuration.headCount)
    }

    private func attend(
        _ sequences: [AttentionSequence], _ layer: TransformerLayer, _ state: State, _ compute: Compute
    ) {
        let projected = Rows(state.projected.all)
        compute.attention(
            sequences, keys: projected.columns(from: configuration.width),
            values: projected.columns(from: 2 * configuration.width), heads: configuration.headCount,
            headWidth: configuration.width / configuration.headCount,
            scale: configuration.relativePositions?.scalesScores == false ? 1 : nil,
            bias: relativeBias, isWhole: layer.query.weights.elementType.isWhole)
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
        case .silu: .silu
        case .relu: .relu
        case .relu6: .relu6
        }
    }
}

extension Compute {
    /// The most tokens that go through layers of `width` together: for each thread as many as let what a layer writes stay
    /// in a core's second cache until the next one reads it, up to a limit, so that memory doesn't grow with the batch.
    func rowsAtOnce(width: Int) -> Int { min(max(1, 160_000 / width) * threads, 1664) }
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

    /// Reads `key.weight`, and `key.bias` unless the norms of `layers` have none.
    init(
        _ key: String, width: Int, of layers: TransformerConfiguration, from source: some TensorSource
    ) throws(CLIPError) {
        guard layers.hasRootMeanSquareNorms else {
            try self.init(key, width: width, epsilon: layers.layerNormEpsilon, from: source)
            return
        }
        self.init(
            gain: try source.vector("\(key).weight", shape: [width]),
            bias: ParameterVector([Float](repeating: 0, count: width)), epsilon: layers.layerNormEpsilon,
            isCentred: false)
    }
}

/// How queries and keys are turned: the last `places` tokens of a sequence, each by its place in the table.
struct Rotation: Sendable {
    var table: RotationTable
    var places: Int
}

/// The parameters of one transformer layer.
struct TransformerLayer: Sendable {
    let attentionNorm: LayerNorm
    let query: Linear
    let key: Linear
    let value: Linear
    /// Over what the heads found.
    let attentionOutputNorm: LayerNorm?
    let attentionOutput: Linear
    let mlpNorm: LayerNorm
    /// What goes through the activation in a gated MLP, whose other factor is `mlpInput`.
    let mlpGate: Linear?
    let mlpInput: Linear
    /// The gated MLP's own.
    let mlpOwnNorm: LayerNorm?
    let mlpOutput: Linear

    /// Reads the layer under `prefix`, such as `text_model.encoder.layers.0`.
    init(
        _ prefix: String, configuration: TransformerConfiguration, from source: some TensorSource
    ) throws(CLIPError) {
        let width = configuration.width
        let intermediate = configuration.intermediateWidth
        func norm(_ name: String, width: Int) throws(CLIPError) -> LayerNorm {
            try LayerNorm("\(prefix).\(name)", width: width, of: configuration, from: source)
        }
        func linear(_ name: String, outputs: Int, inputs: Int, hasBias: Bool = true) throws(CLIPError) -> Linear {
            try Linear(
                "\(prefix).\(name)", outputs: outputs, inputs: inputs, hasBias: hasBias && configuration.hasBiases,
                from: source)
        }
        attentionNorm = try norm("layer_norm1", width: width)
        query = try linear("self_attn.q_proj", outputs: width, inputs: width)
        key = try linear("self_attn.k_proj", outputs: width, inputs: width, hasBias: configuration.hasKeyBias)
        value = try linear("self_attn.v_proj", outputs: width, inputs: width)
        attentionOutputNorm = configuration.hasAttentionNorm ? try norm("self_attn.norm", width: width) : nil
        attentionOutput = try linear("self_attn.out_proj", outputs: width, inputs: width)
        mlpNorm = try norm("layer_norm2", width: width)
        let hasFactorBiases = !configuration.isGated || configuration.hasFactorBiases
        mlpGate =
            configuration.isGated
            ? try linear("mlp.gate", outputs: intermediate, inputs: width, hasBias: hasFactorBiases) : nil
        mlpInput = try linear("mlp.fc1", outputs: intermediate, inputs: width, hasBias: hasFactorBiases)
        mlpOwnNorm =
            switch configuration.gatedMLPNorm {
            case nil, .absent: nil
            case .product: try norm("mlp.norm", width: intermediate)
            case .input: try norm("mlp.norm", width: width)
            }
        mlpOutput = try linear("mlp.fc2", outputs: width, inputs: intermediate)
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
    /// The rows of tokens that no token sees, themselves neither: in the last run of `rows`, in rising order.
    let unseenRows: [Int]

    /// The rows of the tokens that are seen.
    var keyRows: [Range<Int>] {
        guard !unseenRows.isEmpty, let last = rows.last else { return rows }
        let starts = [last.lowerBound] + unseenRows.map { $0 + 1 }
        let ends = unseenRows + [last.upperBound]
        return rows.dropLast() + zip(starts, ends).filter { $0 < $1 }.map { $0..<$1 }
    }

    /// A sequence that shares nothing.
    init(_ rows: Range<Int>, pooled: Int) {
        self.rows = [rows]
        ownRows = rows
        pooledRow = rows.lowerBound + pooled
        sharedCount = 0
        unseenRows = []
    }

    /// A sequence that begins with the first `sharedCount` tokens of another.
    init(
        _ ownRows: Range<Int>, sharing sharedCount: Int, of other: TokenSequence?, pooled: Int, unseen: [Int] = []
    ) {
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
        let all = Array(rows.joined())
        unseenRows = unseen.map { all[$0] }
        pooledRow = all[pooled]
    }
}

extension Compute {
    /// The mean of some runs of rows of each sequence, `[sequences.count, hidden.columns]`.
    func means(_ hidden: Activations, of sequences: [[Range<Int>]]) -> Activations {
        let means = activations(rows: sequences.count, columns: hidden.columns)
        forEach(sequences.count) { index in
            let target = means.row(index)
            target.update(repeating: 0, count: hidden.columns)
            for row in sequences[index].joined() {
                let source = hidden.row(row)
                for column in 0..<hidden.columns { target[column] += source[column] }
            }
            let count = Float(sequences[index].reduce(0) { $0 + $1.count })
            for column in 0..<hidden.columns { target[column] /= count }
        }
        return means
    }
}
