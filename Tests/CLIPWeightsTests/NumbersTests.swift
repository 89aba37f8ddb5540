import CLIPSystem
import CLIPTestSupport
import Testing

@testable import CLIPWeights

@Suite struct NumbersTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// A tensor whose data starts at an odd byte.
    private func unaligned<Element: BitwiseCopyable>(_ type: ElementType, _ numbers: [Element]) throws -> StoredTensor {
        let bytes = numbers.withUnsafeBytes(Array.init)
        let header = """
            {"shift":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"t":{"dtype":"\(type.rawValue)",\
            "shape":[\(numbers.count)],"data_offsets":[1,\(bytes.count + 1)]}}
            """
        let odd = header.utf8.count % 2 == 0 ? header : header + " "
        return try #require(
            try SafetensorsFile(PathBytes(folder.write(safetensors(odd, data: [0] + bytes), to: "t.safetensors")))
                .tensor(
                    "t"))
    }

    /// The value of binary16 by its definition.
    private func half(_ bits: UInt16) -> Float {
        let sign: Float = bits & 0x8000 == 0 ? 1 : -1
        let exponent = Int(bits >> 10) & 31
        let fraction = Float(bits & 0x3FF)
        if exponent == 31 { return fraction == 0 ? sign * .infinity : .nan }
        if exponent == 0 { return sign * fraction * Float(sign: .plus, exponent: -24, significand: 1) }
        return sign * (1024 + fraction) * Float(sign: .plus, exponent: exponent - 25, significand: 1)
    }

    @Test func `Every F16 becomes the same F32`() throws {
        let all = (0...UInt16.max).map { $0 } + [0x3C00, 0x0001, 0xFC00]
        let floats = try unaligned(.f16, all).floats()
        #expect(floats.count == all.count)
        var wrong = 0
        for (bits, float) in zip(all, floats) {
            let expected = half(bits)
            let isEqual = expected.isNaN ? float.isNaN : float.bitPattern == expected.bitPattern
            if !isEqual { wrong += 1 }
        }
        #expect(wrong == 0)
    }

    @Test func `Every BF16 becomes the F32 with the same upper half`() throws {
        let all = (0...UInt16.max).map { $0 }
        let floats = try unaligned(.bf16, all).floats()
        #expect(floats.map(\.bitPattern) == all.map { UInt32($0) << 16 })
    }

    /// The value of a number of eight bits by its definition; no number where all bits of an F8_E4M3 but the sign's are set,
    /// or the exponent's of an F8_E5M2 as in F16.
    private func eight(_ byte: UInt8, _ type: ElementType) -> Float {
        if type == .f8E5M2 { return half(UInt16(byte) << 8) }
        let sign: Float = byte & 0x80 == 0 ? 1 : -1
        let (exponent, fraction) = (Int(byte >> 3) & 15, Float(byte & 7))
        if byte & 0x7F == 0x7F { return .nan }
        if exponent == 0 { return sign * fraction * Float(sign: .plus, exponent: -9, significand: 1) }
        return sign * (8 + fraction) * Float(sign: .plus, exponent: exponent - 10, significand: 1)
    }

    @Test(arguments: [ElementType.f8E4M3, .f8E5M2])
    func `Every number of eight bits becomes the same F32 and F16`(type: ElementType) throws {
        let all = (0...UInt8.max).map { $0 }
        let floats = try unaligned(type, all).floats()
        for (byte, float) in zip(all, floats) {
            let expected = eight(byte, type)
            let isEqual = expected.isNaN ? float.isNaN : float.bitPattern == expected.bitPattern
            #expect(isEqual, "\(byte): \(float), expected \(expected)")
            let half = Float(Float16(bitPattern: type.halfBits(of: byte)))
            #expect(expected.isNaN ? half.isNaN : half.bitPattern == expected.bitPattern)
            let isFinite = try unaligned(type, [0, byte]).firstNonFinite() == nil
            #expect(isFinite == expected.isFinite, "\(byte)")
        }
    }

    @Test func `Rounding to F16 is what the processor does, at every edge`() {
        var edges: [UInt32] = [0, 0x3880_0000, 0x477F_EFFF, 0x477F_F000, 0x7F80_0000, 0x7FC0_0000]
        for half in 0..<UInt32(0x7C00) {
            // The half itself, the middle to the next, and their neighbours.
            let bits = Float(Float16(bitPattern: UInt16(half))).bitPattern
            let next = Float(Float16(bitPattern: UInt16(half + 1))).bitPattern
            let middle = half == 0x7BFF ? 0x477F_F000 : bits + (next - bits) / 2
            edges += [bits, middle - 1, middle, middle + 1]
        }
        let numbers = (edges + edges.map { $0 | 0x8000_0000 }).map(Float.init(bitPattern:))
        var halves = [UInt16](repeating: 0, count: numbers.count)
        let fits = numbers.withUnsafeBufferPointer { numbers in
            halves.withUnsafeMutableBufferPointer { narrowToHalf(numbers, into: $0) }
        }
        #expect(!fits)
        var wrong = 0
        for (number, half) in zip(numbers, halves) {
            let expected = Float16(number)
            let isEqual = expected.isNaN ? Float16(bitPattern: half).isNaN : expected.bitPattern == half
            if !isEqual { wrong += 1 }
        }
        #expect(wrong == 0)
        var two: [UInt16] = [0, 0]
        #expect(
            [65519.99, -1].withUnsafeBufferPointer { n in
                two.withUnsafeMutableBufferPointer { narrowToHalf(n, into: $0) }
            })
        #expect(two == [0x7BFF, 0xBC00])
    }

    @Test func `F32 is copied, F64 is rounded, whole numbers are refused`() throws {
        let singles: [Float] = [0, -0.0, 1.5, .greatestFiniteMagnitude, .leastNonzeroMagnitude, .infinity]
        #expect(try unaligned(.f32, singles).floats().map(\.bitPattern) == singles.map(\.bitPattern))
        let doubles: [Double] = [0.1, -1e300, 1 + 0x1p-24, 1 + 0x1.8p-24]
        #expect(try unaligned(.f64, doubles).floats() == doubles.map { Float($0) })
        #expect { try unaligned(.i64, [Int64(1)]).floats() } throws: { "\($0)".contains("has type I64, expected F32") }
    }

    @Test func `The first number that is not finite is found in every type, wherever it stands`() throws {
        for place in [0, 1, 7, 1023, 1024, 1500, 2999] {
            var singles = [Float](repeating: -.greatestFiniteMagnitude, count: 3000)
            singles[place] = place % 2 == 0 ? .nan : -.infinity
            #expect(firstNonFinite(in: singles) == place)
            #expect(try unaligned(.f32, singles).firstNonFinite() == place)
            #expect(try unaligned(.f64, singles.map(Double.init)).firstNonFinite() == place)
            var halves = [UInt16](repeating: 0x7BFF, count: 3000)
            halves[place] = 0xFC01
            #expect(try unaligned(.f16, halves).firstNonFinite() == place)
            halves[place] = 0x7F80
            #expect(try unaligned(.bf16, halves).firstNonFinite() == place)
            halves[place] = 0x7F7F
            #expect(try unaligned(.bf16, halves).firstNonFinite() == nil, "the largest finite bfloat16")
        }
        #expect(firstNonFinite(in: []) == nil)
        #expect(firstNonFinite(in: [1, -2, 0]) == nil)
        #expect(try unaligned(.u8, [UInt8](repeating: 0xFF, count: 9)).firstNonFinite() == nil)
        let damaged = try unaligned(.f32, [Float(1), .nan])
        #expect {
            try damaged.checkFinite()
        } throws: {
            "\($0)".contains(#"tensor "t" has a NaN or an infinity at index 1"#)
        }
        try unaligned(.f32, [Float(1)]).checkFinite()
    }
}
