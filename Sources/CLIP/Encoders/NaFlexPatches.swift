internal import CLIPCompute

/// The patches of pictures that keep their shape (NaFlex; Tschannen et al., 2025): as many rows and columns as a picture has,
/// and the table of positions, a square, resampled to them.
struct NaFlexPatches {
    /// The side of a patch.
    let side: Int
    /// `[width, side · side · 3]`.
    let embedding: Linear
    /// `[gridSize · gridSize, width]`.
    let positions: ParameterVector
    let gridSize: Int

    /// Writes the patches of each picture, positions added.
    /// - Parameters:
    ///   - pixels: pictures one after another, `[3, height, width]` each.
    ///   - grids: the patches of each picture.
    ///   - hidden: the rows of all patches.
    func callAsFunction(
        _ pixels: UnsafePointer<Float>, grids: [PatchGrid], into hidden: Activations, _ compute: Compute
    ) {
        let patches = compute.activations(rows: hidden.rows, columns: 3 * side * side)
        var tables: [PatchGrid: Activations] = [:]
        var products: [LinearProduct] = []
        var (picture, row) = (pixels, 0)
        for grid in grids {
            let rows = row..<row + grid.count
            cut(picture, grid, into: patches.all[rows], compute)
            let table = tables[grid] ?? resampledPositions(grid, compute)
            tables[grid] = table
            products.append(
                LinearProduct(embedding, Rows(patches.all[rows]), into: hidden.all[rows], residual: Rows(table.all)))
            picture += 3 * side * side * grid.count
            row = rows.upperBound
        }
        withExtendedLifetime(tables) { compute.linear(products) }
    }

    /// Lays the pixels of each patch in a row, `[side, side, 3]`.
    private func cut(
        _ pixels: UnsafePointer<Float>, _ grid: PatchGrid, into patches: MutableRows<Float>, _ compute: Compute
    ) {
        let (width, height) = (grid.columns * side, grid.rows * side)
        compute.forEach(grid.rows) { row in
            for column in 0..<grid.columns {
                let target = patches[row * grid.columns + column]
                for line in 0..<side {
                    let source = pixels + (row * side + line) * width + column * side
                    for pixel in 0..<side {
                        for channel in 0..<3 {
                            target[(line * side + pixel) * 3 + channel] = source[channel * width * height + pixel]
                        }
                    }
                }
            }
        }
    }

    /// The table for a grid, `[grid.count, width]`: bilinear, stretched where it shrinks, first along rows of the grid.
    private func resampledPositions(_ grid: PatchGrid, _ compute: Compute) -> Activations {
        let width = embedding.weights.outputs
        let table = compute.activations(rows: grid.count, columns: width)
        let across = compute.activations(rows: gridSize * grid.columns, columns: width)
        let columns = (0..<grid.columns).map { ResampledPlace(bilinear: $0, from: gridSize, to: grid.columns) }
        let rows = (0..<grid.rows).map { ResampledPlace(bilinear: $0, from: gridSize, to: grid.rows) }
        func write(
            _ target: UnsafeMutablePointer<Float>, _ place: ResampledPlace,
            neighbour: (Int) -> UnsafePointer<Float>
        ) {
            target.update(repeating: 0, count: width)
            for (index, weight) in place.weights.enumerated() {
                let source = neighbour(place.first + index)
                for position in 0..<width { target[position] += weight * source[position] }
            }
        }
        compute.forEach(gridSize) { row in
            for (column, place) in columns.enumerated() {
                write(across.row(row * grid.columns + column), place) {
                    positions.start + (row * gridSize + $0) * width
                }
            }
        }
        compute.forEach(grid.rows) { row in
            for column in 0..<grid.columns {
                write(table.row(row * grid.columns + column), rows[row]) {
                    UnsafePointer(across.row($0 * grid.columns + column))
                }
            }
        }
        return table
    }
}

/// How many patches a picture has.
struct PatchGrid: Hashable {
    var rows: Int
    var columns: Int

    var count: Int { rows * columns }
}

extension VisionConfiguration {
    /// The patches of a picture, which fills them unless it is the square that a model of one size takes.
    func grid(of size: PixelSize) -> PatchGrid {
        hasPictureGrids
            ? PatchGrid(rows: size.height / patchSize, columns: size.width / patchSize)
            : PatchGrid(rows: gridSize, columns: gridSize)
    }
}
