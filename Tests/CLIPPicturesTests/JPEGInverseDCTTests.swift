import Testing

@testable import CLIPPictures

@Suite struct JPEGInverseDCTTests {
    /// The transform as its definition (T.81, A.3.3), in double precision.
    private func reference(_ coefficients: [Int16]) -> [Double] {
        var samples = [Double](repeating: 0, count: 64)
        for y in 0..<8 {
            for x in 0..<8 {
                var sum = 0.0
                for v in 0..<8 {
                    for u in 0..<8 {
                        let scale = (u == 0 ? 0.5.squareRoot() : 1) * (v == 0 ? 0.5.squareRoot() : 1)
                        sum += scale * Double(coefficients[8 * v + u]) * cosine(2 * x + 1, u) * cosine(2 * y + 1, v)
                    }
                }
                samples[8 * y + x] = min(max(sum / 4 + 128, 0), 255)
            }
        }
        return samples
    }

    /// cos(odd · order · π / 16) by the recurrence of Chebyshev's polynomials.
    private func cosine(_ odd: Int, _ order: Int) -> Double {
        let base = [
            0.980785280403230449, 0.831469612302545237, 0.555570233019602225, 0.195090322016128268,
            -0.195090322016128268, -0.555570233019602225, -0.831469612302545237, -0.980785280403230449,
        ][odd / 2]
        var (previous, current) = (1.0, base)
        if order == 0 { return 1 }
        for _ in 1..<order { (previous, current) = (current, 2 * base * current - previous) }
        return current
    }

    private func transform(_ coefficients: [Int16], _ extent: JPEGBlockExtent, factor: Int16 = 1) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: 64)
        output.withUnsafeMutableBufferPointer { output in
            JPEGInverseDCT.transform(
                coefficients, extent: extent, quantisation: [Int16](repeating: factor, count: 64),
                size: 8, into: output.baseAddress!, stride: 8)
        }
        return output
    }

    private func noise(seed: Int, amplitude: Int, within extent: JPEGBlockExtent) -> [Int16] {
        var state = UInt64(seed)
        return (0..<64).map { index in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            guard index & ~extent.indices == 0 else { return 0 }
            return Int16(Int(state >> 33) % (2 * amplitude + 1) - amplitude)
        }
    }

    @Test func `Samples are within one of the definition`() {
        for extent in [JPEGBlockExtent.dcOnly, .firstRow, .quadrant, .whole] {
            for seed in 1...60 {
                let coefficients = noise(seed: seed, amplitude: seed * 3, within: extent)
                for (sample, expected) in zip(transform(coefficients, extent), reference(coefficients)) {
                    #expect(abs(Double(sample) - expected) <= 1)
                }
            }
        }
    }

    @Test func `Leaving out zeros changes nothing`() {
        for extent in [JPEGBlockExtent.dcOnly, .firstRow, .quadrant] {
            for seed in 1...200 {
                let coefficients = noise(seed: seed, amplitude: seed * 5, within: extent)
                #expect(transform(coefficients, extent) == transform(coefficients, .whole))
            }
        }
    }

    @Test func `Absurd coefficients wrap`() {
        // Of 2047 · 255 the low 16 bits are those of -2303.
        #expect(transform([2047] + [Int16](repeating: 0, count: 63), .dcOnly, factor: 255)[0] == 0)
    }

    @Test func `Extents cover the sets they are made of`() {
        for position in 0..<64 {
            let index = Int(JPEGZigzag.order[position])
            let extent = JPEGCoefficientSet(bits: 1 << UInt64(position)).extent
            #expect(index & ~extent.indices == 0)
            #expect(extent.isDCOnly == (position == 0))
            #expect(extent.isQuadrant || extent.isFirstRow || index % 8 > 3 || index / 8 > 3)
        }
    }
}
