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
        let groups = (job.columns + 3) / 4
        let wordCount = groups * steps
        // A vector of levels may reach past the last group.
        withUnsafeTemporaryAllocation(byteCount: 4 * wordCount + 256, alignment: 64) { scratch in
            let linear = scratch.baseAddress!
            for row in 0..<job.rows {
                let input = job.input + row * job.inputStride
                job.scales[row] = quantise(input, columns: job.columns, steps: steps, into: linear, store: store)
                let words = linear.assumingMemoryBound(to: Int32.self)
                let target = job.words + row
                for index in 0..<wordCount { target[index * job.rows] = words[index] }
            }
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
        let (low, high) = (lowest.min(), highest.max())
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
