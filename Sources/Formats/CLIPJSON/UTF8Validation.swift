/// Whether bytes are UTF-8 as Unicode defines it (table 3-7): no overlong form, no surrogate, nothing above U+10FFFF.
func isUTF8(_ bytes: UnsafeBufferPointer<UInt8>.SubSequence) -> Bool {
    let (all, end) = (bytes.base, bytes.endIndex)
    var position = bytes.startIndex
    while position < end {
        let lead = all[position]
        position += 1
        guard lead >= 0x80 else { continue }
        let (count, second): (Int, ClosedRange<UInt8>)
        switch lead {
        case 0xC2...0xDF: (count, second) = (1, 0x80...0xBF)
        case 0xE0: (count, second) = (2, 0xA0...0xBF)
        case 0xED: (count, second) = (2, 0x80...0x9F)
        case 0xE1...0xEF: (count, second) = (2, 0x80...0xBF)
        case 0xF0: (count, second) = (3, 0x90...0xBF)
        case 0xF4: (count, second) = (3, 0x80...0x8F)
        case 0xF1...0xF3: (count, second) = (3, 0x80...0xBF)
        default: return false
        }
        guard end - position >= count, second.contains(all[position]) else { return false }
        for place in position + 1..<position + count where all[place] & 0xC0 != 0x80 { return false }
        position += count
    }
    return true
}
