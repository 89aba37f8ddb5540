internal import CLIPSystem

/// Lossy WebP: a VP8 key frame (RFC 6386).
enum VP8Decoder {
    /// Decodes the data of a `VP8 ` chunk whose start has been checked.
    /// - Returns: `[height, width, 3]` RGB.
    static func decode(
        _ bytes: [UInt8], _ chunk: Range<Int>, format: String, _ options: DecodingOptions
    ) throws(CLIPError) -> [UInt8] {
        let size = VP8FrameHeader.size(bytes[chunk]) ?? (0, 0)
        var planes = VP8Planes(width: size.width, height: size.height)
        let isWhole = bytes.withUnsafeBufferPointer { bytes in
            fill(&planes, UnsafeBufferPointer(rebasing: bytes[chunk]))
        }
        guard isWhole || options.allowTruncated else {
            throw .truncated(
                format: format, offset: chunk.upperBound, problem: "the picture's data ends before its last pixels")
        }
        return VP8Upsampling(width: size.width, height: size.height).rgb(planes)
    }

    /// - Returns: false when the data ends early.
    private static func fill(_ planes: inout VP8Planes, _ frame: UnsafeBufferPointer<UInt8>) -> Bool {
        let tag = Int(frame[0]) | Int(frame[1]) << 8 | Int(frame[2]) << 16
        let start = VP8FrameHeader.startSize
        let first = start..<start + tag >> 5
        guard first.upperBound <= frame.count else { return false }
        var modeBits = VP8BoolDecoder(UnsafeBufferPointer(rebasing: frame[first]))
        guard let header = VP8FrameHeader(frame, &modeBits, firstPartition: first) else { return false }
        var coefficientBits = header.partitions.map { VP8BoolDecoder(UnsafeBufferPointer(rebasing: frame[$0])) }

        let across = planes.macroblocksAcross
        var modes = VP8ModeReader(header, macroblocksAcross: across)
        var reader = VP8CoefficientReader(header, macroblocksAcross: across)
        var reconstruction = VP8Reconstruction(macroblocksAcross: across)
        let filter = VP8LoopFilter(isSimple: header.loopFilter.isSimple)
        var strengths = [(strength: VP8LoopFilterHeader.Strength, hasInside: Bool)](
            repeating: (VP8LoopFilterHeader.Strength(), false), count: across)
        var coefficients = [Int16](repeating: 0, count: 25 * 16)
        var ends = [UInt8](repeating: 0, count: 24)

        for row in 0..<planes.macroblocksDown {
            let partition = row & (coefficientBits.count - 1)
            modes.beginRow()
            reader.beginRow()
            for column in 0..<across {
                let macroblock = modes.next(&modeBits, column: column)
                var hasCoefficients = false
                for index in ends.indices { ends[index] = 0 }
                if macroblock.isSkipped {
                    reader.skip(column: column, hasSubblocks: macroblock.hasSubblocks)
                } else {
                    coefficients.withUnsafeMutableBufferPointer { coefficients in
                        ends.withUnsafeMutableBufferPointer { ends in
                            coefficients.update(repeating: 0)
                            hasCoefficients = reader.read(
                                &coefficientBits[partition], column: column, hasSubblocks: macroblock.hasSubblocks,
                                header.quantisers[macroblock.segment], into: coefficients.baseAddress!,
                                ends: ends.baseAddress!)
                        }
                    }
                }
                if modeBits.isPastEnd || coefficientBits[partition].isPastEnd { return false }
                coefficients.withUnsafeBufferPointer { coefficients in
                    ends.withUnsafeBufferPointer { ends in
                        reconstruction.rebuild(
                            macroblock, column: column, row: row, coefficients.baseAddress!, ends: ends.baseAddress!,
                            into: &planes)
                    }
                }
                strengths[column] = (
                    header.loopFilter.strength(segment: macroblock.segment, hasSubblocks: macroblock.hasSubblocks),
                    macroblock.hasSubblocks || hasCoefficients
                )
            }
            guard header.loopFilter.isOn else { continue }
            for column in 0..<across {
                filter.filter(
                    &planes, column: column, row: row, strengths[column].strength,
                    hasInside: strengths[column].hasInside)
            }
        }
        return true
    }
}

/// Luma and chroma of a frame, whole macroblocks.
struct VP8Planes {
    let macroblocksAcross: Int
    let macroblocksDown: Int
    /// `[16 * macroblocksDown, 16 * macroblocksAcross]`
    var luma: [UInt8]
    /// `[8 * macroblocksDown, 8 * macroblocksAcross]`: blue difference, red difference.
    var chroma: [[UInt8]]

    init(width: Int, height: Int) {
        macroblocksAcross = (width + 15) / 16
        macroblocksDown = (height + 15) / 16
        let count = 64 * macroblocksAcross * macroblocksDown
        luma = pictureMemory(4 * count)
        // Neutral, so that what is missing of a cut frame is black.
        chroma = [[UInt8]](repeating: [UInt8](repeating: 128, count: count), count: 2)
    }

    var lumaStride: Int { 16 * macroblocksAcross }
    var chromaStride: Int { 8 * macroblocksAcross }
}
