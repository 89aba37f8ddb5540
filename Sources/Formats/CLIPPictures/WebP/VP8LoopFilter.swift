/// Smooths the edges of macroblocks and of the blocks inside them (RFC 6386, section 15).
struct VP8LoopFilter {
    let isSimple: Bool

    /// Filters one macroblock: the edges to the left and above, then those inside. Macroblocks have to come row by row,
    /// after all of them in the row are rebuilt.
    /// - Parameter hasInside: whether blocks inside have edges: they were predicted apart or have coefficients.
    func filter(
        _ planes: inout VP8Planes, column: Int, row: Int, _ strength: VP8LoopFilterHeader.Strength, hasInside: Bool
    ) {
        guard strength.limit > 0 else { return }
        let between = VP8EdgeFilter(
            limit: strength.limit + 4, interiorLimit: strength.interiorLimit, edgeThreshold: strength.edgeThreshold)
        let inside = VP8EdgeFilter(
            limit: strength.limit, interiorLimit: strength.interiorLimit, edgeThreshold: strength.edgeThreshold)

        let lumaStride = planes.lumaStride
        planes.luma.withUnsafeMutableBufferPointer { plane in
            let block = plane.baseAddress! + 16 * (row * lumaStride + column)
            let edge = VP8Edge(stride: lumaStride)
            if isSimple {
                filterSimply(block, edge, between, inside, hasLeft: column > 0, hasAbove: row > 0, hasInside)
            } else {
                filter(block, edge, size: 16, between, inside, hasLeft: column > 0, hasAbove: row > 0, hasInside)
            }
        }
        guard !isSimple else { return }
        let chromaStride = planes.chromaStride
        for channel in 0..<2 {
            planes.chroma[channel].withUnsafeMutableBufferPointer { plane in
                let block = plane.baseAddress! + 8 * (row * chromaStride + column)
                let edge = VP8Edge(stride: chromaStride)
                filter(block, edge, size: 8, between, inside, hasLeft: column > 0, hasAbove: row > 0, hasInside)
            }
        }
    }

    private func filter(
        _ block: UnsafeMutablePointer<UInt8>, _ edge: VP8Edge, size: Int, _ between: VP8EdgeFilter,
        _ inside: VP8EdgeFilter, hasLeft: Bool, hasAbove: Bool, _ hasInside: Bool
    ) {
        if hasLeft {
            for y in stride(from: 0, to: size, by: 8) { edge.down(block + y * edge.stride) { between.between(&$0) } }
        }
        if hasInside {
            for x in stride(from: 4, to: size, by: 4) {
                for y in stride(from: 0, to: size, by: 8) {
                    edge.down(block + y * edge.stride + x) { inside.inside(&$0) }
                }
            }
        }
        if hasAbove {
            for x in stride(from: 0, to: size, by: 8) { edge.across(block + x) { between.between(&$0) } }
        }
        if hasInside {
            for y in stride(from: 4, to: size, by: 4) {
                for x in stride(from: 0, to: size, by: 8) {
                    edge.across(block + y * edge.stride + x) { inside.inside(&$0) }
                }
            }
        }
    }

    private func filterSimply(
        _ block: UnsafeMutablePointer<UInt8>, _ edge: VP8Edge, _ between: VP8EdgeFilter, _ inside: VP8EdgeFilter,
        hasLeft: Bool, hasAbove: Bool, _ hasInside: Bool
    ) {
        for x in stride(from: 0, to: 16, by: 4) where x > 0 ? hasInside : hasLeft {
            for y in [0, 8] {
                edge.down(block + y * edge.stride + x) { x > 0 ? inside.simple(&$0) : between.simple(&$0) }
            }
        }
        for y in stride(from: 0, to: 16, by: 4) where y > 0 ? hasInside : hasAbove {
            for x in [0, 8] {
                edge.across(block + y * edge.stride + x) { y > 0 ? inside.simple(&$0) : between.simple(&$0) }
            }
        }
    }
}
