internal import CLIPSystem

/// A frame header (SOF): the picture's size and how its components are sampled.
///
/// Sizes in blocks count 8 × 8 samples. An MCU row is the least number of rows in which every component has whole
/// blocks: `8 * maximumVertical` rows of the picture.
struct JPEGFrame {
    let isProgressive: Bool
    let isArithmetic: Bool
    let codedWidth: Int
    let codedHeight: Int
    /// The decoded picture: smaller than the coded one if it is scaled.
    let width: Int
    let height: Int
    /// How many samples of eight by eight are decoded, each way: 8, or 4, 2 or 1 to scale the picture down.
    let blockSize: Int
    let components: [JPEGComponent]
    /// The largest sampling factors of all components, 1…4.
    let maximumHorizontal: Int
    let maximumVertical: Int
    let mcusPerRow: Int
    let mcuRows: Int

    /// The blocks of all components together, those that fill up the last MCUs included.
    var blockCount: Int { components.reduce(0) { $0 + $1.paddedBlocksPerRow * $1.paddedBlockRows } }

    /// - Parameters:
    ///   - marker: which SOF; baseline, extended sequential and progressive are read.
    ///   - lines: the height that a DNL segment gives, used where the header says 0.
    init(
        _ contents: JPEGSegment, marker: UInt8, lines: Int?, options: DecodingOptions
    ) throws(CLIPError) {
        var segment = contents
        let start = segment.position
        try Self.requireKind(marker)
        let precision = try segment.byte()
        let headerHeight = try segment.word()
        codedWidth = try segment.word()
        codedHeight = headerHeight == 0 ? lines ?? 0 : headerHeight
        let componentCount = Int(try segment.byte())
        guard precision == 8 else {
            if precision == 12 || precision == 16 { throw .unsupportedJPEG("\(precision)-bit samples") }
            throw .brokenJPEG(at: start, "a sample precision of \(precision) bits: 8 was expected")
        }
        guard codedWidth > 0, codedHeight > 0 else {
            throw .brokenJPEG(at: start, "a picture of \(codedWidth) × \(codedHeight) pixels")
        }
        guard [1, 3, 4].contains(componentCount) else {
            throw .brokenJPEG(at: start, "\(componentCount) colour components: 1, 3 or 4 were expected")
        }
        guard segment.count == 3 * componentCount else {
            throw .brokenJPEG(at: start, "the frame header's length does not fit its \(componentCount) components")
        }
        _ = try options.checkedPixelCount(
            format: JPEGMarker.formatName, width: codedWidth, height: codedHeight)
        blockSize = Self.blockSize(width: codedWidth, height: codedHeight, leastEdge: options.leastEdge)
        width = (codedWidth * blockSize).dividedRoundingUp(by: 8)
        height = (codedHeight * blockSize).dividedRoundingUp(by: 8)

        isProgressive = marker == 0xC2 || marker == 0xCA
        isArithmetic = marker == 0xC9 || marker == 0xCA
        var layouts: [JPEGComponent.Layout] = []
        for _ in 0..<componentCount {
            let id = try segment.byte()
            let sampling = try segment.byte()
            let (horizontal, vertical) = (Int(sampling >> 4), Int(sampling & 15))
            guard (1...4).contains(horizontal), (1...4).contains(vertical) else {
                throw .brokenJPEG(
                    at: segment.position - 1, "sampling factors \(horizontal) × \(vertical): 1 to 4 were expected")
            }
            layouts.append(
                JPEGComponent.Layout(
                    id: id, horizontal: horizontal, vertical: vertical, quantisationTable: Int(try segment.byte())))
        }
        maximumHorizontal = layouts.map(\.horizontal).max() ?? 1
        maximumVertical = layouts.map(\.vertical).max() ?? 1
        mcusPerRow = codedWidth.dividedRoundingUp(by: 8 * maximumHorizontal)
        mcuRows = codedHeight.dividedRoundingUp(by: 8 * maximumVertical)
        components = layouts.map {
            [codedWidth, codedHeight, maximumHorizontal, maximumVertical, mcusPerRow, mcuRows, blockSize] layout in
            // The chroma of a scaled picture takes more samples of its blocks rather than being enlarged afterwards.
            var size = blockSize
            while size < 8, maximumHorizontal * blockSize % (2 * layout.horizontal * size) == 0,
                maximumVertical * blockSize % (2 * layout.vertical * size) == 0
            {
                size *= 2
            }
            return JPEGComponent(
                layout, blockSize: size, enlargement: size / blockSize,
                codedWidth: codedWidth * layout.horizontal, dividedBy: maximumHorizontal,
                codedHeight: codedHeight * layout.vertical, dividedBy: maximumVertical,
                paddedBlocksPerRow: mcusPerRow * layout.horizontal, paddedBlockRows: mcuRows * layout.vertical)
        }
    }

    /// The fewest samples a block that leave both edges with `leastEdge` pixels.
    private static func blockSize(width: Int, height: Int, leastEdge: Int?) -> Int {
        guard let leastEdge else { return 8 }
        let edge = min(width, height)
        return [1, 2, 4].first { (edge * $0).dividedRoundingUp(by: 8) >= leastEdge } ?? 8
    }

    private static func requireKind(_ marker: UInt8) throws(CLIPError) {
        switch marker {
        case 0xC0, 0xC1, 0xC2, 0xC9, 0xCA: return
        case 0xC3: throw .unsupportedJPEG("lossless coding (SOF3)")
        case 0xCB: throw .unsupportedJPEG("lossless arithmetic coding (SOF11)")
        default: throw .unsupportedJPEG("hierarchical coding (SOF\(marker - 0xC0))")
        }
    }
}

/// One colour component of a frame.
struct JPEGComponent {
    /// What the frame header says of a component.
    struct Layout {
        let id: UInt8
        /// Sampling factors, 1…4.
        let horizontal: Int
        let vertical: Int
        let quantisationTable: Int
    }

    let layout: Layout
    /// How many samples of eight by eight are decoded, each way: 1, 2, 4 or 8.
    let blockSize: Int
    /// Samples across and down for each `maximumHorizontal` × `maximumVertical` of the decoded picture.
    let horizontal: Int
    let vertical: Int
    /// The decoded samples that belong to the picture; the rest of the last blocks is filling.
    let width: Int
    let height: Int
    /// The blocks that hold `width` × `height` samples: what a scan of this component alone has.
    let blocksPerRow: Int
    let blockRows: Int
    /// The blocks that a scan of several components has.
    let paddedBlocksPerRow: Int
    let paddedBlockRows: Int

    /// - Parameters:
    ///   - enlargement: how many times the frame's block size `blockSize` is.
    ///   - codedWidth, codedHeight: the samples before scaling, each to be divided by what follows it.
    init(
        _ layout: Layout, blockSize: Int, enlargement: Int, codedWidth: Int, dividedBy maximumHorizontal: Int,
        codedHeight: Int, dividedBy maximumVertical: Int, paddedBlocksPerRow: Int, paddedBlockRows: Int
    ) {
        self.layout = layout
        self.blockSize = blockSize
        horizontal = layout.horizontal * enlargement
        vertical = layout.vertical * enlargement
        width = (codedWidth * blockSize).dividedRoundingUp(by: 8 * maximumHorizontal)
        height = (codedHeight * blockSize).dividedRoundingUp(by: 8 * maximumVertical)
        blocksPerRow = codedWidth.dividedRoundingUp(by: 8 * maximumHorizontal)
        blockRows = codedHeight.dividedRoundingUp(by: 8 * maximumVertical)
        self.paddedBlocksPerRow = paddedBlocksPerRow
        self.paddedBlockRows = paddedBlockRows
    }
}

extension Int {
    fileprivate func dividedRoundingUp(by divisor: Int) -> Int { (self + divisor - 1) / divisor }
}

/// A scan header (SOS): which components the scan carries, and which part of their coefficients.
struct JPEGScanHeader {
    struct Member {
        /// Index into the frame's components.
        let component: Int
        let dcTable: Int
        let acTable: Int
    }

    let members: [Member]
    /// First and last coefficient in zigzag order, 0…63 (progressive only).
    let spectralStart: Int
    let spectralEnd: Int
    /// Bit position of the previous scan of these coefficients, 0 for the first.
    let approximationHigh: Int
    /// Bit position of this scan.
    let approximationLow: Int

    init(_ contents: JPEGSegment, frame: JPEGFrame) throws(CLIPError) {
        var segment = contents
        let start = segment.position
        let count = Int(try segment.byte())
        guard (1...4).contains(count), segment.count == 2 * count + 3 else {
            throw .brokenJPEG(at: start, "the scan header's length does not fit its \(count) components")
        }
        var members: [Member] = []
        for _ in 0..<count {
            let id = try segment.byte()
            let tables = try segment.byte()
            // Ids may repeat in a frame: the first component that this scan has not yet taken is meant.
            let match = frame.components.indices.first { index in
                frame.components[index].layout.id == id && !members.contains { $0.component == index }
            }
            guard let match else {
                throw .brokenJPEG(at: segment.position - 2, "the scan names component \(id), which the frame lacks")
            }
            members.append(Member(component: match, dcTable: Int(tables >> 4), acTable: Int(tables & 15)))
        }
        self.members = members
        spectralStart = Int(try segment.byte())
        spectralEnd = Int(try segment.byte())
        let approximation = try segment.byte()
        (approximationHigh, approximationLow) = (Int(approximation >> 4), Int(approximation & 15))

        if members.count > 1 {
            let blocks = members.reduce(0) {
                let layout = frame.components[$1.component].layout
                return $0 + layout.horizontal * layout.vertical
            }
            guard blocks <= 10 else {
                throw .brokenJPEG(at: start, "\(blocks) blocks in an MCU: 10 is the limit")
            }
        }
        if frame.isProgressive { try requireLegalProgression(at: start) }
    }

    private func requireLegalProgression(at offset: Int) throws(CLIPError) {
        let isDCOnly = spectralStart == 0
        let hasLegalRange =
            isDCOnly
            ? spectralEnd == 0
            : spectralStart <= spectralEnd && spectralEnd < 64 && members.count == 1
        let hasLegalBits =
            (approximationHigh == 0 || approximationLow == approximationHigh - 1) && approximationLow <= 13
        guard hasLegalRange, hasLegalBits else {
            throw .brokenJPEG(
                at: offset,
                "a progressive scan of coefficients \(spectralStart) to \(spectralEnd),"
                    + " bits \(approximationHigh) to \(approximationLow), \(members.count) components")
        }
    }
}
