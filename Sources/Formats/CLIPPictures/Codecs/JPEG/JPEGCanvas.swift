internal import CLIPKernels
internal import CLIPSystem
internal import CLIPThreads

/// The rows of one component that are at hand: those of the MCU row under way, and the end of the one before, which
/// upsampling still needs.
///
/// A row group is the rows that make up `maximumVertical` rows of the picture. An MCU row has eight, fewer if the
/// picture is scaled.
final class JPEGSampleWindow {
    /// Samples before the first and behind the last of a row that may be read and written.
    static let margin = 32
    private static let keptGroups = 2

    /// Bytes from a row to the next.
    let stride: Int
    let groupsPerMCURow: Int
    private let rowsPerGroup: Int
    private let blockSize: Int
    /// The last row that belongs to the picture.
    private let lastRow: Int
    /// The row of the component that the window's first row holds.
    private var firstRow: Int
    private let samples: JPEGStorage<UInt8>

    /// - Parameter mcuRow: the first one that comes.
    init(_ component: JPEGComponent, groupsPerMCURow: Int, mcuRow: Int) {
        self.groupsPerMCURow = groupsPerMCURow
        blockSize = component.blockSize
        stride = component.paddedBlocksPerRow * blockSize + 2 * Self.margin
        rowsPerGroup = component.vertical
        lastRow = component.height - 1
        firstRow = (mcuRow * groupsPerMCURow - Self.keptGroups) * rowsPerGroup
        samples = JPEGStorage(
            repeating: 128, count: stride * rowsPerGroup * (Self.keptGroups + groupsPerMCURow))
    }

    /// Where the MCU row's block at (`blockRow`, `column`) begins.
    @inline(__always)
    func block(row blockRow: Int, column: Int) -> UnsafeMutablePointer<UInt8> {
        let row = Self.keptGroups &* rowsPerGroup &+ blockSize &* blockRow
        return samples.base + (row &* stride &+ Self.margin &+ blockSize &* column)
    }

    /// The component's row `row`, or the picture's first or last where that lies outside.
    ///
    /// It has to be one of the MCU row under way or of the two row groups before.
    func row(_ row: Int) -> UnsafeMutablePointer<UInt8> {
        let index = min(max(row, 0), lastRow) - firstRow
        precondition(index >= 0 && (index + 1) * stride <= samples.count, "the row is not in the window")
        return samples.base + (index * stride + Self.margin)
    }

    /// Goes on to the next MCU row.
    func advance() {
        let kept = Self.keptGroups * rowsPerGroup
        let next = groupsPerMCURow * rowsPerGroup
        samples.base.update(from: samples.base + next * stride, count: kept * stride)
        firstRow += next
    }
}

/// Brings a component's rows to the picture's size.
///
/// Components of half the width, half the height or both are interpolated with a triangle filter, in the reference
/// decoder's arithmetic ("fancy upsampling"); all other whole factors repeat samples.
private struct JPEGUpsampler {
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
    private let kernels: PictureKernels
    private let output: JPEGStorage<UInt8>
    /// Sums down a column, with a margin of 16 on either side.
    private let columnSums: JPEGStorage<Int16>

    init(
        _ component: JPEGComponent, frame: JPEGFrame, window: JPEGSampleWindow, kernels: PictureKernels
    ) throws(CLIPError) {
        guard frame.maximumHorizontal % component.horizontal == 0, frame.maximumVertical % component.vertical == 0
        else {
            throw .unsupportedJPEG(
                "fractional sampling (\(component.layout.horizontal) × \(component.layout.vertical)"
                    + " of \(frame.maximumHorizontal) × \(frame.maximumVertical))")
        }
        self.window = window
        self.kernels = kernels
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
        columnSums = JPEGStorage(repeating: 0, count: method == .halfBoth ? width + 48 : 0)
    }

    /// The samples of the picture's row `y`; fifteen more may be read. They are valid until the next call.
    func row(_ y: Int) -> UnsafePointer<UInt8> {
        let source = y / (maximumVertical / vertical)
        let isUpper = y % 2 == 0
        switch method {
        case .copy: return UnsafePointer(window.row(source))
        case .halfWidth: kernels.doubleWidth(upsampled(source, source))
        case .halfHeight:
            kernels.doubleHeight(upsampled(source, isUpper ? source - 1 : source + 1, bias: isUpper ? 1 : 2))
        case .halfBoth: kernels.doubleBoth(upsampled(source, isUpper ? source - 1 : source + 1))
        case .replicate:
            if horizontal == 1 { return UnsafePointer(window.row(source)) }
            replicate(window.row(source))
        }
        return UnsafePointer(output.base)
    }

    private func upsampled(_ near: Int, _ far: Int, bias: Int16 = 0) -> UpsampledRow {
        UpsampledRow(
            near: window.row(near), far: window.row(far), bias: bias, width: width, sums: columnSums.base,
            output: output.base)
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

/// What a picture's components mean, and the way from there to RGB.
enum JPEGColour: Equatable {
    case grey
    case rgb
    case yCbCr
    /// Inverted, as Adobe's programs write it and as everybody reads it.
    case cmyk
    /// Y, Cb, Cr of the inverted C, M, Y, and an inverted K.
    case ycck

    /// - Parameters:
    ///   - ids: the components' ids in the frame header.
    ///   - hasJFIF: whether a JFIF marker was seen.
    ///   - adobeTransform: the transform that an Adobe marker names, if one was seen.
    init(ids: [UInt8], hasJFIF: Bool, adobeTransform: UInt8?) {
        switch (ids.count, adobeTransform) {
        case (1, _): self = .grey
        case (4, nil), (4, 0): self = .cmyk
        case (4, _): self = .ycck
        case _ where hasJFIF: self = .yCbCr
        case (_, 0): self = .rgb
        case (_, nil) where ids == Array("RGB".utf8): self = .rgb
        default: self = .yCbCr
        }
    }

    /// Converts a row.
    /// - Parameters:
    ///   - rows: one for each component; fifteen samples more than `width` may be read of each.
    ///   - output: `[width, 3]`.
    func convert(
        _ rows: [UnsafePointer<UInt8>], width: Int, into output: UnsafeMutablePointer<UInt8>, _ kernels: PictureKernels
    ) {
        func row(_ first: Int, _ second: Int, _ third: Int) -> ColourRow {
            ColourRow(rows[first], rows[second], rows[third], width: width, output: output)
        }
        switch self {
        case .grey: kernels.interleave(row(0, 0, 0))
        case .rgb: kernels.interleave(row(0, 1, 2))
        case .yCbCr: kernels.convertYCbCr(row(0, 1, 2))
        case .cmyk:
            kernels.interleave(row(0, 1, 2))
            Self.applyBlack(rows[3], width, output)
        case .ycck:
            kernels.convertYCbCr(row(0, 1, 2))
            // What converts to RGB is here the inverse of the samples that CMYK would hold.
            for i in 0..<3 * width { output[i] = ~output[i] }
            Self.applyBlack(rows[3], width, output)
        }
    }

    /// Darkens inverted C, M, Y by an inverted K, rounding as Pillow's `convert("RGB")`.
    private static func applyBlack(_ black: UnsafePointer<UInt8>, _ width: Int, _ output: UnsafeMutablePointer<UInt8>) {
        for x in 0..<width {
            let key = Int32(black[x])
            for i in 3 * x..<3 * x + 3 {
                let product = (255 - Int32(output[i])) * key + 128
                output[i] = UInt8(truncatingIfNeeded: max(0, key - (((product >> 8) + product) >> 8)))
            }
        }
    }
}

/// Turns the components' samples into rows of the picture, as soon as the samples that they need are there.
final class JPEGRowAssembly {
    private let frame: JPEGFrame
    private let colour: JPEGColour
    private let kernels: PictureKernels
    private let upsamplers: [JPEGUpsampler]
    /// `[height, width, 3]`.
    private let output: UnsafeMutableBufferPointer<UInt8>
    /// The picture's next row.
    private var nextRow = 0
    /// One for each component: where the samples of the MCU row under way go.
    let windows: [JPEGSampleWindow]

    /// - Parameters:
    ///   - output: `width * height * 3` bytes.
    ///   - band: whose rows of the picture are made.
    init(
        _ frame: JPEGFrame, colour: JPEGColour, output: UnsafeMutableBufferPointer<UInt8>, band: JPEGBand,
        kernels: PictureKernels
    ) throws(CLIPError) {
        precondition(output.count == frame.width * frame.height * 3, "the output has the picture's size")
        self.frame = frame
        self.colour = colour
        self.kernels = kernels
        self.output = output
        nextRow = band.rows.lowerBound == 0 ? 0 : Self.completeRows(frame, mcuRow: band.rows.lowerBound - 1)
        windows = frame.components.map {
            JPEGSampleWindow($0, groupsPerMCURow: frame.blockSize, mcuRow: band.start)
        }
        var upsamplers: [JPEGUpsampler] = []
        for (component, window) in zip(frame.components, windows) {
            upsamplers.append(try JPEGUpsampler(component, frame: frame, window: window, kernels: kernels))
        }
        self.upsamplers = upsamplers
    }

    /// The rows of the picture that can be made of the MCU rows up to `mcuRow`.
    private static func completeRows(_ frame: JPEGFrame, mcuRow: Int) -> Int {
        // The last row group needs the one below to interpolate, which the next MCU row brings.
        let isLast = mcuRow == frame.mcuRows - 1
        let groups = (mcuRow + 1) * frame.blockSize - (isLast ? 0 : 1)
        return min(groups * frame.maximumVertical, frame.height)
    }

    /// To be called when the windows hold the MCU row `mcuRow`.
    func finish(mcuRow: Int) {
        let end = Self.completeRows(frame, mcuRow: mcuRow)
        while nextRow < end {
            let rows = upsamplers.map { $0.row(nextRow) }
            colour.convert(rows, width: frame.width, into: output.baseAddress! + nextRow * frame.width * 3, kernels)
            nextRow += 1
        }
        for window in windows { window.advance() }
    }
}

/// MCU rows of a picture that are decoded apart from the others.
struct JPEGBand {
    /// The MCU rows with which the band's rows of the picture become complete.
    let rows: Range<Int>
    /// Where decoding begins: the MCU row above has samples that interpolation needs.
    let start: Int

    static func whole(_ frame: JPEGFrame) -> JPEGBand { JPEGBand(rows: 0..<frame.mcuRows, start: 0) }

    /// Splits a picture into as many bands as are worth a thread each.
    /// - Parameter alignment: decoding can begin only at multiples of this.
    static func split(_ frame: JPEGFrame, threads: Int, alignment: Int = 1) -> [JPEGBand] {
        // Of so many rows, those decoded twice are few.
        let leastRows = 8 * alignment
        let count = max(1, min(threads, frame.mcuRows / leastRows))
        return (0..<count).map { index in
            let rows = index * frame.mcuRows / count..<(index + 1) * frame.mcuRows / count
            return JPEGBand(rows: rows, start: max(rows.lowerBound - 1, 0) / alignment * alignment)
        }
    }
}

/// The picture that is being decoded, and how many threads may work on it.
struct JPEGCanvas {
    let frame: JPEGFrame
    let threads: Int
    private let colour: JPEGColour
    private let kernels: PictureKernels
    private let pixels: UnsafeMutableBufferPointer<UInt8>

    /// - Parameters:
    ///   - pixels: `[height, width, 3]`.
    ///   - options: the threads that the caller allows.
    init(
        _ frame: JPEGFrame, colour: JPEGColour, pixels: UnsafeMutableBufferPointer<UInt8>, options: DecodingOptions
    ) {
        self.frame = frame
        self.colour = colour
        kernels = options.kernels
        self.pixels = pixels
        threads = frame.codedWidth * frame.codedHeight < options.leastSharedPixels ? 1 : options.threads
    }

    func assembly(of band: JPEGBand) throws(CLIPError) -> JPEGRowAssembly {
        try JPEGRowAssembly(frame, colour: colour, output: pixels, band: band, kernels: kernels)
    }
}

/// Calls `body` for each index below `count`, at the same time if there are threads for it.
func concurrently(_ count: Int, _ body: (Int) -> Void) {
    Parallel(threads: count, pool: .pictures).run(count, body)
}
