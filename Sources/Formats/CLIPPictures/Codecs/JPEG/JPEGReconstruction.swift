/// Turns coefficients into samples.
struct JPEGReconstruction {
    private let frame: JPEGFrame
    /// One for each component; nil where no scan was.
    private let quantisation: [JPEGStorage<Int16>?]
    /// Only for pictures whose coefficients are all at hand.
    private let smoothing: JPEGBlockSmoothing?

    init(_ frame: JPEGFrame, _ quantisation: [JPEGStorage<Int16>?], smoothing: JPEGBlockSmoothing? = nil) {
        self.frame = frame
        self.quantisation = quantisation
        self.smoothing = smoothing
    }

    /// Transforms an MCU row.
    /// - Parameters:
    ///   - coefficients: one for each component.
    ///   - top: at which MCU row of `coefficients` it is.
    func transform(_ coefficients: [JPEGCoefficients], top: Int, into windows: [JPEGSampleWindow]) {
        for (index, component) in frame.components.enumerated() {
            // A component without a scan stays at the middle level that the window begins with.
            guard let factors = quantisation[index] else { continue }
            let (plane, window) = (coefficients[index].plane, windows[index])
            if let smoothing {
                smoothing.transform(component: index, plane, mcuRow: top, quantisation: factors.base, into: window)
                continue
            }
            for row in 0..<component.layout.vertical {
                let first = (top * component.layout.vertical + row) * plane.blocksPerRow
                for column in 0..<component.blocksPerRow {
                    JPEGInverseDCT.transform(
                        plane.block(first + column), extent: plane.set(first + column).pointee.extent,
                        quantisation: factors.base, size: component.blockSize,
                        into: window.block(row: row, column: column), stride: window.stride)
                }
            }
        }
    }
}

/// How much the scans of a progressive picture have told of its first coefficients.
struct JPEGProgress {
    /// Coefficients that are kept account of, in zigzag order.
    static let coefficientCount = 10
    static let unknown = -1

    /// For each component the bit down to which its coefficients are known, 0 for exactly.
    private var bits: [[Int]]
    /// The same before the last scan that has the component.
    private var bitsBefore: [[Int]]
    private var scanCount = 0
    /// The last MCU row for which the last scan had data.
    var lastRow = 0

    init(componentCount: Int) {
        bits = Array(repeating: Array(repeating: Self.unknown, count: Self.coefficientCount), count: componentCount)
        bitsBefore = bits
    }

    /// To be called before a progressive scan is read.
    mutating func begin(_ header: JPEGScanHeader) {
        scanCount += 1
        for member in header.members {
            for index in min(header.spectralStart, 1)..<Self.coefficientCount {
                bitsBefore[member.component][index] = scanCount > 1 ? bits[member.component][index] : 0
            }
            for index in header.spectralStart...header.spectralEnd where index < Self.coefficientCount {
                bits[member.component][index] = header.approximationLow
            }
        }
    }

    /// Of every component at least the beginnings of DC are known, and of some not all of AC.
    var isIncomplete: Bool {
        bits.allSatisfy { $0[0] != Self.unknown } && bits.contains { $0.dropFirst().contains { $0 != 0 } }
    }

    /// What is known of a component's coefficients in an MCU row.
    func bits(component: Int, mcuRow: Int) -> [Int] {
        if mcuRow <= lastRow { return bits[component] }
        return scanCount > 1
            ? bitsBefore[component] : Array(repeating: Self.unknown, count: Self.coefficientCount)
    }
}

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
        component index: Int, _ plane: JPEGCoefficients.Plane, mcuRow: Int, quantisation: UnsafePointer<Int16>,
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
    private func means(_ plane: JPEGCoefficients.Plane, rows: [Int], column: Int, columns: Int) -> Window {
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
