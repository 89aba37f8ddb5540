package import CLIPCompute
internal import CLIPSystem

/// The text tower: a transformer, causal in CLIP (Radford et al., 2021), a BERT in others (Devlin et al., 2018).
package struct TextEncoder: Sendable {
    private let configuration: TextConfiguration
    /// `[vocabularySize, width]`.
    private let tokenEmbedding: RowTable
    /// The token of its own behind texts, if that stands for them, `[width]`.
    private let classEmbedding: ParameterVector?
    /// `[positionCount, width]`; nil where attention alone knows of positions.
    private let positions: ParameterVector?
    /// `[typeCount, width]`.
    private let types: ParameterVector?
    private let embeddingNorm: LayerNorm?
    private let transformer: Transformer
    private let outputNorm: LayerNorm?
    private let pooler: Linear?
    private let projection: ProjectionLayers

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
        classEmbedding =
            if case .classToken = text.pooling {
                try weights.vector("text_model.embeddings.class_embedding", shape: [width])
            } else {
                nil
            }
        positions =
            if text.transformer.relativePositions != nil {
                nil
            } else if text.embeddings.isSinusoidal {
                TokenEmbeddings.sinusoids(text.embeddings.positionOffset + text.contextLength, width: width)
            } else {
                try weights.vector(
                    "text_model.embeddings.position_embedding.weight", shape: [text.positionCount, width])
            }
        types =
            text.embeddings.typeCount > 0
            ? try weights.vector(
                "text_model.embeddings.token_type_embedding.weight", shape: [text.embeddings.typeCount, width]) : nil
        embeddingNorm =
            text.embeddings.hasNorm
            ? try LayerNorm(
                "text_model.embeddings.layer_norm", width: width, of: text.transformer, from: weights) : nil
        transformer = try Transformer(
            "text_model.encoder.layers", configuration: text.transformer, isCausal: text.isCausal, from: weights,
            rotation: text.transformer.relativePositions?.rotation(
                places: text.contextLength, headWidth: width / text.transformer.headCount),
            relativeBias: try text.transformer.relativePositions?.bias(
                "text_model.encoder.relative_attention_bias", heads: text.transformer.headCount,
                reach: text.contextLength, from: weights), release: release)
        outputNorm =
            text.hasOutputNorm
            ? try LayerNorm("text_model.final_layer_norm", width: width, of: text.transformer, from: weights) : nil
        pooler =
            text.hasPooler ? try Linear("text_model.pooler", outputs: width, inputs: width, from: weights) : nil
        projection = try ProjectionLayers(
            "text_projection", text.projection, inputs: width, outputs: configuration.embeddingDimension, from: weights)
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
        var unseen: [Int] = []
        if let ignored = configuration.embeddings.ignoredToken, tokens.contains(Int32(ignored)) {
            // A text of nothing else has to have a state all the same.
            let isEmpty = tokens.allSatisfy { $0 == ignored }
            if configuration.transformer.relativePositions == nil {
                tokens = isEmpty ? [tokens[0]] : tokens.filter { $0 != ignored }
            } else if !isEmpty {
                // It stays where it is, so that what stands behind it keeps its distance.
                unseen = tokens.indices.filter { tokens[$0] == ignored }
            }
        }
        if case .classToken(let padding) = configuration.pooling {
            return textBeforeClassToken(tokens, padding: Int32(padding))
        }
        let position = configuration.pooling.position(in: tokens)
        let placed = tokens.enumerated().map { PlacedToken(id: $1, position: $0) }
        // What stands behind the pooled token of a causal encoder can't change it.
        return TextLayout.Text(
            tokens: configuration.isCausal ? placed[...position] : placed[...], position: position, unseen: unseen)
    }

    /// A text with CoCa's token behind it. Its mask stands one place too far right: it hides what follows a padding, rather
    /// than padding, so that one padding is seen, and the last token itself is not but where the text fills the context.
    private func textBeforeClassToken(_ tokens: [Int32], padding: Int32) -> TextLayout.Text {
        let context = configuration.contextLength
        let padded = tokens + (tokens.count < context ? [padding] : [])
        var placed = padded.indices.filter { $0 == 0 || padded[$0 - 1] != padding }.map {
            PlacedToken(id: padded[$0], position: $0)
        }
        placed.append(PlacedToken(id: Int32(configuration.vocabularySize), position: context))
        return TextLayout.Text(
            tokens: placed[...], position: placed.count - 1,
            unseen: tokens.count < context || tokens.last == padding ? [placed.count - 1] : [])
    }

    /// - Returns: `[layout.sequences.count, embeddingDimension]`.
    private func embed(_ layout: TextLayout, _ compute: Compute) throws(CLIPError) -> [Float] {
        let hidden = embedTokens(layout, compute)
        var pooled: Activations
        if configuration.pooling == .meanOfTokens {
            try transformer.run(hidden, sequences: layout.sequences, compute: compute)
            if let outputNorm { compute.layerNorm(outputNorm, hidden, into: hidden) }
            pooled = compute.means(hidden, of: layout.sequences.map(\.keyRows))
        } else {
            pooled = try transformer(hidden, sequences: layout.sequences, compute: compute)
            if let outputNorm { compute.layerNorm(outputNorm, pooled, into: pooled) }
        }
        if let pooler {
            let state = compute.activations(rows: pooled.rows, columns: pooled.columns)
            compute.linear([LinearProduct(pooler, pooled, into: state)])
            compute.hyperbolicTangent(state.all, columns: state.columns)
            pooled = state
        }
        return projection(pooled, compute: compute)
    }

    /// The first states of all tokens.
    private func embedTokens(_ layout: TextLayout, _ compute: Compute) -> Activations {
        let width = configuration.transformer.width
        let offset = configuration.embeddings.positionOffset
        let scale = configuration.embeddings.isScaled ? Float(width).squareRoot() : 1
        let hidden = compute.activations(rows: layout.tokens.count, columns: width)
        for (row, token) in layout.tokens.enumerated() {
            let target = hidden.row(row)
            target.update(repeating: 0, count: width)
            if let classEmbedding, Int(token.id) == configuration.vocabularySize {
                target.update(from: classEmbedding.start, count: width)
            } else {
                tokenEmbedding.add(row: Int(token.id), to: target)
            }
            if scale != 1 {
                for column in 0..<width { target[column] *= scale }
            }
            if let positions {
                let position = positions.start + (token.position + offset) * width
                for column in 0..<width { target[column] += position[column] }
            }
            if let types {
                for column in 0..<width { target[column] += types.start[column] }
            }
        }
        if let embeddingNorm { compute.layerNorm(embeddingNorm, hidden, into: hidden) }
        return hidden
    }
}

extension TokenEmbeddings {
    /// `[count, width]`: half of a row are sines, half cosines, of frequencies from 1 to 1/10000.
    fileprivate static func sinusoids(_ count: Int, width: Int) -> ParameterVector {
        let half = width / 2
        let frequencies = (0..<half).map { Float(pow(10000, Double(-Float($0) / Float(max(1, half - 1))))) }
        var table: [Float] = []
        for position in 0..<count {
            let angles = frequencies.map { Double(Float(position) * $0) }
            table += angles.map { Float(sin($0)) } + angles.map { Float(cos($0)) }
            table += Array(repeating: 0, count: width - 2 * half)
        }
        return ParameterVector(table)
    }
}

extension TextPooling {
    /// The position of the token that stands for `tokens`. A text without the end token is read at its first token, as
    /// the reference does.
    func position(in tokens: [Int32]) -> Int {
        switch self {
        case .firstToken(let id): tokens.firstIndex { Int($0) == id } ?? 0
        case .largestToken: tokens.max().flatMap(tokens.firstIndex(of:)) ?? 0
        case .firstPosition, .meanOfTokens: 0
        case .lastPosition, .classToken: max(0, tokens.count - 1)
        }
    }
}

/// A token, and where in its text it stands.
struct PlacedToken: Equatable {
    /// The size of the vocabulary means a class token, which is none of it.
    var id: Int32
    var position: Int
}

/// Where the tokens of some texts lie among the rows of a transformer.
struct TextLayout {
    /// The tokens that have a part in a text's embedding, at least one, and the position that is read.
    struct Text {
        var tokens: ArraySlice<PlacedToken>
        var position: Int
        /// Which of them no token sees, themselves neither, in rising order.
        var unseen: [Int] = []
    }

    /// Whether what a text has in common with the beginning of the one before it is there once: in a causal transformer a
    /// token's state depends on the tokens before it alone.
    let sharesBeginnings: Bool
    private(set) var sequences: [TokenSequence] = []
    /// Per row its token.
    private(set) var tokens: [PlacedToken] = []
    private var last: ArraySlice<PlacedToken> = []

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
            TokenSequence(
                tokens.count..<end, sharing: shared, of: sequences.last, pooled: text.position,
                unseen: text.unseen))
        tokens += text.tokens.dropFirst(shared)
        last = text.tokens
        return true
    }
}
