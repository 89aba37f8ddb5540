import Testing

@testable import CLIPSystem

// Intel Macs have no Float16 to compare with.
#if !(canImport(Darwin) && arch(x86_64))
@Suite struct HalfPrecisionTests {
    @Test func `Every half-precision number is read exactly, and written back`() {
        let wrong = (0...UInt16.max).filter { bits in
            let value = Float(halfBits: bits)
            if Float16(bitPattern: bits).isNaN { return !value.isNaN || !Float16(bitPattern: value.halfBits).isNaN }
            return value != Float(Float16(bitPattern: bits)) || value.halfBits != bits
        }
        #expect(wrong.isEmpty)
    }

    /// Between two neighbours: the middle, what is next to it, and what is beyond the largest.
    @Test func `Other numbers go to the nearest, ties to even`() {
        let wrong = (0..<UInt16(0x7C00)).flatMap { bits -> [Float] in
            let (low, high) = (Float(halfBits: bits), bits == 0x7BFF ? 65536 : Float(halfBits: bits + 1))
            let middle = low + (high - low) / 2
            return [middle.nextDown, middle, middle.nextUp, low.nextUp, high.nextDown].flatMap { [$0, -$0] }
                .filter { $0.halfBits != Float16($0).bitPattern }
        }
        #expect(wrong.isEmpty)
        for value: Float in [1e-30, .leastNonzeroMagnitude, 65520, 1e38, .infinity, -.infinity, 0, -0.0] {
            #expect(value.halfBits == Float16(value).bitPattern)
        }
    }
}
#endif
