/// The inverse transforms of VP8 (RFC 6386, section 14), exact to the bit.
enum VP8InverseTransform {
    /// Undoes the Walsh-Hadamard transform of the sixteen luma means.
    /// - Parameter output: sixteen blocks; each gets its first coefficient.
    static func spreadMeans(_ input: UnsafePointer<Int16>, to output: UnsafeMutablePointer<Int16>) {
        @inline(__always) func row(_ index: Int) -> SIMD4<Int32> {
            SIMD4(Int32(input[index]), Int32(input[index + 1]), Int32(input[index + 2]), Int32(input[index + 3]))
        }
        @inline(__always) func butterfly(_ v: (SIMD4<Int32>, SIMD4<Int32>, SIMD4<Int32>, SIMD4<Int32>)) -> (
            SIMD4<Int32>, SIMD4<Int32>, SIMD4<Int32>, SIMD4<Int32>
        ) {
            let (a, b, c, d) = (v.0 &+ v.3, v.1 &+ v.2, v.1 &- v.2, v.0 &- v.3)
            return (a &+ b, d &+ c, a &- b, d &- c)
        }
        let columns = transposed(butterfly((row(0), row(4), row(8), row(12))))
        let rounding = SIMD4<Int32>(repeating: 3)
        let result = butterfly((columns.0 &+ rounding, columns.1, columns.2, columns.3))
        for (column, values) in [result.0, result.1, result.2, result.3].enumerated() {
            for row in 0..<4 { output[16 * (4 * row + column)] = Int16(truncatingIfNeeded: values[row] >> 3) }
        }
    }

    @inline(__always)
    private static func transposed(_ v: (SIMD4<Int32>, SIMD4<Int32>, SIMD4<Int32>, SIMD4<Int32>)) -> (
        SIMD4<Int32>, SIMD4<Int32>, SIMD4<Int32>, SIMD4<Int32>
    ) {
        (
            SIMD4(v.0[0], v.1[0], v.2[0], v.3[0]), SIMD4(v.0[1], v.1[1], v.2[1], v.3[1]),
            SIMD4(v.0[2], v.1[2], v.2[2], v.3[2]), SIMD4(v.0[3], v.1[3], v.2[3], v.3[3])
        )
    }

    /// Adds a block's inverse cosine transform to its prediction.
    static func add(
        _ input: UnsafePointer<Int16>, to target: UnsafeMutablePointer<UInt8>, stride: Int
    ) {
        // Products with sqrt(2) cos(pi/8) and sqrt(2) sin(pi/8), 16 fractional bits.
        @inline(__always) func timesCosine(_ v: Int32) -> Int32 { (v &* 20091) &>> 16 &+ v }
        @inline(__always) func timesSine(_ v: Int32) -> Int32 { (v &* 35468) &>> 16 }
        @inline(__always) func butterfly(_ v0: Int32, _ v1: Int32, _ v2: Int32, _ v3: Int32) -> (
            Int32, Int32, Int32, Int32
        ) {
            let (a, b) = (v0 &+ v2, v0 &- v2)
            let c = timesSine(v1) &- timesCosine(v3)
            let d = timesCosine(v1) &+ timesSine(v3)
            return (a &+ d, b &+ c, b &- c, a &- d)
        }
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: 16) { columns in
            for x in 0..<4 {
                let v = butterfly(
                    Int32(input[x]), Int32(input[4 &+ x]), Int32(input[8 &+ x]), Int32(input[12 &+ x]))
                columns[x] = v.0
                columns[4 &+ x] = v.1
                columns[8 &+ x] = v.2
                columns[12 &+ x] = v.3
            }
            for y in 0..<4 {
                let row = 4 &* y
                let v = butterfly(columns[row] &+ 4, columns[row &+ 1], columns[row &+ 2], columns[row &+ 3])
                let pixels = target + y &* stride
                pixels[0] = clamped(Int32(pixels[0]) &+ v.0 &>> 3)
                pixels[1] = clamped(Int32(pixels[1]) &+ v.1 &>> 3)
                pixels[2] = clamped(Int32(pixels[2]) &+ v.2 &>> 3)
                pixels[3] = clamped(Int32(pixels[3]) &+ v.3 &>> 3)
            }
        }
    }

    /// The same where only the first coefficient is not zero.
    static func addMean(_ mean: Int16, to target: UnsafeMutablePointer<UInt8>, stride: Int) {
        let change = (Int32(mean) &+ 4) &>> 3
        for y in 0..<4 {
            for x in 0..<4 {
                let at = y &* stride &+ x
                target[at] = clamped(Int32(target[at]) &+ change)
            }
        }
    }

    @inline(__always)
    private static func clamped(_ value: Int32) -> UInt8 { UInt8(truncatingIfNeeded: max(0, min(255, value))) }
}
