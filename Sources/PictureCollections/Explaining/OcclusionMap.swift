public import CLIP

/// Which parts of a picture carry its similarity to a text: occlusion sensitivity (Zeiler and Fergus, 2014, "Visualizing
/// and Understanding Convolutional Networks", section 4).
///
/// Windows of two by two cells are covered with the mean colour, one after another, half overlapping, and the picture is
/// embedded each time. How much the cosine drops says how much it hung on what was covered. It needs no gradients and
/// no knowledge of the model, so that every model is explained alike.
///
/// What it can't tell: why; whether the text is true; what happens when two parts stand for each other, since covering
/// one then changes little; and anything finer than a cell.
public struct OcclusionMap: Sendable, Equatable {
    /// The embedding of the whole picture.
    public let embedding: Embedding
    /// The cosine of the whole picture and the text.
    public let similarity: Float
    /// Cells per side of what the model sees.
    public let side: Int
    /// How much the cosine drops where a cell is covered, in the mean of the four windows that cover it, `[side, side]`
    /// from the top left. Negative: the text fits better without it.
    public let drops: [Float]

    /// How many cells per side a map has when nothing else is asked for.
    public static let defaultSide = 8
    private static let windowSide = 2
    private static let batchSize = 16

    /// Explains the similarity of a picture and a text. It embeds (`side` + 1)² + 1 pictures.
    /// - Parameters:
    ///   - model: the model whose answer is explained.
    ///   - image: the picture.
    ///   - text: an embedding of `model`.
    ///   - side: cells per side, at least 1.
    ///   - fit: how a picture becomes square, any but `.multicrop`; nil is the model's own preprocessing.
    ///   - progress: called after each batch with how many pictures were embedded.
    /// - Throws: `CLIPError` of kind `.argument` when there are more cells than pixels, or several crops; else as
    ///   embedding a picture does.
    /// - Complexity: O(`side`²) embeddings, 16 at a time in memory.
    public init(
        model: CLIPModel, image: Picture, text: Embedding, side: Int = defaultSide, fit: PictureFit? = nil,
        progress: (Int) -> Void = { _ in }
    ) throws(CLIPError) {
        let pixels = try model.preprocess(image, fit: fit)
        let size = (height: pixels.shape[2], width: pixels.shape[3])
        guard pixels.shape[0] == 1 else {
            throw CLIPError(.argument, "a map has one crop of the picture, not \(pixels.shape[0]): choose another fit")
        }
        let limit = min(size.height, size.width)
        guard (1...limit).contains(side) else {
            throw CLIPError(.argument, "\(side) cells per side, expected 1 to \(limit), the pixels that the model sees")
        }
        embedding = try model.embed(pixels)[0]
        let whole = embedding.similarity(to: text)
        let windows = OcclusionMap.windows(side: side)
        var sums = [Float](repeating: 0, count: side * side)
        for first in stride(from: 0, to: windows.count, by: OcclusionMap.batchSize) {
            let batch = windows[first..<min(first + OcclusionMap.batchSize, windows.count)]
            var covered: [Float] = []
            covered.reserveCapacity(batch.count * pixels.values.count)
            for cells in batch { covered += OcclusionMap.cover(cells, of: pixels.values, size, side: side) }
            let embeddings = try model.embed(
                PixelTensor(shape: [batch.count, 3, size.height, size.width], values: covered))
            for (cells, embedding) in zip(batch, embeddings) {
                let drop = whole - embedding.similarity(to: text)
                for cell in cells { sums[cell] += drop }
            }
            progress(min(first + OcclusionMap.batchSize, windows.count))
        }
        similarity = whole
        self.side = side
        drops = sums.map { $0 / Float(OcclusionMap.windowSide * OcclusionMap.windowSide) }
    }

    /// The cells of each window, those outside the picture left out: every cell is in four windows.
    private static func windows(side: Int) -> [[Int]] {
        (0...side).flatMap { bottom in
            (0...side).map { right in
                (max(0, bottom - 1)...min(bottom, side - 1)).flatMap { row in
                    (max(0, right - 1)...min(right, side - 1)).map { row * side + $0 }
                }
            }
        }
    }

    /// Normalised pixels with some cells at zero, the mean colour of what the model was trained on.
    private static func cover(
        _ cells: [Int], of pixels: [Float], _ size: (height: Int, width: Int), side: Int
    ) -> [Float] {
        var pixels = pixels
        for cell in cells {
            let (row, column) = cell.quotientAndRemainder(dividingBy: side)
            for channel in 0..<3 {
                for y in row * size.height / side..<(row + 1) * size.height / side {
                    let line = (channel * size.height + y) * size.width
                    for x in column * size.width / side..<(column + 1) * size.width / side { pixels[line + x] = 0 }
                }
            }
        }
        return pixels
    }
}
