/// A row of a component that grows to the picture's size.
@usableFromInline package struct UpsampledRow {
    /// A margin of sixteen samples before and behind may be read, and written before `near` is used.
    @usableFromInline package var near: UnsafeMutablePointer<UInt8>
    /// The row above or below, where the height grows.
    @usableFromInline package var far: UnsafePointer<UInt8>
    /// What is added before a quarter is taken, where the height alone grows.
    @usableFromInline package var bias: Int16
    /// Samples of `near`.
    @usableFromInline package var width: Int
    /// Room for sums down a column, with a margin of sixteen on either side, where both grow.
    @usableFromInline package var sums: UnsafeMutablePointer<Int16>
    /// Room for fifteen samples more.
    @usableFromInline package var output: UnsafeMutablePointer<UInt8>

    @inlinable
    package init(
        near: UnsafeMutablePointer<UInt8>, far: UnsafePointer<UInt8>, bias: Int16, width: Int,
        sums: UnsafeMutablePointer<Int16>, output: UnsafeMutablePointer<UInt8>
    ) {
        self.near = near
        self.far = far
        self.bias = bias
        self.width = width
        self.sums = sums
        self.output = output
    }
}

// Triangle filters in the reference decoder's arithmetic ("fancy upsampling"). With the ends of a row repeated, the
// inner formula gives what its outermost samples are defined to be.
extension PictureUnit {
    @inlinable @inline(__always)
    package static func doubleWidth(_ row: UpsampledRow) {
        let near = row.near
        near[-1] = near[0]
        near[row.width] = near[row.width - 1]
        for x in stride(from: 0, to: row.width, by: 16) {
            let triple = widened(load(near + x)) &* 3
            let left = (triple &+ widened(load(near + x - 1)) &+ 1) &>> 2
            let right = (triple &+ widened(load(near + x + 1)) &+ 2) &>> 2
            storeAlternating(left, right, row.output + 2 * x)
        }
    }

    /// Three quarters of one row and a quarter of another.
    @inlinable @inline(__always)
    package static func doubleHeight(_ row: UpsampledRow) {
        for x in stride(from: 0, to: row.width, by: 16) {
            let sum = widened(load(row.near + x)) &* 3 &+ widened(load(row.far + x)) &+ row.bias
            UnsafeMutableRawPointer(row.output + x).storeBytes(of: clampedBytes(sum &>> 2), as: SIMD16<UInt8>.self)
        }
    }

    @inlinable @inline(__always)
    package static func doubleBoth(_ row: UpsampledRow) {
        let sums = row.sums + 16
        for x in stride(from: 0, to: row.width, by: 16) {
            let sum = widened(load(row.near + x)) &* 3 &+ widened(load(row.far + x))
            UnsafeMutableRawPointer(sums + x).storeBytes(of: sum, as: SIMD16<Int16>.self)
        }
        sums[-1] = sums[0]
        sums[row.width] = sums[row.width - 1]
        for x in stride(from: 0, to: row.width, by: 16) {
            let triple = loadSums(sums + x) &* 3
            let left = (triple &+ loadSums(sums + x - 1) &+ 8) &>> 4
            let right = (triple &+ loadSums(sums + x + 1) &+ 7) &>> 4
            storeAlternating(left, right, row.output + 2 * x)
        }
    }

    @inlinable @inline(__always)
    static func loadSums(_ sums: UnsafePointer<Int16>) -> SIMD16<Int16> {
        UnsafeRawPointer(sums).loadUnaligned(as: SIMD16<Int16>.self)
    }

    /// Stores 32 samples, those of both vectors in turn.
    @inlinable @inline(__always)
    static func storeAlternating(
        _ even: SIMD16<Int16>, _ odd: SIMD16<Int16>, _ output: UnsafeMutablePointer<UInt8>
    ) {
        UnsafeMutableRawPointer(output).storeBytes(of: (even | odd &<< 8), as: SIMD16<Int16>.self)
    }
}
