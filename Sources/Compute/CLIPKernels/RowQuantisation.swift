/// How a row of activations was quantised: x ≈ scale · (level − zero), levels 0…255.
@frozen @usableFromInline package struct RowScale: BitwiseCopyable, Sendable {
    @usableFromInline package var scale: Float
    @usableFromInline package var zero: Int32

    @inlinable
    package init(scale: Float, zero: Int32) {
        self.scale = scale
        self.zero = zero
    }
}

/// Rows of a tile to quantise, each by itself: a row's levels are the same whatever rows it is computed with.
@usableFromInline package struct RowQuantisation {
    /// Floats, rows `inputStride` apart.
    @usableFromInline package var input: UnsafePointer<Float>
    @usableFromInline package var inputStride: Int
    @usableFromInline package var rows: Int
    @usableFromInline package var columns: Int
    /// Words of levels, `[groups · steps][rows]`, the order in which a tile reads them.
    @usableFromInline package var words: UnsafeMutablePointer<Int32>
    /// One per row.
    @usableFromInline package var scales: UnsafeMutablePointer<RowScale>

    @inlinable
    package init(
        input: UnsafePointer<Float>, inputStride: Int, rows: Int, columns: Int, words: UnsafeMutablePointer<Int32>,
        scales: UnsafeMutablePointer<RowScale>
    ) {
        self.input = input
        self.inputStride = inputStride
        self.rows = rows
        self.columns = columns
        self.words = words
        self.scales = scales
    }
}

/// What quantised layers need besides: whole numbers become floats.
@usableFromInline package protocol QuantisingUnit: VectorUnit {
    static func floats(_ integers: Integers) -> Vector
}

extension QuantisingUnit {
    /// Quantises rows over the range of their numbers, zero included.
    ///
    /// - Parameters:
    ///   - steps: the words of a group of four.
    ///   - store: writes a vector of levels as words.
    @inlinable @inline(__always)
    package static func quantise(
        _ job: RowQuantisation, steps: Int, store: (Integers, UnsafeMutableRawPointer) -> Void
    ) {
        let wordCount = (job.columns + 3) / 4 * steps
        // A vector of levels may reach past the last group.
        let stride = (wordCount + 3) / 4 * 4 + 64
        withUnsafeTemporaryAllocation(byteCount: 4 * job.rows * stride, alignment: 64) { scratch in
            let levels = scratch.baseAddress!.assumingMemoryBound(to: Int32.self)
            for row in 0..<job.rows {
                job.scales[row] = quantise(
                    job.input + row * job.inputStride, columns: job.columns, steps: steps,
                    into: UnsafeMutableRawPointer(levels + row * stride), store: store)
            }
            transpose(levels, rows: job.rows, columns: wordCount, stride: stride, into: job.words)
        }
    }

    /// Writes the columns of `[rows, columns]`, rows `stride` words apart, one behind the other.
    @inlinable @inline(__always)
    package static func transpose(
        _ source: UnsafePointer<Int32>, rows: Int, columns: Int, stride: Int, into target: UnsafeMutablePointer<Int32>
    ) {
        let whole = rows < 4 ? 0 : columns / 4 * 4
        @inline(__always) func words(_ row: Int, _ column: Int) -> SIMD4<Int32> {
            UnsafeRawPointer(source + (row * stride + column)).loadUnaligned(as: SIMD4<Int32>.self)
        }
        @inline(__always) func write(_ words: SIMD4<Int32>, _ row: Int, _ column: Int) {
            UnsafeMutableRawPointer(target + (column * rows + row)).storeBytes(of: words, as: SIMD4<Int32>.self)
        }
        for block in 0..<(whole > 0 ? (rows + 3) / 4 : 0) {
            // The last four rows may be in part those before.
            let row = min(4 * block, rows - 4)
            for column in Swift.stride(from: 0, to: whole, by: 4) {
                let columns = transposed(
                    words(row, column), words(row + 1, column), words(row + 2, column), words(row + 3, column))
                write(columns.0, row, column)
                write(columns.1, row, column + 1)
                write(columns.2, row, column + 2)
                write(columns.3, row, column + 3)
            }
        }
        for row in 0..<rows {
            for column in whole..<columns { target[column * rows + row] = source[row * stride + column] }
        }
    }

    @inlinable @inline(__always)
    package static func quantise(
        _ input: UnsafePointer<Float>, columns: Int, steps: Int, into target: UnsafeMutableRawPointer,
        store: (Integers, UnsafeMutableRawPointer) -> Void
    ) -> RowScale {
        let whole = columns / width * width
        var (lowest, highest) = (Vector(repeating: 0), Vector(repeating: 0))
        for column in stride(from: 0, to: whole, by: width) {
            let values = load(input + column)
            lowest = minimum(values, lowest)
            highest = maximum(values, highest)
        }
        if whole < columns {
            let values = load(input + whole, count: columns - whole)
            lowest = minimum(values, lowest)
            highest = maximum(values, highest)
        }
        let (low, high) = (smallest(lowest), -smallest(-highest))
        let range = high - low
        // A range beyond what can be divided by counts as none, an infinite one as its scale.
        let isDivisible = range > 1e-30 && range < .infinity
        let factor = isDivisible ? 255 / range : 0
        // Adding 1.5 · 2²³ rounds to a whole number, ties to even, which then stands in the low bits. Product and sum
        // are rounded apart, so that every instruction set finds the same levels.
        let magic: Float = 0x1.8p23
        let zero = isDivisible ? -low * factor + magic - magic : 0
        let levelZero = Integers(repeating: Int32(truncatingIfNeeded: magic.bitPattern) &- Int32(zero))
        let ceiling = Vector(repeating: 255 - zero)
        let factors = Vector(repeating: factor)
        @inline(__always) func levels(_ values: Vector) -> Integers {
            let rounded = minimum(values * factors, ceiling) + Vector(repeating: magic)
            return unsafeBitCast(rounded, to: Integers.self) &- levelZero
        }
        let vectorBytes = width * steps
        for column in stride(from: 0, to: whole, by: width) {
            store(levels(load(input + column)), target + column / width * vectorBytes)
        }
        if whole < columns {
            store(levels(load(input + whole, count: columns - whole)), target + whole / width * vectorBytes)
        }
        return RowScale(scale: range / 255, zero: Int32(zero))
    }

    /// The smallest lane.
    @inlinable @inline(__always)
    package static func smallest(_ vector: Vector) -> Float {
        withUnsafeBytes(of: vector) { lanes in
            var least = lanes.load(as: SIMD4<Float>.self)
            for quarter in 1..<max(width / 4, 1) {
                let other = lanes.load(fromByteOffset: 16 * quarter, as: SIMD4<Float>.self)
                least.replace(with: other, where: other .< least)
            }
            let pair = least.lowHalf.replacing(with: least.highHalf, where: least.highHalf .< least.lowHalf)
            return pair[1] < pair[0] ? pair[1] : pair[0]
        }
    }

    /// Stores levels as `PairProducts` reads them: of each group of four first and third, then second and fourth, as
    /// 16-bit numbers.
    @inlinable @inline(__always)
    package static func storePairs(_ levels: Integers, _ target: UnsafeMutableRawPointer) {
        withUnsafeBytes(of: levels) { levels in
            let pairs = levels.baseAddress!
            for group in 0..<width / 4 {
                let first = pairs.load(fromByteOffset: 16 * group, as: UInt64.self)
                let second = pairs.load(fromByteOffset: 16 * group + 8, as: UInt64.self)
                target.storeBytes(of: first | second << 16, toByteOffset: 8 * group, as: UInt64.self)
            }
        }
    }
}
