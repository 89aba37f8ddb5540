package import CLIPCompute

/// The image tower of CLIP or SigLIP, a vision transformer (Dosovitskiy et al., 2020; Radford et al., 2021).
package struct ImageEncoder: Sendable {
    private let configuration: VisionConfiguration
    /// `[width, 3 · p · p]`.
    private let patchEmbedding: Linear
    /// `[width]`; nil when the patches stand alone.
    private let classEmbedding: ParameterVector?
    /// `[tokenCount, width]`.
    private let positions: ParameterVector
    private let inputNorm: LayerNorm?
    private let transformer: Transformer
    private let outputNorm: LayerNorm
    /// What reads a picture's state from all tokens, with `.attention` pooling.
    private let head: AttentionPooling?
    /// `[embeddingDimension, width]`, nil when the pooled state is the embedding.
    private let projection: Linear?

    /// Reads the tensors of the image tower, and no others.
    /// - Throws: `CLIPError` when one is missing or of another shape.
    package init(configuration: ModelConfiguration, weights: some TensorSource) throws(CLIPError) {
        try self.init(configuration: configuration, weights: weights, release: nil)
    }

    /// - Parameter release: given, layers are read when their turn comes and not kept: it gives back the memory of one.
    init(
        configuration: ModelConfiguration, weights: some TensorSource, release: (@Sendable () -> Void)?
    ) throws(CLIPError) {
        let vision = configuration.vision
        let width = vision.transformer.width
        let epsilon = vision.transformer.layerNormEpsilon
        let embeddings = "vision_model.embeddings"
        self.configuration = vision
        patchEmbedding = try Linear(
            "\(embeddings).patch_embedding", outputs: width, inputs: 3 * vision.patchSize * vision.patchSize,
            hasBias: vision.hasPatchBias, from: weights)
        classEmbedding =
            vision.hasClassToken ? try weights.vector("\(embeddings).class_embedding", shape: [width]) : nil
        positions = try weights.vector(
            "\(embeddings).position_embedding.weight", shape: [vision.tokenCount, width])
        // The missing letter is in every file.
        inputNorm =
            vision.hasInputNorm
            ? try LayerNorm("vision_model.pre_layrnorm", width: width, epsilon: epsilon, from: weights) : nil
        transformer = try Transformer(
            "vision_model.encoder.layers", configuration: vision.transformer, isCausal: false, from: weights,
            release: release)
        outputNorm = try LayerNorm("vision_model.post_layernorm", width: width, epsilon: epsilon, from: weights)
        head =
            vision.pooling == .attention
            ? try AttentionPooling("vision_model.head", configuration: vision.transformer, from: weights) : nil
        projection =
            vision.hasProjection
            ? try Linear(
                "visual_projection", outputs: configuration.embeddingDimension, inputs: width, hasBias: false,
                from: weights) : nil
    }

    /// Embeds pictures that preprocessing has brought to the model's size.
    ///
    /// - Parameter pixels: `[count, 3, imageSize, imageSize]`.
    /// - Returns: `[count, embeddingDimension]`, not normalised; the same to the bit for any `count` and any number of
    ///   threads.
    /// - Throws: `CLIPError` of kind `.cancelled`, within the time that a layer takes.
    package func embed(pixels: UnsafePointer<Float>, count: Int, compute: Compute) throws(CLIPError) -> [Float] {
        let rows = compute.rowsAtOnce(width: configuration.transformer.width)
        let limit = max(1, rows / configuration.tokenCount)
        // As few groups as hold them, all of about the same size.
        let groupCount = max(1, (count + limit - 1) / limit)
        let group = max(1, (count + groupCount - 1) / groupCount)
        let imageFloats = 3 * configuration.imageSize * configuration.imageSize
        var embeddings: [Float] = []
        for first in stride(from: 0, to: count, by: group) {
            embeddings += try embedGroup(pixels + first * imageFloats, count: min(group, count - first), compute)
        }
        return embeddings
    }

    private func embedGroup(
        _ pixels: UnsafePointer<Float>, count: Int, _ compute: Compute
    ) throws(CLIPError) -> [Float] {
        let tokenCount = configuration.tokenCount
        let hidden = compute.activations(rows: count * tokenCount, columns: configuration.transformer.width)
        embedPatches(pixels, count: count, into: hidden, compute)
        if let inputNorm { compute.layerNorm(inputNorm, hidden, into: hidden) }
        let sequences = (0..<count).map { TokenSequence($0 * tokenCount..<($0 + 1) * tokenCount, pooled: 0) }
        let pooled: Activations
        switch configuration.pooling {
        case .attention:
            try transformer.run(hidden, sequences: sequences, compute: compute)
            compute.layerNorm(outputNorm, hidden, into: hidden)
            pooled = head?(hidden, sequences: sequences, compute: compute) ?? hidden
        case .classToken:
            pooled = try transformer(hidden, sequences: sequences, compute: compute)
            compute.layerNorm(outputNorm, pooled, into: pooled)
        case .meanOfPatches:
            try transformer.run(hidden, sequences: sequences, compute: compute)
            pooled = meanOfPatches(hidden, sequences, compute)
            compute.layerNorm(outputNorm, pooled, into: pooled)
        case .meanOfNormalizedPatches:
            try transformer.run(hidden, sequences: sequences, compute: compute)
            compute.layerNorm(outputNorm, hidden, into: hidden)
            pooled = meanOfPatches(hidden, sequences, compute)
        }
        return compute.project(pooled, projection)
    }

    /// The mean of each sequence's patches, `[sequences.count, width]`.
    private func meanOfPatches(
        _ hidden: Activations, _ sequences: [TokenSequence], _ compute: Compute
    ) -> Activations {
        let pooled = compute.activations(rows: sequences.count, columns: hidden.columns)
        compute.forEach(sequences.count) { index in
            let rows = sequences[index].ownRows.dropFirst(classEmbedding == nil ? 0 : 1)
            let target = pooled.row(index)
            target.update(repeating: 0, count: hidden.columns)
            for row in rows {
                let source = hidden.row(row)
                for column in 0..<hidden.columns { target[column] += source[column] }
            }
            for column in 0..<hidden.columns { target[column] /= Float(rows.count) }
        }
        return pooled
    }

    /// Writes the class token, if there is one, and the patches of each picture, positions added.
    private func embedPatches(
        _ pixels: UnsafePointer<Float>, count: Int, into hidden: Activations, _ compute: Compute
    ) {
        let tokenCount = configuration.tokenCount
        let patchCount = configuration.gridSize * configuration.gridSize
        let width = configuration.transformer.width
        let patches = compute.activations(rows: count * patchCount, columns: patchEmbedding.weights.inputs)
        compute.forEach(count * configuration.gridSize) { index in
            let (image, row) = index.quotientAndRemainder(dividingBy: configuration.gridSize)
            cutPatches(pixels, image: image, gridRow: row, into: patches)
        }
        compute.linear(
            (0..<count).map { image in
                let tokens = hidden.all[image * tokenCount..<(image + 1) * tokenCount]
                if let classEmbedding {
                    for column in 0..<width {
                        tokens[0][column] = classEmbedding.start[column] + positions.start[column]
                    }
                }
                return LinearProduct(
                    patchEmbedding, Rows(patches.all[image * patchCount..<(image + 1) * patchCount]),
                    into: tokens[tokenCount - patchCount..<tokenCount],
                    residual: Rows(positions.start, stride: width, count: tokenCount)[
                        tokenCount - patchCount..<tokenCount])
            })
    }

    /// Lays the pixels of each patch of one row of the grid in a row, `[3, p, p]`.
    private func cutPatches(
        _ pixels: UnsafePointer<Float>, image: Int, gridRow: Int, into patches: Activations
    ) {
        let side = configuration.imageSize
        let patch = configuration.patchSize
        for column in 0..<configuration.gridSize {
            var target = patches.row((image * configuration.gridSize + gridRow) * configuration.gridSize + column)
            for channel in 0..<3 {
                for line in 0..<patch {
                    let source = ((image * 3 + channel) * side + gridRow * patch + line) * side + column * patch
                    target.update(from: pixels + source, count: patch)
                    target += patch
                }
            }
        }
    }
}

/// Multi-head attention pooling (Zhai et al., 2022, "Scaling Vision Transformers", appendix): a learnt query attends to
/// all tokens of a sequence, then a pre-norm MLP with a residual.
struct AttentionPooling: Sendable {
    private let configuration: TransformerConfiguration
    /// The query before its projection, `[1, width]`.
    private let probe: ParameterVector
    private let query: Linear
    private let key: Linear
    private let value: Linear
    private let output: Linear
    private let norm: LayerNorm
    private let mlpInput: Linear
    private let mlpOutput: Linear

    /// Reads the head under `prefix`, such as `vision_model.head`.
    init(
        _ prefix: String, configuration: TransformerConfiguration, from source: some TensorSource
    ) throws(CLIPError) {
        let width = configuration.width
        let intermediate = configuration.intermediateWidth
        self.configuration = configuration
        probe = try source.vector("\(prefix).probe", shape: [width])
        query = try Linear("\(prefix).attention.q_proj", outputs: width, inputs: width, from: source)
        key = try Linear("\(prefix).attention.k_proj", outputs: width, inputs: width, from: source)
        value = try Linear("\(prefix).attention.v_proj", outputs: width, inputs: width, from: source)
        output = try Linear("\(prefix).attention.out_proj", outputs: width, inputs: width, from: source)
        norm = try LayerNorm(
            "\(prefix).layernorm", width: width, epsilon: configuration.layerNormEpsilon, from: source)
        mlpInput = try Linear("\(prefix).mlp.fc1", outputs: intermediate, inputs: width, from: source)
        mlpOutput = try Linear("\(prefix).mlp.fc2", outputs: width, inputs: intermediate, from: source)
    }

    /// - Parameter hidden: every token once, `[rows, width]`, normalised.
    /// - Returns: a state per sequence, `[sequences.count, width]`.
    func callAsFunction(_ hidden: Activations, sequences: [TokenSequence], compute: Compute) -> Activations {
        let width = configuration.width
        let probe = compute.activations(rows: 1, columns: width)
        probe.row(0).update(from: self.probe.start, count: width)
        // Keys and values side by side, `[rows, 2 · width]`.
        let projected = compute.activations(rows: hidden.rows, columns: 2 * width)
        let queries = compute.activations(rows: 1, columns: width)
        compute.linear([
            LinearProduct(key, hidden, into: projected), LinearProduct(value, hidden, into: projected, column: width),
            LinearProduct(query, probe, into: queries),
        ])
        let attended = compute.activations(rows: sequences.count, columns: width)
        compute.attention(
            sequences.enumerated().map { index, sequence in
                AttentionSequence(
                    queries: Rows(queries.all), keyRows: sequence.rows, causalPosition: nil,
                    target: attended.all[index..<index + 1])
            }, keys: Rows(projected.all), values: Rows(projected.all).columns(from: width),
            heads: configuration.headCount, headWidth: width / configuration.headCount)

        let pooled = compute.activations(rows: sequences.count, columns: width)
        compute.linear([LinearProduct(output, attended, into: pooled)])
        compute.layerNorm(norm, pooled, into: attended)
        let intermediate = compute.activations(rows: sequences.count, columns: configuration.intermediateWidth)
        compute.linear([
            LinearProduct(mlpInput, attended, into: intermediate, activation: configuration.activation.linear)
        ])
        compute.linear([LinearProduct(mlpOutput, intermediate, addedTo: pooled)])
        return pooled
    }
}
