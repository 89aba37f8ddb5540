import CLIPInstructionSets
import CLIPKernels
import CLIPTestSupport
import Testing

@testable import CLIPPictures

/// Loops over rows beside the formulas that define them, sample by sample.
@Suite struct PictureKernelsTests {
    /// Rows of noise and of extremes, with the margins that loops may read.
    private struct Rows {
        static let margin = 32
        private let stride: Int
        private let count: Int
        private var samples: [UInt8]

        init(_ count: Int, width: Int) {
            var random = SeededGenerator(seed: UInt64(width + 1))
            self.count = count
            stride = width + 2 * Rows.margin
            samples = (0..<count * stride).map { _ in
                let byte = UInt8.random(in: 0...255, using: &random)
                return Bool.random(using: &random) ? byte : (byte & 1) * 255
            }
        }

        func sample(_ row: Int, _ x: Int) -> Int { Int(samples[row * stride + Rows.margin + x]) }

        /// Hands over where the rows begin, and an output of which what is behind `limit` must stay.
        /// - Returns: the first `count` bytes of the output.
        mutating func output(
            count bytes: Int, limit: Int,
            _ body: ([UnsafeMutablePointer<UInt8>], UnsafeMutablePointer<UInt8>) -> Void
        ) -> [UInt8] {
            var output = [UInt8](repeating: 0xA5, count: limit + 64)
            let (stride, rows) = (stride, count)
            samples.withUnsafeMutableBufferPointer { samples in
                let first = samples.baseAddress! + Rows.margin
                output.withUnsafeMutableBufferPointer {
                    body((0..<rows).map { first + $0 * stride }, $0.baseAddress!)
                }
            }
            #expect(output[limit...].allSatisfy { $0 == 0xA5 }, "written too far")
            return Array(output[..<bytes])
        }
    }

    private let widths = Array(1...50) + [127, 640]

    @Test(arguments: InstructionSet.available)
    func `Colours are those of the formula`(_ instructionSet: InstructionSet) {
        for width in widths {
            var rows = Rows(3, width: width)
            let converted = rows.output(count: 3 * width, limit: 3 * width) { rows, output in
                instructionSet.kernels.pictures.convertYCbCr(
                    ColourRow(rows[0], rows[1], rows[2], width: width, output: output))
            }
            let expected = (0..<width).flatMap { x -> [UInt8] in
                let (y, cb, cr) = (rows.sample(0, x), rows.sample(1, x) - 128, rows.sample(2, x) - 128)
                let red = y + (91881 * cr + 32768) >> 16
                let green = y + (-22554 * cb - 46802 * cr + 32768) >> 16
                let blue = y + (116130 * cb + 32768) >> 16
                return [UInt8(clamping: red), UInt8(clamping: green), UInt8(clamping: blue)]
            }
            #expect(converted == expected, "\(width)")

            let interleaved = rows.output(count: 3 * width, limit: 3 * width) { rows, output in
                instructionSet.kernels.pictures.interleave(
                    ColourRow(rows[0], rows[1], rows[2], width: width, output: output))
            }
            let samples = (0..<width).flatMap { x in (0..<3).map { UInt8(rows.sample($0, x)) } }
            #expect(interleaved == samples, "\(width)")
        }
    }

    @Test(arguments: InstructionSet.available)
    func `All colours are those of the formula`(_ instructionSet: InstructionSet) {
        let ramp = (0...255).map { UInt8($0) }
        for cb in 0...255 {
            let (blue, red) = ([UInt8](repeating: UInt8(cb), count: 272), ramp + [UInt8](repeating: 0, count: 16))
            let luma = [UInt8](repeating: 128, count: 272)
            var output = [UInt8](repeating: 0, count: 3 * 256)
            luma.withUnsafeBufferPointer { luma in
                blue.withUnsafeBufferPointer { blue in
                    red.withUnsafeBufferPointer { red in
                        output.withUnsafeMutableBufferPointer {
                            instructionSet.kernels.pictures.convertYCbCr(
                                ColourRow(
                                    luma.baseAddress!, blue.baseAddress!, red.baseAddress!, width: 256,
                                    output: $0.baseAddress!))
                        }
                    }
                }
            }
            let greens = (0...255).map { cr -> UInt8 in
                let sum: Int = -22554 * (cb - 128) - 46802 * (cr - 128) + 32768
                return UInt8(clamping: 128 + sum >> 16)
            }
            #expect((0...255).map { output[3 * $0 + 1] } == greens)
        }
    }

    @Test(arguments: InstructionSet.available)
    func `Rows grow as the triangle filter has it`(_ instructionSet: InstructionSet) {
        for width in widths {
            var rows = Rows(2, width: width)
            let (near, far) = ((0..<width).map { rows.sample(0, $0) }, (0..<width).map { rows.sample(1, $0) })
            func grown(
                _ kernel: (UpsampledRow) -> Void, bias: Int16 = 0, factor: Int
            ) -> [Int] {
                var sums = [Int16](repeating: 0, count: width + 48)
                return sums.withUnsafeMutableBufferPointer { sums in
                    rows.output(count: factor * width, limit: factor * (width + 15)) { rows, output in
                        kernel(
                            UpsampledRow(
                                near: rows[0], far: rows[1], bias: bias, width: width, sums: sums.baseAddress!,
                                output: output))
                    }.map { Int($0) }
                }
            }
            /// Each sample twice, three quarters of it with a quarter of the one before and of the one behind.
            func doubled(_ row: [Int], _ biases: (Int, Int), shift: Int) -> [Int] {
                row.indices.flatMap { x -> [Int] in
                    let triple = 3 * row[x]
                    let left = triple + row[max(x - 1, 0)] + biases.0
                    let right = triple + row[min(x + 1, width - 1)] + biases.1
                    return [left >> shift, right >> shift]
                }
            }
            let sums = zip(near, far).map { 3 * $0 + $1 }
            #expect(
                grown(instructionSet.kernels.pictures.doubleHeight, bias: 1, factor: 1) == sums.map { ($0 + 1) >> 2 },
                "\(width)")
            #expect(
                grown(instructionSet.kernels.pictures.doubleHeight, bias: 2, factor: 1) == sums.map { ($0 + 2) >> 2 },
                "\(width)")
            #expect(
                grown(instructionSet.kernels.pictures.doubleBoth, factor: 2) == doubled(sums, (8, 7), shift: 4),
                "\(width)")
            #expect(
                grown(instructionSet.kernels.pictures.doubleWidth, factor: 2) == doubled(near, (1, 2), shift: 2),
                "\(width)")
        }
    }
}
