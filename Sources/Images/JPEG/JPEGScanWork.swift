/// Keeps the time that a file may take in proportion to its size and its picture's: a few bytes can ask for one more
/// pass over all blocks, and thousands of such scans fit a small file.
struct JPEGScanWork {
    private var blocksLeft: Int

    init(_ frame: JPEGFrame, byteCount: Int) {
        // Encoders write some ten scans; one for each bit of each coefficient would be several hundred.
        blocksLeft = 200 * frame.blockCount + 64 * byteCount
    }

    mutating func add(_ header: JPEGScanHeader, _ frame: JPEGFrame, at offset: Int) throws(ImageError) {
        for member in header.members {
            let component = frame.components[member.component]
            blocksLeft -= component.paddedBlocksPerRow * component.paddedBlockRows
        }
        guard blocksLeft >= 0 else {
            throw .brokenJPEG(at: offset, "far more scans than a picture of this size can use")
        }
    }
}
