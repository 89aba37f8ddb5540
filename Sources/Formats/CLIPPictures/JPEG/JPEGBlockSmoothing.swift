/// Estimates the first coefficients of blocks of which only the mean is known from the means around: what scans that are
/// still to come would tell. In the arithmetic of the reference decoder, which smooths incomplete progressive pictures
/// unless it is told not to (after T.81, K.8, with five by five blocks).
struct JPEGBlockSmoothing {
    private let frame: JPEGFrame
    private let progress: JPEGProgress
    /// For each component the factors of the estimated coefficients, in zigzag order.
    private let factors: [[Int]]

    /// - Parameter quantisation: one for each component.
    /// - Returns: nil for pictures that are complete, and those that the reference decoder leaves as they are.
    init?(_ frame: JPEGFrame, _ progress: JPEGProgress, _ quantisation: [JPEGStorage<Int16>?]) {
        guard frame.isProgressive, progress.isIncomplete else { return nil }
        var factors: [[Int]] = []
        for table in quantisation {
            guard let table else { return nil }
            let first = JPEGZigzag.order.prefix(JPEGProgress.coefficientCount).map {
                Int(UInt16(bitPattern: table.base[Int($0)]))
            }
            guard !first.contains(0) else { return nil }
            factors.append(first)
        }
        self.frame = frame
        self.progress = progress
        self.factors = factors
    }

    /// Transforms a component's blocks of an MCU row, smoothed.
    func transform(
        component index: Int, _ plane: JPEGCoefficients, mcuRow: Int, quantisation: UnsafePointer<Int16>,
        into window: JPEGSampleWindow
    ) {
        let component = frame.components[index]
        let bits = progress.bits(component: index, mcuRow: mcuRow)
        let isFlat = bits.dropFirst().allSatisfy { $0 == JPEGProgress.unknown }
        let vertical = component.layout.vertical
        let rows = min(vertical, component.blockRows - mcuRow * vertical)
        let block = JPEGStorage<Int16>(repeating: 0, count: 64)
        for row in 0..<rows {
            let own = mcuRow * vertical + row
            // The reference decoder counts rows as if every MCU row had as many as this one.
            let (place, end) = (mcuRow * rows + row, frame.mcuRows * rows)
            let above = place > 0 ? own - 1 : own
            let below = place < end - 1 ? own + 1 : own
            let sources = [place > 1 ? own - 2 : above, above, own, below, place < end - 2 ? own + 2 : below]
            for column in 0..<component.blocksPerRow {
                let source = own * plane.blocksPerRow + column
                block.base.update(from: plane.block(source), count: 64)
                var set = plane.set(source).pointee
                let means = means(plane, rows: sources, column: column, columns: component.blocksPerRow)
                estimate(block.base, &set, means, bits, isFlat: isFlat, factors[index])
                JPEGInverseDCT.transform(
                    block.base, extent: set.extent, quantisation: quantisation, size: component.blockSize,
                    into: window.block(row: row, column: column), stride: window.stride)
            }
        }
    }

    /// `[5, 5]`, then zeros: around a block.
    private typealias Window = SIMD32<Int32>

    /// The DC coefficients around a block; beyond the picture's edges the outermost.
    private func means(_ plane: JPEGCoefficients, rows: [Int], column: Int, columns: Int) -> Window {
        var means = Window.zero
        for (y, row) in rows.enumerated() {
            for x in 0..<5 {
                let source = row * plane.blocksPerRow + min(max(column + x - 2, 0), columns - 1)
                means[5 * y + x] = Int32(plane.block(source)[0])
            }
        }
        return means
    }

    /// - Parameters:
    ///   - bits: down to which the first coefficients are known.
    ///   - isFlat: whether nothing is known of AC. Then more coefficients are estimated, from more blocks, and DC as well.
    private func estimate(
        _ block: UnsafeMutablePointer<Int16>, _ set: inout JPEGCoefficientSet, _ means: Window, _ bits: [Int],
        isFlat: Bool, _ factors: [Int]
    ) {
        for (index, kernel) in (isFlat ? Self.flatKernels : Self.kernels).enumerated() {
            let place = Int(JPEGZigzag.order[index])
            guard let kernel, index == 0 || bits[index] != 0 && block[place] == 0 else { continue }
            let product = factors[0] * Int((kernel &* means).wrappedSum())
            var magnitude = (factors[index] * 128 + abs(product)) / (factors[index] * 256)
            // A larger one would have shown in the bits that are known.
            if index > 0, bits[index] > 0 { magnitude = min(magnitude, 1 << bits[index] - 1) }
            block[place] = Int16(truncatingIfNeeded: product < 0 ? -magnitude : magnitude)
            set.bits |= 1 << UInt64(index)
        }
    }

    /// Weights of the means around, in 256ths, by coefficient in zigzag order; nil where there is no estimate.
    private static let kernels: [Window?] = {
        let first = kernel([0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [-7, 50, 0, -50, 7])
        let second = kernel([0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [-1, 13, -24, 13, -1])
        let diagonal = kernel([0, -1, 0, 1, 0], [-1, 10, 0, -10, 1], [0, 0, 0, 0, 0], isOdd: true)
        return [nil, first, turned(first), turned(second), diagonal, second]
    }()

    private static let flatKernels: [Window?] = {
        let mean = kernel([-2, -6, -8, -6, -2], [-6, 6, 42, 6, -6], [-8, 42, 152, 42, -8])
        let first = kernel([-1, -1, 0, 1, 1], [-3, 13, 0, -13, 3], [-3, 38, 0, -38, 3])
        let second = kernel([0, 0, 0, 0, 0], [0, 2, -5, 2, 0], [1, 7, -14, 7, 1])
        let diagonal = kernel([-1, 0, 0, 0, 1], [0, 9, 0, -9, 0], [0, 0, 0, 0, 0], isOdd: true)
        let third = kernel([0, 0, 0, 0, 0], [0, 1, 0, -1, 0], [0, 2, 0, -2, 0])
        let mixed = kernel([0, 0, 0, 0, 0], [0, 1, -3, 1, 0], [0, 0, 0, 0, 0], isOdd: true)
        return [
            mean, first, turned(first), turned(second), diagonal, second, third, mixed, turned(mixed), turned(third),
        ]
    }()

    /// A kernel of these rows and, below them, the outer two mirrored, negative if it is odd.
    private static func kernel(_ outer: [Int32], _ inner: [Int32], _ middle: [Int32], isOdd: Bool = false) -> Window {
        let sign: Int32 = isOdd ? -1 : 1
        let rows = [outer, inner, middle, inner.map { sign * $0 }, outer.map { sign * $0 }]
        return Window(rows.joined() + Array(repeating: 0, count: 7))
    }

    /// The kernel of the coefficient whose row and column are exchanged.
    private static func turned(_ kernel: Window) -> Window {
        var turned = Window.zero
        for y in 0..<5 {
            for x in 0..<5 { turned[5 * x + y] = kernel[5 * y + x] }
        }
        return turned
    }
}
