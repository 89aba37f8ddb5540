/// Brings a component's rows to the picture's size.
///
/// Components of half the width, half the height or both are interpolated with a triangle filter, in the reference
/// decoder's arithmetic ("fancy upsampling"); all other whole factors repeat samples.
struct JPEGUpsampler {
    private enum Method {
        case copy
        case halfWidth
        case halfHeight
        case halfBoth
        case replicate
    }

    private let method: Method
    private let window: JPEGSampleWindow
    /// Samples in a row that belong to the picture.
    private let width: Int
    private let horizontal: Int
    private let vertical: Int
    private let maximumVertical: Int
    private let output: JPEGStorage<UInt8>
    /// Sums down a column, with a margin of 8 on either side.
    private let columnSums: JPEGStorage<Int16>

    init(_ component: JPEGComponent, frame: JPEGFrame, window: JPEGSampleWindow) throws(ImageError) {
        guard frame.maximumHorizontal % component.horizontal == 0, frame.maximumVertical % component.vertical == 0
        else {
            throw .unsupportedJPEG(
                "fractional sampling (\(component.layout.horizontal) × \(component.layout.vertical)"
                    + " of \(frame.maximumHorizontal) × \(frame.maximumVertical))")
        }
        self.window = window
        width = component.width
        horizontal = frame.maximumHorizontal / component.horizontal
        vertical = component.vertical
        maximumVertical = frame.maximumVertical
        // Rows of one or two samples are too short for the filter of the width; means of blocks are only repeated.
        method =
            switch (horizontal, maximumVertical / vertical) {
            case (1, 1): .copy
            case _ where frame.blockSize == 1: .replicate
            case (2, 1) where width > 2: .halfWidth
            case (1, 2): .halfHeight
            case (2, 2) where width > 2: .halfBoth
            default: .replicate
            }
        let hasOutput = method != .copy
        output = JPEGStorage(repeating: 0, count: hasOutput ? (width + 32) * horizontal : 0)
        columnSums = JPEGStorage(repeating: 0, count: method == .halfBoth ? width + 32 : 0)
    }

    /// The samples of the picture's row `y`; eight more may be read. They are valid until the next call.
    func row(_ y: Int) -> UnsafePointer<UInt8> {
        let factor = maximumVertical / vertical
        let source = y / factor
        switch method {
        case .copy:
            return UnsafePointer(window.row(source))
        case .halfWidth:
            doubleWidth(window.row(source))
        case .halfHeight:
            let isUpper = y % 2 == 0
            blend(window.row(source), window.row(isUpper ? source - 1 : source + 1), bias: isUpper ? 1 : 2)
        case .halfBoth:
            sumColumns(window.row(source), window.row(y % 2 == 0 ? source - 1 : source + 1))
            doubleWidthOfSums()
        case .replicate:
            if horizontal == 1 { return UnsafePointer(window.row(source)) }
            replicate(window.row(source))
        }
        return UnsafePointer(output.base)
    }

    private func doubleWidth(_ row: UnsafeMutablePointer<UInt8>) {
        // With the ends repeated, the inner formula gives what the outermost samples are defined to be.
        row[-1] = row[0]
        row[width] = row[width - 1]
        for x in stride(from: 0, to: width, by: 8) {
            let triple = loadSamples(row + x) &* 3
            let left = (triple &+ loadSamples(row + x - 1) &+ 1) &>> 2
            let right = (triple &+ loadSamples(row + x + 1) &+ 2) &>> 2
            storePairs(left, right, at: 2 * x)
        }
    }

    /// Three quarters of one row and a quarter of another.
    private func blend(_ near: UnsafePointer<UInt8>, _ far: UnsafePointer<UInt8>, bias: Int16) {
        for x in stride(from: 0, to: width, by: 8) {
            let blended = (loadSamples(near + x) &* 3 &+ loadSamples(far + x) &+ bias) &>> 2
            UnsafeMutableRawPointer(output.base + x).storeBytes(
                of: SIMD8<UInt8>(truncatingIfNeeded: blended), as: SIMD8<UInt8>.self)
        }
    }

    private func sumColumns(_ near: UnsafePointer<UInt8>, _ far: UnsafePointer<UInt8>) {
        let sums = columnSums.base + 8
        for x in stride(from: 0, to: width, by: 8) {
            let sum = loadSamples(near + x) &* 3 &+ loadSamples(far + x)
            UnsafeMutableRawPointer(sums + x).storeBytes(of: sum, as: SIMD8<Int16>.self)
        }
        sums[-1] = sums[0]
        sums[width] = sums[width - 1]
    }

    private func doubleWidthOfSums() {
        let sums = UnsafeRawPointer(columnSums.base + 8)
        for x in stride(from: 0, to: width, by: 8) {
            let triple = sums.loadUnaligned(fromByteOffset: 2 * x, as: SIMD8<Int16>.self) &* 3
            let before = sums.loadUnaligned(fromByteOffset: 2 * x - 2, as: SIMD8<Int16>.self)
            let after = sums.loadUnaligned(fromByteOffset: 2 * x + 2, as: SIMD8<Int16>.self)
            storePairs((triple &+ before &+ 8) &>> 4, (triple &+ after &+ 7) &>> 4, at: 2 * x)
        }
    }

    /// Stores sixteen samples, those of both vectors alternating.
    @inline(__always)
    private func storePairs(_ even: SIMD8<Int16>, _ odd: SIMD8<Int16>, at x: Int) {
        UnsafeMutableRawPointer(output.base + x).storeBytes(of: samplePairs(even, odd), as: SIMD8<Int16>.self)
    }

    private func replicate(_ row: UnsafePointer<UInt8>) {
        var x = 0
        for index in 0..<width {
            for _ in 0..<horizontal {
                output.base[x] = row[index]
                x += 1
            }
        }
    }
}
