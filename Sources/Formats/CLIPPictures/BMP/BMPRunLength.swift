/// Run-length coded palette indices, RLE8 and RLE4.
struct BMPRunLength {
    let bitsPerIndex: Int
    let width: Int
    /// Pixels of the picture.
    let count: Int

    /// - Returns: `count` indices in the order of the file; 0 where the runs leave gaps.
    func decode(
        _ bytes: [UInt8], at start: Int, format: String, _ options: DecodingOptions
    ) throws(PictureError) -> [UInt8] {
        var indices = pictureMemory(count)
        var position = start
        // Pixels written so far, and the column that the current row has reached. As in Pillow a run ends with its
        // row, literal pixels flow on into the next one.
        var filled = 0
        var x = 0
        func truncated() -> PictureError {
            .truncated(format: format, offset: bytes.count, problem: "inside its run lengths")
        }
        while filled < count {
            guard bytes.count - position >= 2 else {
                if options.allowTruncated { return indices }
                throw truncated()
            }
            let (length, value) = (Int(bytes[position]), bytes[position + 1])
            position += 2
            if length > 0 {
                let run = min(length, max(0, width - x), count - filled)
                for i in 0..<run { indices[filled + i] = index(value, i) }
                filled += run
                x += run
                continue
            }
            switch value {
            case 0:
                filled = (filled + width - 1) / width * width
                x = 0
            case 1:
                return indices
            case 2:
                guard bytes.count - position >= 2 else {
                    position = bytes.count
                    continue
                }
                filled += min(count - filled, Int(bytes[position]) + Int(bytes[position + 1]) * width)
                x = filled % width
                position += 2
            default:
                let wanted = min(Int(value), count - filled)
                let byteCount = (wanted * bitsPerIndex + 7) / 8
                let perByte = 8 / bitsPerIndex
                let present = min(wanted, (bytes.count - position) * perByte)
                for i in 0..<present { indices[filled + i] = index(bytes[position + i / perByte], i) }
                filled += present
                x += Int(value)
                position = min(position + byteCount, bytes.count)
                guard present == wanted || options.allowTruncated else { throw truncated() }
                // Literal pixels are padded to an even place in the file.
                if position % 2 != 0 { position = min(position + 1, bytes.count) }
            }
        }
        return indices
    }

    /// Pixel `i` of a run or of literals, of which the byte with that pixel is `value`.
    @inline(__always)
    private func index(_ value: UInt8, _ i: Int) -> UInt8 {
        bitsPerIndex == 8 ? value : i % 2 == 0 ? value >> 4 : value & 0x0F
    }
}
