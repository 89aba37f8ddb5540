/// Reads the orientation from EXIF data: a TIFF header and its first directory (CIPA DC-008, tag 0x0112), in every way in
/// which Pillow reads it.
///
/// Only the first directory is read, so that no chain of directories can loop; every offset is checked.
/// - Parameter tiffBytes: from the byte-order mark `II` or `MM` on; a leading `Exif\0\0` is stepped over, also twice. May be
///   a whole TIFF file.
/// - Returns: 1…8, 1 for a value that means nothing and for data that is no EXIF; nil when the data has no orientation.
package func exifOrientation(_ tiffBytes: ArraySlice<UInt8>) -> Int? {
    var bytes = tiffBytes
    for _ in 0..<2 where bytes.starts(with: [0x45, 0x78, 0x69, 0x66, 0, 0]) { bytes = bytes.dropFirst(6) }
    guard let directory = EXIFDirectory(bytes) else { return bytes.isEmpty ? nil : 1 }
    return directory.orientation
}

/// The first directory of EXIF data or of a TIFF file.
private struct EXIFDirectory {
    private let bytes: ArraySlice<UInt8>
    private let isLittleEndian: Bool
    /// BigTIFF: offsets and counts have eight bytes.
    private let isBig: Bool

    /// - Returns: nil for what does not begin as such data do.
    init?(_ bytes: ArraySlice<UInt8>) {
        let mark = Array(bytes.prefix(4))
        switch mark {
        case [0x49, 0x49, 0x2A, 0], [0x49, 0x49, 0, 0x2A], [0x49, 0x49, 0x2B, 0]: isLittleEndian = true
        case [0x4D, 0x4D, 0, 0x2A], [0x4D, 0x4D, 0x2A, 0], [0x4D, 0x4D, 0, 0x2B]: isLittleEndian = false
        default: return nil
        }
        isBig = mark.contains(0x2B)
        self.bytes = bytes
    }

    /// Bytes of a number of each type; types that are not here are stepped over.
    private static let sizes = [
        1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8,
    ]

    /// 1…8; nil where there is none.
    var orientation: Int? {
        let offsetSize = isBig ? 8 : 4
        guard let start = position(at: isBig ? 8 : 4, size: offsetSize),
            let count = position(at: start, size: isBig ? 8 : 2)
        else { return nil }
        let entrySize = 4 + 2 * offsetSize
        var known: Set<Int> = []
        var room = bytes.count
        // Directories that say more entries than there are end where the data does.
        for index in 0..<min(count, bytes.count / entrySize) {
            let entry = start + (isBig ? 8 : 2) + index * entrySize
            guard entry <= bytes.count - entrySize, let tag = position(at: entry, size: 2),
                let type = position(at: entry + 2, size: 2), let length = unsigned(at: entry + 4, size: offsetSize)
            else { return nil }
            // Of several entries the first counts.
            guard !known.contains(tag), let unit = EXIFDirectory.sizes[type], length > 0 else { continue }
            let (size, overflow) = length.multipliedReportingOverflow(by: UInt64(unit))
            var values = entry + 4 + offsetSize
            if overflow || size > offsetSize {
                // All values together fit into the data, or some are stepped over.
                guard !overflow, size <= room else {
                    room = -1
                    continue
                }
                room -= Int(size)
                // Nothing is read behind values that the data end before.
                guard let offset = position(at: values, size: offsetSize), offset <= bytes.count - Int(size) else {
                    return nil
                }
                values = offset
            }
            known.insert(tag)
            guard tag == 0x0112 else { continue }
            // Writers are meant to use one SHORT, some do not.
            let value = number(type, at: values) ?? 1
            return (1...8).contains(value) ? value : 1
        }
        return nil
    }

    /// A number; nil for what is not whole, and for bytes and letters, which are none.
    private func number(_ type: Int, at offset: Int) -> Int? {
        func bits(_ size: Int, _ place: Int = 0) -> UInt64 { unsigned(at: offset + place, size: size) ?? 0 }
        func signed(_ place: Int = 0) -> Int { Int(Int32(truncatingIfNeeded: bits(4, place))) }
        func quotient(_ numerator: Int, _ denominator: Int) -> Int? {
            denominator != 0 && numerator % denominator == 0 ? numerator / denominator : nil
        }
        switch type {
        case 3: return Int(bits(2))
        case 4, 13: return Int(bits(4))
        case 5: return quotient(Int(bits(4)), Int(bits(4, 4)))
        case 6: return Int(Int8(truncatingIfNeeded: bits(1)))
        case 8: return Int(Int16(truncatingIfNeeded: bits(2)))
        case 9: return signed()
        case 10: return quotient(signed(), signed(4))
        case 11: return Int(exactly: Float(bitPattern: UInt32(bits(4))))
        case 12: return Int(exactly: Double(bitPattern: bits(8)))
        case 16: return Int(exactly: bits(8))
        default: return nil
        }
    }

    /// An offset, a count or a short number; nil where it is not in the data or leads nowhere near them.
    private func position(at offset: Int, size: Int) -> Int? {
        unsigned(at: offset, size: size).flatMap { $0 < 1 << 48 ? Int($0) : nil }
    }

    private func unsigned(at offset: Int, size: Int) -> UInt64? {
        guard offset >= 0, offset <= bytes.count - size else { return nil }
        var value: UInt64 = 0
        for index in 0..<size {
            let place = isLittleEndian ? size - 1 - index : index
            value = value << 8 | UInt64(bytes[bytes.startIndex + offset + place])
        }
        return value
    }
}

/// Reads the orientation from an XMP packet (ISO 16684-1), where programs write it as an attribute or an element:
/// `tiff:Orientation="6"` or `<tiff:Orientation>6<`.
///
/// Searched for as Pillow does, without parsing the packet: the first place with a digit counts. One pass over the packet.
/// - Returns: 1…8, 1 for a value that means nothing; nil when there is no orientation.
func xmpOrientation(_ packet: ArraySlice<UInt8>) -> Int? {
    let name = Array("tiff:Orientation".utf8)
    for start in packet.indices where packet[start] == name[0] && packet[start...].starts(with: name) {
        var rest = packet[(start + name.count)...]
        if rest.starts(with: "=\"".utf8) {
            rest = rest.dropFirst(2)
        } else if rest.first == UInt8(ascii: ">") {
            rest = rest.dropFirst()
        } else {
            continue
        }
        guard let digit = rest.first, (0x30...0x39).contains(digit) else { continue }
        return (0x31...0x38).contains(digit) ? Int(digit) - 0x30 : 1
    }
    return nil
}
