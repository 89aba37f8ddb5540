package import CLIPCompute

/// The text tower of CLIP, a transformer, causal in most models (Radford et al., 2021).
package struct TextEncoder: Sendable {
    private let configuration: TextConfiguration
    /// `[vocabularySize, width]`.
    private let tokenEmbedding: RowTable
    /// `[contextLength, width]`.
    private let positions: ParameterVector
    private let transformer: Transformer
    private let outputNorm: LayerNorm
    /// `[embeddingDimension, width]`, nil when the hidden state is the embedding.
    private let projection: Linear?

    /// Reads the tensors of the text tower, and no others.
    /// - Throws: `CLIPError` when one is missing or of another shape.
    package init(configuration: ModelConfiguration, weights: some TensorSource) throws(CLIPError) {
        try self.init(configuration: configuration, weights: weights, release: nil)
    }

    /// - Parameter release: given, layers are read when their turn comes and not kept: it gives back the memory of one.
    init(
        configuration: ModelConfiguration, weights: some TensorSource, release: (@Sendable () -> Void)?
    ) throws(CLIPError) {
        let text = configuration.text
        let width = text.transformer.width
        self.configuration = text
        tokenEmbedding = try weights.table(
            "text_model.embeddings.token_embedding.weight", rows: text.vocabularySize, columns: width)
        positions = try weights.vector(
            "text_model.embeddings.position_embedding.weight", shape: [text.contextLength, width])
        transformer = try Transformer(
            "text_model.encoder.layers", configuration: text.transformer, isCausal: text.isCausal, from: weights,
            release: release)
        outputNorm = try LayerNorm(
            "text_model.final_layer_norm", width: width, epsilon: text.transformer.layerNormEpsilon, from: weights)
        projection =
            text.projection == .none
            ? nil
            : try Linear(
                "text_projection", outputs: configuration.embeddingDimension, inputs: width,
                hasBias: text.projection == .affine, from: weights)
    }

    /// Embeds texts. What a text has in common with the beginning of the one before it is computed once.
    ///
    /// - Parameter tokens: per text its token ids, each below `vocabularySize`, start and end token included,
    ///   1…`contextLength` of them.
    /// - Returns: `[tokens.count, embeddingDimension]`, not normalised; the same to the bit for any number of texts and
    ///   of threads.
    /// - Throws: `CLIPError` of kind `.cancelled`, within the time that a layer takes.
    package func embed(tokens: [[Int32]], compute: Compute) throws(CLIPError) -> [Float] {
        var embeddings: [Float] = []
        for layout in layouts(tokens, compute) { embeddings += try embed(layout, compute) }
        return embeddings
    }

    /// The texts in groups that are computed one after another.
    func layouts(_ tokens: [[Int32]], _ compute: Compute) -> [TextLayout] {
        var layouts: [TextLayout] = []
        let limit = compute.rowsAtOnce(width: configuration.transformer.width)
        for text in tokens.map(text) {
            if let last = layouts.indices.last, layouts[last].append(text, limit: limit) { continue }
            layouts.append(TextLayout(text, sharesBeginnings: configuration.isCausal))
        }
        return layouts
    }

    private func text(_ tokens: [Int32]) -> TextLayout.Text {
        var tokens = tokens
        if let padding = configuration.paddingToken, tokens.count < configuration.contextLength {
            tokens += Array(repeating: Int32(padding), count: configuration.contextLength - tokens.count)
        }
        precondition(tokens.count <= configuration.contextLength)
        let position = configuration.pooling.position(in: tokens)
        // What stands behind the pooled token of a causal encoder can't change it.
        return TextLayout.Text(
            tokens: configuration.isCausal ? tokens[...position] : tokens[...], position: position)
    }

    /// - Returns: `[layout.sequences.count, embeddingDimension]`.
    private func embed(_ layout: TextLayout, _ compute: Compute) throws(CLIPError) -> [Float] {
        let width = configuration.transformer.width
        let hidden = compute.activations(rows: layout.tokens.count, columns: width)
        for (row, token) in layout.tokens.enumerated() {
            hidden.row(row).update(from: positions.start + token.position * width, count: width)
            tokenEmbedding.add(row: Int(token.id), to: hidden.row(row))
        }
        let pooled = try transformer(hidden, sequences: layout.sequences, compute: compute)
        compute.layerNorm(outputNorm, pooled, into: pooled)
        return compute.project(pooled, projection)
    }
}

extension TextPooling {
    /// The position of the token that stands for `tokens`. A text without the end token is read at its first token, as
    /// the reference does.
    func position(in tokens: [Int32]) -> Int {
        switch self {
        case .firstToken(let id): tokens.firstIndex { Int($0) == id } ?? 0
        case .largestToken: tokens.max().flatMap(tokens.firstIndex(of:)) ?? 0
        case .firstPosition: 0
        case .lastPosition: max(0, tokens.count - 1)
        }
    }
}

/// Where the tokens of some texts lie among the rows of a transformer.
struct TextLayout {
    /// The tokens that have a part in a text's embedding, at least one, and the position that is read.
    struct Text {
        var tokens: ArraySlice<Int32>
        var position: Int
    }

    /// Whether what a text has in common with the beginning of the one before it is there once: in a causal transformer a
    /// token's state depends on the tokens before it alone.
    let sharesBeginnings: Bool
    private(set) var sequences: [TokenSequence] = []
    /// Per row its token, and where in the text it stands.
    private(set) var tokens: [(id: Int32, position: Int)] = []
    private var last: ArraySlice<Int32> = []

    /// One text.
    init(_ text: Text, sharesBeginnings: Bool) {
        self.sharesBeginnings = sharesBeginnings
        _ = append(text, limit: .max)
    }

    /// Adds a text unless there would be more than `limit` rows then.
    /// - Returns: whether it was.
    mutating func append(_ text: Text, limit: Int) -> Bool {
        let shared = sharesBeginnings ? zip(last, text.tokens).prefix { $0 == $1 }.count : 0
        let end = tokens.count + text.tokens.count - shared
        guard end <= limit else { return false }
        sequences.append(
            TokenSequence(tokens.count..<end, sharing: shared, of: sequences.last, pooled: text.position))
        for (position, token) in text.tokens.enumerated().dropFirst(shared) { tokens.append((token, position)) }
        last = text.tokens
        return true
    }
}
