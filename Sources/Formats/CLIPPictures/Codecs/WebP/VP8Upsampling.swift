/// Turns luma and chroma into RGB as libwebp does by default: "fancy" upsampling, fixed-point conversion.
struct VP8Upsampling {
    let width: Int
    let height: Int

    /// - Returns: `[height, width, 3]`
    func rgb(_ planes: VP8Planes) -> [UInt8] {
        let chromaWidth = (width + 1) / 2
        var blue = [UInt8](repeating: 0, count: width + 1)
        var red = blue
        return [UInt8](unsafeUninitializedCapacity: 3 * width * height) { pixels, count in
            preferLargePages(pixels)
            for y in 0..<height {
                // The nearer chroma row weighs three times the farther one; the outermost rows have no farther one.
                let near = y / 2
                let far = y % 2 == 1 ? near + 1 : near - 1
                let lastRow = (height + 1) / 2 - 1
                let other = far < 0 || far > lastRow ? near : far
                for (channel, isBlue) in [(0, true), (1, false)] {
                    planes.chroma[channel].withUnsafeBufferPointer { plane in
                        let rows = (near * planes.chromaStride, other * planes.chromaStride)
                        let nearRow = UnsafeBufferPointer(rebasing: plane[rows.0..<rows.0 + chromaWidth])
                        let farRow = UnsafeBufferPointer(rebasing: plane[rows.1..<rows.1 + chromaWidth])
                        if isBlue {
                            blue.withUnsafeMutableBufferPointer { upsample(nearRow, farRow, to: $0) }
                        } else {
                            red.withUnsafeMutableBufferPointer { upsample(nearRow, farRow, to: $0) }
                        }
                    }
                }
                planes.luma.withUnsafeBufferPointer { luma in
                    let start = y * planes.lumaStride
                    convert(
                        UnsafeBufferPointer(rebasing: luma[start..<start + width]), blue, red,
                        to: UnsafeMutableBufferPointer(rebasing: pixels[3 * y * width..<3 * (y + 1) * width]))
                }
            }
            count = 3 * width * height
        }
    }

    /// Doubles a row: weights 9, 3, 3, 1, rounded as libwebp rounds.
    private func upsample(
        _ near: UnsafeBufferPointer<UInt8>, _ far: UnsafeBufferPointer<UInt8>,
        to output: UnsafeMutableBufferPointer<UInt8>
    ) {
        let last = near.count - 1
        output[0] = UInt8((3 * Int(near[0]) + Int(far[0]) + 2) >> 2)
        var x = 1
        let (nearRow, farRow) = (near.baseAddress!, far.baseAddress!)
        let target = output.baseAddress!
        while x &+ 7 <= last {
            @inline(__always) func load(_ row: UnsafePointer<UInt8>, _ place: Int) -> SIMD8<UInt16> {
                SIMD8(truncatingIfNeeded: UnsafeRawPointer(row + place).loadUnaligned(as: SIMD8<UInt8>.self))
            }
            let pairs = VP8Upsampling.pair(
                load(nearRow, x &- 1), load(nearRow, x), load(farRow, x &- 1), load(farRow, x))
            // Two bytes a lane, the first in the lower one.
            let bytes = unsafeBitCast(pairs.0 | pairs.1 &<< 8, to: SIMD16<UInt8>.self)
            UnsafeMutableRawPointer(target + (2 &* x &- 1)).storeBytes(of: bytes, as: SIMD16<UInt8>.self)
            x &+= 8
        }
        while x <= last {
            func lane(_ value: UInt8) -> SIMD2<UInt16> { SIMD2(repeating: UInt16(value)) }
            let pair = VP8Upsampling.pair(lane(near[x - 1]), lane(near[x]), lane(far[x - 1]), lane(far[x]))
            output[2 * x - 1] = UInt8(pair.0[0])
            output[2 * x] = UInt8(pair.1[0])
            x += 1
        }
        // With an odd width there is no pixel right of the last sample's first; the place holds nothing that counts.
        output[2 * last + 1] = UInt8((3 * Int(near[last]) + Int(far[last]) + 2) >> 2)
    }

    /// The two pixels between a sample and the next.
    @inline(__always)
    private static func pair<V: SIMD>(_ near0: V, _ near1: V, _ far0: V, _ far1: V) -> (V, V)
    where V.Scalar == UInt16 {
        let sum = near0 &+ near1 &+ far0 &+ far1 &+ 8
        let first = (sum &+ (near1 &+ far0) &* 2) &>> 3
        let second = (sum &+ (near0 &+ far1) &* 2) &>> 3
        return ((first &+ near0) &>> 1, (second &+ near1) &>> 1)
    }

    private func convert(
        _ luma: UnsafeBufferPointer<UInt8>, _ blue: [UInt8], _ red: [UInt8],
        to output: UnsafeMutableBufferPointer<UInt8>
    ) {
        blue.withUnsafeBufferPointer { blue in
            red.withUnsafeBufferPointer { red in
                var x = 0
                let target = UnsafeMutableRawPointer(output.baseAddress!)
                while x &+ 8 <= width {
                    @inline(__always) func load(_ row: UnsafeBufferPointer<UInt8>) -> SIMD8<UInt16> {
                        SIMD8(
                            truncatingIfNeeded: UnsafeRawPointer(row.baseAddress! + x)
                                .loadUnaligned(as: SIMD8<UInt8>.self))
                    }
                    let colours = VP8Upsampling.colours(load(luma), load(blue), load(red))
                    for lane in 0..<8 {
                        let place = 3 &* (x &+ lane)
                        target.storeBytes(
                            of: colours.redAndGreen[lane].littleEndian, toByteOffset: place, as: UInt16.self)
                        output[place &+ 2] = UInt8(truncatingIfNeeded: colours.blue[lane])
                    }
                    x &+= 8
                }
                while x < width {
                    let colours = VP8Upsampling.colours(
                        SIMD8(repeating: UInt16(luma[x])), SIMD8(repeating: UInt16(blue[x])),
                        SIMD8(repeating: UInt16(red[x])))
                    output[3 * x] = UInt8(truncatingIfNeeded: colours.redAndGreen[0])
                    output[3 * x + 1] = UInt8(truncatingIfNeeded: colours.redAndGreen[0] >> 8)
                    output[3 * x + 2] = UInt8(truncatingIfNeeded: colours.blue[0])
                    x += 1
                }
            }
        }
    }
}

extension VP8Upsampling {
    /// RGB of each lane: red in the lower byte and green in the upper one, and blue.
    @inline(__always)
    fileprivate static func colours(_ y: SIMD8<UInt16>, _ u: SIMD8<UInt16>, _ v: SIMD8<UInt16>) -> (
        redAndGreen: SIMD8<UInt16>, blue: SIMD8<UInt16>
    ) {
        // The high 16 bits of a 24-bit product, from two 16-bit ones.
        @inline(__always) func scaled(_ lanes: SIMD8<UInt16>, _ factor: UInt16) -> SIMD8<UInt16> {
            lanes &* (factor >> 8) &+ (lanes &* (factor & 0xFF)) &>> 8
        }
        // To 0…255 by the sign bits of what is below and above.
        @inline(__always) func byte(_ lanes: SIMD8<Int16>) -> SIMD8<UInt16> {
            let notNegative = lanes & ~(lanes &>> 15)
            let clamped = (notNegative | (255 &- notNegative) &>> 15) & 255
            return unsafeBitCast(clamped, to: SIMD8<UInt16>.self)
        }
        @inline(__always) func signed(_ lanes: SIMD8<UInt16>) -> SIMD8<Int16> {
            unsafeBitCast(lanes, to: SIMD8<Int16>.self)
        }
        let light = scaled(y, 19077)
        let r = signed(light &+ scaled(v, 26149) &- 14234) &>> 6
        let g = signed(light &+ 8708 &- scaled(u, 6419) &- scaled(v, 13320)) &>> 6
        // The sum needs all 16 bits: 17685 is taken off after the shift, as 277 * 64 - 43.
        let b = signed((light &+ scaled(u, 33050) &+ 43) &>> 6) &- 277
        return (byte(r) | byte(g) &<< 8, byte(b))
    }
}
