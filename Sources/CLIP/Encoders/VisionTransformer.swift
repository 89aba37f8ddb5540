internal import CLIPCompute

/// The image tower of most models, a vision transformer (Dosovitskiy et al., 2020; Radford et al., 2021).
struct VisionTransformer: ImageTower {
    private let configuration: VisionConfiguration
    /// The convolutions before the patch embedding, over squares of pixels, then of what the last one gives.
    private let stem: [Linear]
    /// `[width, inputs · p · p]`; nil where patches come out of `convolutions`.
    private let patchEmbedding: Linear?
    private let convolutions: ViTaminStages?
    /// `[width]`; nil when the patches stand alone.
    private let classEmbedding: ParameterVector?
    /// `[positionCount, width]`; nil when patches have no positions.
    private let positions: ParameterVector?
    private let inputNorm: LayerNorm?
    private let transformer: Transformer
    private let outputNorm: LayerNorm
    /// What reads a picture's state from all tokens, with `.attention` or `.firstQuery` pooling.
    private let head: AttentionPooling?
    private let projection: ProjectionLayers

    /// - Parameter release: given, layers are read when their turn comes and not kept: it gives back the memory of one.
    init(
        configuration: ModelConfiguration, weights: some TensorSource, release: (@Sendable () -> Void)?
    ) throws(CLIPError) {
        let vision = configuration.vision
        let width = vision.transformer.width
        let epsilon = vision.transformer.layerNormEpsilon
        let embeddings = "vision_model.embeddings"
        self.configuration = vision
        let squares = vision.squares
        var stem: [Linear] = []
        for (index, stage) in vision.stem.enumerated() {
            stem.append(
                try Linear(
                    "\(embeddings).stem.\(index)", outputs: stage.width, inputs: squares[index].inputs, from: weights))
        }
        self.stem = stem
        convolutions = try vision.convolutions.map { shape throws(CLIPError) in
            try ViTaminStages(shape, imageSize: vision.imageSize, width: width, from: weights)
        }
        patchEmbedding =
            vision.convolutions == nil
            ? try Linear(
                "\(embeddings).patch_embedding", outputs: width, inputs: squares[stem.count].inputs,
                hasBias: vision.hasPatchBias, from: weights) : nil
        classEmbedding =
            vision.hasClassToken ? try weights.vector("\(embeddings).class_embedding", shape: [width]) : nil
        positions =
            vision.hasPositions
            ? try weights.vector("\(embeddings).position_embedding.weight", shape: [vision.positionCount, width]) : nil
        // The missing letter is in every file.
        inputNorm =
            vision.hasInputNorm
            ? try LayerNorm("vision_model.pre_layrnorm", width: width, epsilon: epsilon, from: weights) : nil
        transformer = try Transformer(
            "vision_model.encoder.layers", configuration: vision.transformer, isCausal: false, from: weights,
            rotation: vision.rotaryPositions.map { positions in
                Rotation(
                    table: positions.table(
                        gridSize: vision.gridSize, headWidth: vision.transformer.width / vision.transformer.headCount),
                    places: vision.gridSize * vision.gridSize)
            }, release: release)
        let pooledWidth = configuration.pooledWidth
        outputNorm = try LayerNorm("vision_model.post_layernorm", width: pooledWidth, epsilon: epsilon, from: weights)
        head =
            switch vision.pooling {
            case .attention:
                try AttentionPooling("vision_model.head", configuration: vision.poolingLayer, from: weights)
            case .firstQuery:
                try AttentionPooling(
                    "vision_model.head", inputs: width, width: pooledWidth,
                    headCount: vision.poolingLayer.headCount, normEpsilon: epsilon, from: weights)
            case .classToken, .meanOfPatches, .meanOfNormalizedPatches: nil
            }
        projection = try ProjectionLayers(
            "visual_projection", vision.projection, inputs: pooledWidth, outputs: configuration.embeddingDimension,
            from: weights)
    }

    func picturesAtOnce(of size: PixelSize, _ compute: Compute) -> Int {
        let tokenCount = tokenCount(of: configuration.grid(of: size))
        return max(1, compute.rowsAtOnce(width: configuration.transformer.width) / tokenCount)
    }

    func embed(_ pixels: UnsafePointer<Float>, sizes: [PixelSize], _ compute: Compute) throws(CLIPError) -> [Float] {
        let grids = sizes.map(configuration.grid)
        var (sequences, rowCount): ([TokenSequence], Int) = ([], 0)
        for grid in grids {
            let end = rowCount + tokenCount(of: grid)
            sequences.append(TokenSequence(rowCount..<end, pooled: 0))
            rowCount = end
        }
        let count = sizes.count
        let hidden = compute.activations(rows: rowCount, columns: configuration.transformer.width)
        if configuration.hasPictureGrids, let patchEmbedding, let positions {
            NaFlexPatches(
                side: configuration.patchSize, embedding: patchEmbedding, positions: positions,
                gridSize: configuration.gridSize)(pixels, grids: grids, into: hidden, compute)
        } else if let convolutions {
            let patches = try convolutions(pixels, count: count, compute).places
            for row in 0..<hidden.rows { hidden.row(row).update(from: patches.row(row), count: hidden.columns) }
            addPositions(to: hidden, count: count, compute)
        } else if let patchEmbedding {
            embedPatches(pixels, count: count, patchEmbedding, into: hidden, compute)
        }
        if let inputNorm { compute.layerNorm(inputNorm, hidden, into: hidden) }
        let pooled: Activations
        switch configuration.pooling {
        case .attention:
            try transformer.run(hidden, sequences: sequences, compute: compute)
            compute.layerNorm(outputNorm, hidden, into: hidden)
            pooled = head?(hidden, sequences: sequences, compute: compute) ?? hidden
        case .firstQuery:
            try transformer.run(hidden, sequences: sequences, compute: compute)
            pooled = head?(hidden, sequences: sequences, compute: compute) ?? hidden
            compute.layerNorm(outputNorm, pooled, into: pooled)
        case .classToken:
            pooled = try transformer(hidden, sequences: sequences, compute: compute)
            compute.layerNorm(outputNorm, pooled, into: pooled)
        case .meanOfPatches:
            try transformer.run(hidden, sequences: sequences, compute: compute)
            pooled = compute.means(hidden, of: sequences.map(patches))
            compute.layerNorm(outputNorm, pooled, into: pooled)
        case .meanOfNormalizedPatches:
            try transformer.run(hidden, sequences: sequences, compute: compute)
            compute.layerNorm(outputNorm, hidden, into: hidden)
            pooled = compute.means(hidden, of: sequences.map(patches))
        }
        return projection(pooled, compute: compute)
    }

    private func tokenCount(of grid: PatchGrid) -> Int { grid.count + (classEmbedding == nil ? 0 : 1) }

    private func patches(of sequence: TokenSequence) -> [Range<Int>] {
        [sequence.ownRows.dropFirst(classEmbedding == nil ? 0 : 1)]
    }

    /// Adds the table of positions, if there is one, to each picture's patches, which have no class token before them.
    private func addPositions(to hidden: Activations, count: Int, _ compute: Compute) {
        guard let positions else { return }
        let table = Rows(positions.start, stride: hidden.columns, count: configuration.positionCount)
        for image in 0..<count {
            let tokens = image * configuration.tokenCount..<(image + 1) * configuration.tokenCount
            compute.add(hidden.all[tokens], table, columns: hidden.columns)
        }
    }

    /// Writes the class token, if there is one, and the patches of each picture, positions added.
    private func embedPatches(
        _ pixels: UnsafePointer<Float>, count: Int, _ patchEmbedding: Linear, into hidden: Activations,
        _ compute: Compute
    ) {
        let tokenCount = configuration.tokenCount
        let patchCount = configuration.gridSize * configuration.gridSize
        let width = configuration.transformer.width
        let squares = configuration.squares
        var patches = cutPixels(pixels, count: count, squares[0], compute)
        for (index, convolution) in stem.enumerated() {
            let output = compute.activations(rows: patches.rows, columns: convolution.weights.outputs)
            compute.linear([LinearProduct(convolution, patches, into: output, activation: .gelu)])
            patches = cutSquares(output, count: count, squares[index + 1], compute)
        }
        // Rows of the table of positions, the patches' last.
        let positions = self.positions.map {
            Rows($0.start, stride: width, count: configuration.positionCount)
        }
        compute.linear(
            (0..<count).map { image in
                let tokens = hidden.all[image * tokenCount..<(image + 1) * tokenCount]
                if let classEmbedding {
                    for column in 0..<width {
                        tokens[0][column] =
                            classEmbedding.start[column]
                            + (configuration.hasClassPosition ? positions?[0][column] ?? 0 : 0)
                    }
                }
                return LinearProduct(
                    patchEmbedding, Rows(patches.all[image * patchCount..<(image + 1) * patchCount]),
                    into: tokens[tokenCount - patchCount..<tokenCount],
                    residual: positions.map { $0[$0.count - patchCount..<$0.count] })
            })
    }

    /// Lays the pixels of each square in a row, `[3, side, side]`.
    private func cutPixels(
        _ pixels: UnsafePointer<Float>, count: Int, _ square: VisionConfiguration.Square, _ compute: Compute
    ) -> Activations {
        let squares = compute.activations(rows: count * square.grid * square.grid, columns: square.inputs)
        let (size, side) = (configuration.imageSize, square.side)
        compute.forEach(count * square.grid) { index in
            let (image, row) = index.quotientAndRemainder(dividingBy: square.grid)
            for column in 0..<square.grid {
                var target = squares.row(index * square.grid + column)
                for channel in 0..<3 {
                    for line in 0..<side {
                        let source = ((image * 3 + channel) * size + row * side + line) * size + column * side
                        target.update(from: pixels + source, count: side)
                        target += side
                    }
                }
            }
        }
        return squares
    }

    /// Lays the states of each square of a grid in a row, `[channels, side, side]`.
    private func cutSquares(
        _ states: Activations, count: Int, _ square: VisionConfiguration.Square, _ compute: Compute
    ) -> Activations {
        let squares = compute.activations(rows: count * square.grid * square.grid, columns: square.inputs)
        let side = square.side
        compute.forEach(count * square.grid) { index in
            for column in 0..<square.grid {
                let target = squares.row(index * square.grid + column)
                for place in 0..<side * side {
                    let (line, offset) = place.quotientAndRemainder(dividingBy: side)
                    let source = states.row((index * side + line) * square.grid * side + column * side + offset)
                    for channel in 0..<states.columns { target[channel * side * side + place] = source[channel] }
                }
            }
        }
        return squares
    }
}

extension VisionConfiguration {
    /// What one convolution of the stem, or the patch embedding, is taken over.
    struct Square {
        /// In pixels, or in what the convolution before gives.
        var side: Int
        /// Squares along a side of the picture.
        var grid: Int
        /// The numbers of one.
        var inputs: Int
    }

    /// Those of the stem, one after another, then the patch embedding's.
    fileprivate var squares: [Square] {
        var squares: [Square] = []
        var (grid, channels, left) = (imageSize, 3, patchSize)
        for stage in stem {
            grid /= stage.side
            left /= stage.side
            squares.append(Square(side: stage.side, grid: grid, inputs: channels * stage.side * stage.side))
            channels = stage.width
        }
        return squares + [Square(side: left, grid: gridSize, inputs: channels * left * left)]
    }

    /// The shape of an attention that pools.
    fileprivate var poolingLayer: TransformerConfiguration {
        var layer = transformer
        layer.headCount = poolingHeadCount ?? layer.headCount
        layer.intermediateWidth = poolingIntermediateWidth ?? layer.intermediateWidth
        return layer
    }
}
