/// What a tokenizer asks about a Unicode scalar.
struct ScalarClass {
    enum Kind: UInt8 {
        case other, letter, number, space
    }

    private let bits: UInt8

    init(bits: UInt8) { self.bits = bits }

    /// Its kind. Letters and numbers that Unicode got lately are `other` to transformers.
    @inline(__always)
    func kind(knowsNewer: Bool) -> Kind {
        bits & 4 != 0 && !knowsNewer ? .other : Kind(rawValue: bits & 3).unsafelyUnwrapped
    }

    /// It has a small letter other than itself.
    var isCased: Bool { bits & 8 != 0 }

    /// It could change in NFC, by itself or after another.
    var isUnnormalized: Bool { bits & 16 != 0 }

    /// open_clip's tokenizer puts something else in its place.
    var isRepaired: Bool { bits & 32 != 0 }
}

/// The lookup by scalar, in two steps: a block of 128, then the place in it.
struct ScalarClasses {
    private let indexes = SixBitTable(UnicodeTables.blockIndexes)
    private let blocks = SixBitTable(UnicodeTables.blocks)

    @inline(__always)
    subscript(_ scalar: UInt32) -> ScalarClass {
        guard scalar < UnicodeTables.end else { return ScalarClass(bits: 0) }
        let block = Int(indexes.number(at: 2 &* Int(scalar >> 7), count: 2))
        return ScalarClass(
            bits: UInt8(truncatingIfNeeded: blocks.number(at: 128 &* block &+ Int(scalar & 127), count: 1)))
    }
}
