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

    init(_ contents: JPEGSegment, frame: JPEGFrame) throws(PictureError) {
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

    private func requireLegalProgression(at offset: Int) throws(PictureError) {
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
