internal import CLIPSystem

/// The second byte of the markers that the decoder acts upon (ITU-T T.81, table B.1).
enum JPEGMarker {
    static let formatName = "JPEG"

    static let startOfImage: UInt8 = 0xD8
    static let endOfImage: UInt8 = 0xD9
    static let startOfScan: UInt8 = 0xDA
    static let quantisationTables: UInt8 = 0xDB
    static let huffmanTables: UInt8 = 0xC4
    static let arithmeticConditioning: UInt8 = 0xCC
    static let restartInterval: UInt8 = 0xDD
    static let numberOfLines: UInt8 = 0xDC
    static let firstRestart: UInt8 = 0xD0
    static let lastRestart: UInt8 = 0xD7
    static let temporary: UInt8 = 0x01
    static let jfif: UInt8 = 0xE0
    static let exif: UInt8 = 0xE1
    static let adobe: UInt8 = 0xEE

    static func isRestart(_ marker: UInt8) -> Bool { marker >= firstRestart && marker <= lastRestart }

    /// SOF0…SOF15 without the three codes of that range that mean something else (DHT, JPG, DAC).
    static func isStartOfFrame(_ marker: UInt8) -> Bool {
        marker >= 0xC0 && marker <= 0xCF && marker != huffmanTables && marker != 0xC8
            && marker != arithmeticConditioning
    }
}

/// Steps through the markers of a JPEG file and the segments that follow them.
struct JPEGSegmentReader {
    let bytes: UnsafeBufferPointer<UInt8>
    /// Where the search for the next marker begins.
    var position: Int

    /// The next marker, past garbage, stuffed zeros and fill bytes; nil at the end of the data.
    /// `position` is then behind the marker.
    mutating func nextMarker() -> UInt8? {
        while position < bytes.count {
            guard bytes[position] == 0xFF else {
                position += 1
                continue
            }
            var code = position + 1
            while code < bytes.count, bytes[code] == 0xFF { code += 1 }
            guard code < bytes.count else { break }
            position = code + 1
            if bytes[code] != 0 { return bytes[code] }
        }
        position = bytes.count
        return nil
    }

    /// The contents of the segment that begins here, without its length; `position` is then behind it.
    mutating func segment() throws(CLIPError) -> JPEGSegment {
        guard position + 2 <= bytes.count else {
            throw .truncatedJPEG(at: bytes.count, "inside a marker segment's length")
        }
        // A length that does not even cover itself is taken for an empty segment's, as other decoders do.
        let length = max(2, Int(bytes[position]) << 8 | Int(bytes[position + 1]))
        guard position + length <= bytes.count else {
            throw .truncatedJPEG(
                at: bytes.count, "inside a marker segment that begins at byte \(position) and has \(length) bytes")
        }
        let contents = JPEGSegment(bytes: bytes, start: position + 2, end: position + length)
        position += length
        return contents
    }
}

/// The contents of a marker segment, read from the front.
struct JPEGSegment {
    private let bytes: UnsafeBufferPointer<UInt8>
    private(set) var position: Int
    private let end: Int

    init(bytes: UnsafeBufferPointer<UInt8>, start: Int, end: Int) {
        self.bytes = bytes
        position = start
        self.end = end
    }

    var count: Int { end - position }

    mutating func byte() throws(CLIPError) -> UInt8 {
        guard position < end else { throw .brokenJPEG(at: position, "a marker segment is too short for its contents") }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func word() throws(CLIPError) -> Int {
        let high = try byte()
        return Int(high) << 8 | Int(try byte())
    }

    func starts(with text: String) -> Bool {
        count >= text.utf8.count && bytes[position..<end].starts(with: text.utf8)
    }

    /// What is left, as an array whose indices begin at 0.
    var remaining: ArraySlice<UInt8> { Array(bytes[position..<end])[...] }

    /// The byte `offset` behind the read position.
    subscript(offset: Int) -> UInt8? { offset < count ? bytes[position + offset] : nil }
}

extension CLIPError {
    static func brokenJPEG(at offset: Int, _ problem: String) -> CLIPError {
        .malformed(format: JPEGMarker.formatName, offset: offset, problem: problem)
    }

    static func truncatedJPEG(at offset: Int, _ problem: String) -> CLIPError {
        .truncated(format: JPEGMarker.formatName, offset: offset, problem: problem)
    }

    static func unsupportedJPEG(_ feature: String) -> CLIPError {
        .unsupported(
            format: JPEGMarker.formatName, feature: feature,
            advice: "convert it to 8-bit baseline or progressive JPEG, or to PNG, first")
    }
}
