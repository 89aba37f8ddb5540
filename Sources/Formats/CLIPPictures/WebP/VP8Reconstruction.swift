/// Rebuilds macroblocks: prediction plus the inverse transforms of their coefficients.
///
/// Prediction needs neighbours before the loop filter changes them, so macroblocks are built in a small buffer with
/// its own copy of them, then written to the planes.
struct VP8Reconstruction {
    /// Bytes of a row of the small buffers.
    private static let stride = 32
    /// Where a block begins in its buffer: a row above, and room to the left.
    private static let origin = stride + 8
    private static let bufferSize = origin + 16 * stride

    private let macroblocksAcross: Int
    /// The last rows of the macroblocks above, for luma and the chroma planes.
    private var lumaAbove: [UInt8]
    private var chromaAbove: [[UInt8]]
    private var buffers: [[UInt8]]

    init(macroblocksAcross: Int) {
        self.macroblocksAcross = macroblocksAcross
        lumaAbove = [UInt8](repeating: 127, count: 16 * macroblocksAcross)
        chromaAbove = [[UInt8]](repeating: [UInt8](repeating: 127, count: 8 * macroblocksAcross), count: 2)
        buffers = [[UInt8]](repeating: [UInt8](repeating: 0, count: VP8Reconstruction.bufferSize), count: 3)
    }

    /// Rebuilds one macroblock. They have to come row by row.
    /// - Parameters:
    ///   - coefficients: 24 blocks of 16.
    ///   - ends: how far the coefficients of each block go, 0 for none.
    mutating func rebuild(
        _ macroblock: VP8Macroblock, column: Int, row: Int, _ coefficients: UnsafePointer<Int16>,
        ends: UnsafePointer<UInt8>, into planes: inout VP8Planes
    ) {
        let stride = VP8Reconstruction.stride
        let predictor = VP8Predictor(stride: stride)
        let isLastColumn = column == macroblocksAcross - 1

        buffers[0].withUnsafeMutableBufferPointer { buffer in
            let block = buffer.baseAddress! + VP8Reconstruction.origin
            lumaAbove.withUnsafeMutableBufferPointer { above in
                VP8Reconstruction.surround(block, size: 16, above, column: column, row: row)
                if macroblock.hasSubblocks {
                    // The pixels above and to the right of the macroblock serve all four rows of subblocks.
                    let edge = block - stride + 16
                    if row > 0 {
                        let next = above.baseAddress! + 16 * column + 16
                        for x in 0..<4 { edge[x] = isLastColumn ? next[-1] : next[x] }
                    } else {
                        for x in 0..<4 { edge[x] = 127 }
                    }
                    for y in 1..<4 { (edge + 4 * y * stride).update(from: edge, count: 4) }
                    for index in 0..<16 {
                        let subblock = block + 4 * (index / 4) * stride + 4 * (index % 4)
                        let mode = VP8Mode(rawValue: macroblock.subblocks[index]) ?? .dc
                        predictor.predictSubblock(mode, subblock)
                        VP8Reconstruction.addResidual(coefficients + 16 * index, end: ends[index], to: subblock)
                    }
                } else {
                    predictor.predict(macroblock.luma, block, size: 16, hasAbove: row > 0, hasLeft: column > 0)
                    for index in 0..<16 {
                        let subblock = block + 4 * (index / 4) * stride + 4 * (index % 4)
                        VP8Reconstruction.addResidual(coefficients + 16 * index, end: ends[index], to: subblock)
                    }
                }
                (above.baseAddress! + 16 * column).update(from: block + 15 * stride, count: 16)
            }
            let planeStride = planes.lumaStride
            planes.luma.withUnsafeMutableBufferPointer { plane in
                let target = plane.baseAddress! + 16 * row * planeStride + 16 * column
                for y in 0..<16 { (target + y * planeStride).update(from: block + y * stride, count: 16) }
            }
        }
        for channel in 0..<2 {
            buffers[1 + channel].withUnsafeMutableBufferPointer { buffer in
                let block = buffer.baseAddress! + VP8Reconstruction.origin
                chromaAbove[channel].withUnsafeMutableBufferPointer { above in
                    VP8Reconstruction.surround(block, size: 8, above, column: column, row: row)
                    predictor.predict(macroblock.chroma, block, size: 8, hasAbove: row > 0, hasLeft: column > 0)
                    for index in 0..<4 {
                        let subblock = block + 4 * (index / 2) * stride + 4 * (index % 2)
                        let place = 16 + 4 * channel + index
                        VP8Reconstruction.addResidual(coefficients + 16 * place, end: ends[place], to: subblock)
                    }
                    (above.baseAddress! + 8 * column).update(from: block + 7 * stride, count: 8)
                }
                let planeStride = planes.chromaStride
                planes.chroma[channel].withUnsafeMutableBufferPointer { plane in
                    let target = plane.baseAddress! + 8 * row * planeStride + 8 * column
                    for y in 0..<8 { (target + y * planeStride).update(from: block + y * stride, count: 8) }
                }
            }
        }
    }

    /// Lays the pixels above and to the left around a block. The buffer still holds the macroblock to the left.
    private static func surround(
        _ block: UnsafeMutablePointer<UInt8>, size: Int, _ above: UnsafeMutableBufferPointer<UInt8>, column: Int,
        row: Int
    ) {
        let top = block - stride
        if column > 0 {
            top[-1] = top[size - 1]
            for y in 0..<size { block[y * stride - 1] = block[y * stride + size - 1] }
        } else {
            top[-1] = row > 0 ? 129 : 127
            for y in 0..<size { block[y * stride - 1] = 129 }
        }
        if row > 0 {
            top.update(from: above.baseAddress! + size * column, count: size)
        } else {
            top.update(repeating: 127, count: size)
        }
    }

    @inline(__always)
    private static func addResidual(_ input: UnsafePointer<Int16>, end: UInt8, to block: UnsafeMutablePointer<UInt8>) {
        if end > 1 {
            VP8InverseTransform.add(input, to: block, stride: stride)
        } else if end == 1 {
            VP8InverseTransform.addMean(input[0], to: block, stride: stride)
        }
    }
}
