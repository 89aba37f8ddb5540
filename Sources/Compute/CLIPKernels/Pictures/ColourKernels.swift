/// A row of three components that becomes pixels.
@usableFromInline package struct ColourRow {
    /// Rows of samples, of which fifteen behind the last may be read.
    @usableFromInline package var first: UnsafePointer<UInt8>
    @usableFromInline package var second: UnsafePointer<UInt8>
    @usableFromInline package var third: UnsafePointer<UInt8>
    @usableFromInline package var width: Int
    /// `[width, 3]`.
    @usableFromInline package var output: UnsafeMutablePointer<UInt8>

    @inlinable
    package init(
        _ first: UnsafePointer<UInt8>, _ second: UnsafePointer<UInt8>, _ third: UnsafePointer<UInt8>, width: Int,
        output: UnsafeMutablePointer<UInt8>
    ) {
        self.first = first
        self.second = second
        self.third = third
        self.width = width
        self.output = output
    }
}

extension PictureUnit {
    @inlinable @inline(__always)
    package static func interleave(_ row: ColourRow) {
        storeRow(row) { (load(row.first + $0), load(row.second + $0), load(row.third + $0)) }
    }

    /// ITU-R BT.601 over the full range, with 16 fractional bits (JFIF 1.02).
    @inlinable @inline(__always)
    package static func convertYCbCr(_ row: ColourRow) {
        // A vector, once: subtracting a number takes the compiler lane by lane.
        let middle = SIMD16<Int16>(repeating: 128)
        storeRow(row) { x in
            let y = widened(load(row.first + x))
            let cb = widened(load(row.second + x)) &- middle
            let cr = widened(load(row.third + x)) &- middle
            // Factors are split so that what is multiplied fits 16 bits: 1.402 = 1 + 26345/65536,
            // 1.772 = 2 - 14942/65536, 0.714 = 1 - 18734/65536.
            let red = y &+ cr &+ roundedProduct(cr, 26345)
            let green = y &- cr &+ roundedSum(cb, -22554, cr, 18734)
            let blue = y &+ cb &+ cb &+ roundedProduct(cb, -14942)
            return (clampedBytes(red), clampedBytes(green), clampedBytes(blue))
        }
    }

    /// `(a * factor + 32768) >> 16`.
    @inlinable @inline(__always)
    static func roundedProduct(_ a: SIMD16<Int16>, _ factor: Int16) -> SIMD16<Int16> {
        (highProduct(a &+ a, factor) &+ 1) &>> 1
    }

    /// - Parameter pixels: red, green and blue of the sixteen pixels from the given one on.
    @inlinable @inline(__always)
    static func storeRow(
        _ row: ColourRow, _ pixels: (Int) -> (red: SIMD16<UInt8>, green: SIMD16<UInt8>, blue: SIMD16<UInt8>)
    ) {
        let whole = row.width & ~15
        for x in stride(from: 0, to: whole, by: 16) {
            let sixteen = pixels(x)
            storePixels(red: sixteen.red, green: sixteen.green, blue: sixteen.blue, row.output + 3 * x)
        }
        guard whole < row.width else { return }
        let rest = pixels(whole)
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 48) { all in
            storePixels(red: rest.red, green: rest.green, blue: rest.blue, all.baseAddress!)
            (row.output + 3 * whole).update(from: all.baseAddress!, count: 3 * (row.width - whole))
        }
    }
}
