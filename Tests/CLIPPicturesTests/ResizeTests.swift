import Foundation
import CLIPInstructionSets
import Testing

@testable import CLIPPictures

@Suite struct ResizeTests {
    /// Noise from a linear congruential generator, as the golden values' origin describes.
    private func noise(_ width: Int, _ height: Int, seed: UInt64) -> Bitmap {
        var state = seed
        return Bitmap(
            width: width, height: height,
            pixels: (0..<width * height * 3).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return UInt8(state >> 56)
            })
    }

    @Test(arguments: InstructionSet.available)
    func `Every filter gives Pillow's bytes`(_ instructionSet: InstructionSet) throws {
        let url = Bundle.module.resourceURL!.appending(path: "Fixtures/resize/golden.txt")
        let lines = try String(contentsOf: url, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 95)
        for line in lines {
            let fields = line.split(separator: " ")
            let numbers = fields.dropLast().compactMap { Int($0) }
            let filter = try #require(ResampleFilter(rawValue: numbers[5]))
            let resized = noise(numbers[0], numbers[1], seed: UInt64(numbers[2])).resized(
                width: numbers[3], height: numbers[4], filter: filter, kernels: instructionSet.kernels.pictures)
            #expect(resized.width == numbers[3] && resized.height == numbers[4])
            #expect(fnv1a(resized.pixels) == UInt64(fields[6], radix: 16), "\(line)")
        }
    }

    /// One sum after the other, as Pillow's arithmetic is written down.
    private func plainlyResized(_ picture: Bitmap, _ width: Int, _ height: Int, _ filter: ResampleFilter) -> Bitmap {
        func sample(_ weights: [Int32], _ taps: Range<Int>, _ value: (Int) -> UInt8) -> UInt8 {
            let sum = zip(weights, taps).reduce(Int32(1) << 21) { $0 &+ $1.0 &* Int32(value($1.1)) }
            return UInt8(clamping: sum >> 22)
        }
        func axis(_ source: Int, _ target: Int) -> ResampleAxis {
            ResampleAxis(source: source, extent: Double(source), target: target, filter: filter)
        }
        func narrowed(_ picture: Bitmap) -> Bitmap {
            let columns = axis(picture.width, width)
            var pixels: [UInt8] = []
            for start in stride(from: 0, to: picture.pixels.count, by: 3 * picture.width) {
                for x in 0..<width {
                    let weights = columns.weights(of: x)
                    for channel in 0..<3 {
                        pixels.append(
                            sample(weights, columns.taps(of: x)) { picture.pixels[start + 3 * $0 + channel] })
                    }
                }
            }
            return Bitmap(width: width, height: picture.height, pixels: pixels)
        }
        func lowered(_ picture: Bitmap) -> Bitmap {
            let rows = axis(picture.height, height)
            var pixels: [UInt8] = []
            for y in 0..<height {
                let weights = rows.weights(of: y)
                for index in 0..<3 * picture.width {
                    pixels.append(
                        sample(weights, rows.taps(of: y)) { picture.pixels[3 * $0 * picture.width + index] })
                }
            }
            return Bitmap(width: picture.width, height: height, pixels: pixels)
        }
        let isLoweredFirst = height < picture.height && picture.height - height > 2 * (picture.width - width)
        return isLoweredFirst ? narrowed(lowered(picture)) : lowered(narrowed(picture))
    }

    @Test(arguments: InstructionSet.available)
    func `Vectors give the bytes of plain sums, whatever is left over at the edges`(_ instructionSet: InstructionSet) {
        for width in 1...34 {
            // Few taps and many, and rows that do not fill a batch.
            for (newWidth, newHeight) in [(width / 3 + 1, 5), (width + 5, 31 - width / 2)] {
                let picture = noise(width, 35 - width, seed: UInt64(width))
                let resized = picture.resized(
                    width: newWidth, height: newHeight, filter: .bicubic, kernels: instructionSet.kernels.pictures)
                #expect(resized == plainlyResized(picture, newWidth, newHeight, .bicubic), "\(width) to \(newWidth)")
            }
        }
    }

    /// The plain sums, which take long, are made once for all instruction sets.
    @Test(arguments: [
        (2111, 9, 300, 4), (5003, 3, 3, 2), (4001, 2, 1001, 3), (1, 5003, 1, 3), (3, 2111, 2, 300),
        (1600, 17, 1599, 16), (700, 1501, 90, 193), (33, 1501, 90, 193),
    ])
    func `Wide and high pictures, whose rows are turned and summed piece by piece, give the same bytes`(
        sizes: (width: Int, height: Int, newWidth: Int, newHeight: Int)
    ) {
        let (newWidth, newHeight) = (sizes.newWidth, sizes.newHeight)
        let picture = noise(sizes.width, sizes.height, seed: 16)
        let window = PixelWindow(left: newWidth / 2, top: 0, width: newWidth - newWidth / 2, height: newHeight)
        for filter in [ResampleFilter.bicubic, .lanczos, .box] {
            let plain = plainlyResized(picture, newWidth, newHeight, filter)
            for instructionSet in InstructionSet.available {
                let kernels = instructionSet.kernels.pictures
                let resized = picture.resized(width: newWidth, height: newHeight, filter: filter, kernels: kernels)
                #expect(resized == plain, "\(instructionSet), \(filter)")
                let part = picture.resized(
                    width: newWidth, height: newHeight, filter: filter, window: window, kernels: kernels)
                #expect(part == plain.cropped(to: window), "\(instructionSet), \(filter), a window")
            }
        }
    }

    @Test
    func `The rows of tall pictures go first, from one row more on`() {
        for (height, isLoweredFirst) in [(68, false), (67, true)] {
            for filter in [ResampleFilter.bicubic, .bilinear, .lanczos, .box] {
                let picture = noise(40, 90, seed: UInt64(height))
                let rowsFirst = picture.resized(width: 40, height: height, filter: filter)
                    .resized(width: 29, height: height, filter: filter)
                let columnsFirst = picture.resized(width: 29, height: 90, filter: filter)
                    .resized(width: 29, height: height, filter: filter)
                #expect(rowsFirst != columnsFirst)
                let resized = picture.resized(width: 29, height: height, filter: filter)
                #expect(resized == (isLoweredFirst ? rowsFirst : columnsFirst), "\(height), \(filter)")
            }
        }
    }

    @Test func `A ribbon is made low before it is widened`() {
        let long = noise(2, 200_000, seed: 7).resized(width: 500, height: 500, filter: .bicubic)
        #expect(long.width == 500 && long.height == 500)
    }

    @Test func `A picture that was scaled down is resized by the size it had`() {
        let picture = noise(64, 48, seed: 8)
        let exact = picture.resized(width: 20, height: 15, filter: .bicubic)
        let same = Bitmap(
            width: 64, height: 48, pixels: picture.pixels, reduction: 4, fullWidth: 256, fullHeight: 192)
        #expect(same.resized(width: 20, height: 15, filter: .bicubic).pixels == exact.pixels)
        // The last column stands for one of four pixels, so that less of it counts.
        let cut = Bitmap(
            width: 64, height: 48, pixels: picture.pixels, reduction: 4, fullWidth: 253, fullHeight: 192)
        let resized = cut.resized(width: 20, height: 15, filter: .bicubic)
        #expect(resized.pixels != exact.pixels && resized.width == 20)
    }

    @Test(arguments: ResampleFilter.allCases) func `A window gives the bytes of the whole`(
        filter: ResampleFilter
    ) {
        let picture = noise(83, 59, seed: 4)
        for (width, height) in [(29, 40), (76, 11), (200, 20), (83, 90), (83, 59), (90, 59)] {
            let whole = picture.resized(width: width, height: height, filter: filter)
            for window in [
                PixelWindow(left: 0, top: 0, width: 1, height: 1),
                PixelWindow(left: width - 5, top: height - 7, width: 5, height: 7),
                PixelWindow(left: 3, top: 2, width: width - 9, height: 4),
            ] {
                let part = picture.resized(width: width, height: height, filter: filter, window: window)
                for y in 0..<window.height {
                    let start = 3 * ((window.top + y) * width + window.left)
                    #expect(
                        part.pixels[3 * y * window.width..<3 * (y + 1) * window.width]
                            == whole.pixels[start..<start + 3 * window.width])
                }
            }
        }
    }

    @Test func `Flat pictures stay flat: weights add up`() {
        for value in [0, 1, 127, 254, 255] as [UInt8] {
            let picture = Bitmap(width: 37, height: 23, pixels: [UInt8](repeating: value, count: 37 * 23 * 3))
            for filter in ResampleFilter.allCases {
                for (width, height) in [(5, 3), (111, 64), (36, 22)] {
                    let resized = picture.resized(width: width, height: height, filter: filter)
                    #expect(resized.pixels.allSatisfy { $0 == value })
                }
            }
        }
    }

    @Test func `A ribbon too long for one table of weights gives the bytes of its parts`() {
        let ribbon = noise(400_000, 2, seed: 15)
        let whole = ribbon.resized(width: 32, height: 3, filter: .bicubic)
        for left in stride(from: 0, to: 32, by: 4) {
            let window = PixelWindow(left: left, top: 0, width: 4, height: 3)
            #expect(ribbon.resized(width: 32, height: 3, filter: .bicubic, window: window) == whole.cropped(to: window))
        }
    }

    @Test func `Weights stay below 2, which their split into 16-bit halves rests on`() {
        for filter in [ResampleFilter.lanczos, .bicubic, .bilinear, .box] {
            for source in Array(1...40) + [97, 1000, 4001] {
                for target in Array(1...40) + [224, 997] {
                    let axis = ResampleAxis(source: source, extent: Double(source), target: target, filter: filter)
                    for index in stride(from: 0, to: target, by: max(1, target / 40)) {
                        let weights = axis.weights(of: index)
                        #expect(weights.count == axis.taps(of: index).count && !weights.isEmpty)
                        #expect(weights.allSatisfy { abs($0) < 1 << 23 })
                    }
                }
            }
        }
    }

    @Test func `Overshoot is clipped, not wrapped`() {
        let stripes = Bitmap(
            width: 64, height: 2, pixels: (0..<384).map { ($0 / 3) % 64 % 16 < 8 ? 0 : 255 })
        let resized = stripes.resized(width: 150, height: 5, filter: .lanczos)
        #expect(resized.pixels.contains(0) && resized.pixels.contains(255))
        // A wrapped value would put a bright sample into the middle of a dark stripe.
        #expect(resized.pixels[..<3].allSatisfy { $0 == 0 })
    }

    @Test func `The crop of an extreme shape reads only what it needs`() {
        let ribbon = noise(400_000, 1, seed: 8)
        let window = PixelWindow(left: 44_799_888, top: 0, width: 224, height: 224)
        let part = ribbon.resized(width: 89_600_000, height: 224, filter: .bicubic, window: window)
        #expect(part.pixels.count == 224 * 224 * 3)
        #expect(part.pixels[..<672].elementsEqual(part.pixels.suffix(672)))
    }
}
