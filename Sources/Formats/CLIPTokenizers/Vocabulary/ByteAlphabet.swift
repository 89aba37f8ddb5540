/// The printable characters that stand for the 256 bytes in a byte-level vocabulary (Radford et al., GPT-2, 2019).
///
/// The printable characters of Latin-1 stand for themselves; the other 68 bytes take the scalars from U+0100 on.
enum ByteAlphabet {
    /// The scalar of every byte.
    static let scalars: [Unicode.Scalar] = {
        var scalars: [Unicode.Scalar] = []
        var next: UInt32 = 0x100
        for byte in UInt8.min...UInt8.max {
            if standsForItself(byte) {
                scalars.append(Unicode.Scalar(byte))
            } else {
                scalars.append(Unicode.Scalar(next) ?? "\u{FFFD}")
                next += 1
            }
        }
        return scalars
    }()

    /// The bytes in the order of CLIP's token ids: first those that stand for themselves.
    static let bytesInTokenOrder: [UInt8] =
        (UInt8.min...UInt8.max).filter(standsForItself) + (UInt8.min...UInt8.max).filter { !standsForItself($0) }

    /// A text with each byte of its UTF-8 as the character that stands for it.
    static func spell(_ text: ArraySlice<CanonicalComposition.Element>) -> [CanonicalComposition.Element] {
        var spelled: [CanonicalComposition.Element] = []
        spelled.reserveCapacity(text.count)
        for element in text {
            for byte in UTF8.encode(Unicode.Scalar(element.scalar) ?? "\u{FFFD}") ?? .init() {
                spelled.append(.init(scalar: scalars[Int(byte)].value, offset: element.offset))
            }
        }
        return spelled
    }

    private static func standsForItself(_ byte: UInt8) -> Bool {
        (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || byte >= 0xAE
    }
}
