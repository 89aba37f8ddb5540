/// Reads the orientation from EXIF data: a TIFF header and its first directory (CIPA DC-008, tag 0x0112).
///
/// Only the first directory is read, so that no chain of directories can loop; every offset is checked.
/// - Parameter tiffBytes: from the byte-order mark `II` or `MM` on; a leading `Exif\0\0` is stepped over.
/// - Returns: 1…8, 1 for a value that means nothing and for data that is no EXIF; nil when the data has no orientation.
package func exifOrientation(_ tiffBytes: ArraySlice<UInt8>) -> Int? {
    let hasPrefix = tiffBytes.starts(with: [0x45, 0x78, 0x69, 0x66, 0, 0])
    let bytes = hasPrefix ? tiffBytes.dropFirst(6) : tiffBytes
    let isLittleEndian: Bool
    if bytes.starts(with: [0x49, 0x49, 0x2A, 0]) {
        isLittleEndian = true
    } else if bytes.starts(with: [0x4D, 0x4D, 0, 0x2A]) {
        isLittleEndian = false
    } else {
        return bytes.isEmpty ? nil : 1
    }

    func unsigned(at offset: Int, byteCount: Int) -> Int? {
        guard offset >= 0, offset <= bytes.count - byteCount else { return nil }
        var value = 0
        for i in 0..<byteCount {
            let byte = Int(bytes[bytes.startIndex + offset + i])
            value |= byte << (8 * (isLittleEndian ? i : byteCount - 1 - i))
        }
        return value
    }

    guard let directory = unsigned(at: 4, byteCount: 4), let entryCount = unsigned(at: directory, byteCount: 2)
    else { return nil }
    var orientation: Int?
    for entry in 0..<entryCount {
        let offset = directory + 2 + 12 * entry
        guard let tag = unsigned(at: offset, byteCount: 2), let type = unsigned(at: offset + 2, byteCount: 2),
            let count = unsigned(at: offset + 4, byteCount: 4)
        else { break }
        guard tag == 0x0112, count == 1 else { continue }
        // BYTE, SHORT and LONG: writers are meant to use SHORT, some do not.
        let byteCount = type == 1 ? 1 : type == 3 ? 2 : type == 4 ? 4 : 0
        guard byteCount > 0, let value = unsigned(at: offset + 8, byteCount: byteCount) else { continue }
        orientation = (1...8).contains(value) ? value : 1
    }
    return orientation
}
