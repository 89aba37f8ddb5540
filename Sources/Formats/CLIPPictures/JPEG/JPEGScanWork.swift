/// Keeps the time that a file may take in proportion to its size and its picture's: a few bytes can ask for one more
/// pass over all blocks, and thousands of such scans fit a small file.
struct JPEGScanWork {
    private var blocksLeft: Int

    init(_ frame: JPEGFrame, byteCount: Int) {
        // Encoders write some ten scans; one for each bit of each coefficient would be several hundred.
        blocksLeft = 200 * frame.blockCount + 64 * byteCount
    }

    /// Refuses pictures of which a file can hold no more than a small part, before memory is taken for them.
    ///
    /// A block takes at least one bit, with arithmetic codes less. Files that have a sixteenth of that pass: damaged
    /// ones decode as far as they go.
    static func requireSomeData(for frame: JPEGFrame, byteCount: Int) throws(PictureError) {
        let blocksPerByte = 16 * 8 * (frame.isArithmetic ? 16 : 1)
        guard frame.blockCount <= blocksPerByte * byteCount else {
            throw .brokenJPEG(
                at: byteCount,
                "the file ends after \(byteCount) bytes, far too few for a picture of"
                    + " \(frame.width) × \(frame.height) pixels")
        }
    }

    mutating func add(_ header: JPEGScanHeader, _ frame: JPEGFrame, at offset: Int) throws(PictureError) {
        for member in header.members {
            let component = frame.components[member.component]
            // Next to no data can make arithmetic codes fill whole blocks.
            let cost = frame.isArithmetic ? 8 : 1
            blocksLeft -= cost * component.paddedBlocksPerRow * component.paddedBlockRows
        }
        guard blocksLeft >= 0 else {
            throw .brokenJPEG(at: offset, "far more scans than a picture of this size can use")
        }
    }
}
