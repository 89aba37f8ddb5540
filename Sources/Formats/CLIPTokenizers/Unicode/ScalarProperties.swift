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

/// A set of scalars: first and last of each range, in order, 4 characters each.
struct ScalarRanges {
    private let table: SixBitTable

    /// What the tokenizers library takes for a word character.
    static let word = ScalarRanges(StepTables.wordScalars)
    /// What it takes for a numeral.
    static let numerals = ScalarRanges(StepTables.numerals)
    static let combiningMarks = ScalarRanges(StepTables.combiningMarks)
    /// The same questions of its regular expressions, which know another version of Unicode.
    static let patternWord = ScalarRanges(StepTables.patternWordScalars)
    static let patternDigits = ScalarRanges(StepTables.patternDigits)

    private init(_ literal: StaticString) { table = SixBitTable(literal) }

    func contains(_ scalar: UInt32) -> Bool {
        var low = 0
        var high = table.count / 8
        while low < high {
            let middle = (low + high) / 2
            if table.number(at: 8 * middle + 4, count: 4) < scalar { low = middle + 1 } else { high = middle }
        }
        return low < table.count / 8 && table.number(at: 8 * low, count: 4) <= scalar
    }
}

/// Scalars that open_clip's tokenizer replaces: curly quotes, ligatures, full- and half-width forms, controls.
struct ScalarRepairs {
    private let table = SixBitTable(UnicodeTables.repairs)

    /// What to put in place of a scalar, maybe nothing; nil to leave it.
    subscript(_ scalar: UInt32) -> [UInt32]? {
        guard let row = table.row(of: UInt64(scalar), keyLength: 4, rowLength: 16) else { return nil }
        return content(at: row)
    }

    /// Every scalar that is replaced, in order.
    var all: [(scalar: UInt32, content: [UInt32])] {
        stride(from: 0, to: table.count, by: 16).map { (table.number(at: $0, count: 4), content(at: $0)) }
    }

    private func content(at row: Int) -> [UInt32] {
        [4, 8, 12].map { table.number(at: row + $0, count: 4) }.filter { $0 != 0 }
    }
}

/// The small letter of every scalar, by itself and without regard to its neighbours.
struct LowerCase {
    /// The only scalar whose small form is two: i and a dot above.
    static let capitalIWithDot: UInt32 = 0x130
    static let combiningDotAbove: UInt32 = 0x307

    /// Whether to know letters of late versions of Unicode, as transformers does and Python doesn't.
    let knowsLatest: Bool
    private let table = SixBitTable(UnicodeTables.lowercase)

    init(knowsLatest: Bool) { self.knowsLatest = knowsLatest }

    func callAsFunction(_ scalar: UInt32) -> UInt32 {
        guard let row = table.row(of: UInt64(scalar), keyLength: 4, rowLength: 9),
            knowsLatest || table.number(at: row + 8, count: 1) == 0
        else { return scalar }
        return table.number(at: row + 4, count: 4)
    }
}

/// The small sigma at a word's end (Unicode Standard, section 3.13, Final_Sigma), which Python's lower-casing knows and
/// transformers' doesn't.
enum FinalSigma {
    static let capital: UInt32 = 0x3A3
    static let small: UInt32 = 0x3C2

    /// Whether the sigma at `index` ends a word: a cased letter comes before it and none after, marks and the like aside.
    static func isFinal(in text: [CanonicalComposition.Element], at index: Int) -> Bool {
        let before = text[..<index].last { !isCaseIgnorable($0.scalar) }
        let after = text[(index + 1)...].first { !isCaseIgnorable($0.scalar) }
        return before.map { isCased($0.scalar) } ?? false && !(after.map { isCased($0.scalar) } ?? false)
    }

    private static func isCaseIgnorable(_ scalar: UInt32) -> Bool {
        properties(scalar)?.isCaseIgnorable ?? false
    }

    private static func isCased(_ scalar: UInt32) -> Bool { properties(scalar)?.isCased ?? false }

    /// Nil for what Unicode got after the version that the tables in `UnicodeTables` have of Python.
    private static func properties(_ scalar: UInt32) -> Unicode.Scalar.Properties? {
        guard let properties = Unicode.Scalar(scalar)?.properties, let age = properties.age, age.major <= 14 else {
            return nil
        }
        return properties
    }
}

/// Numbers in a string literal, 6 bits a character from "0" on, the highest first: read where the program was loaded,
/// so that a table costs nothing until it is used.
struct SixBitTable: @unchecked Sendable {
    private let start: UnsafePointer<UInt8>
    let count: Int

    init(_ literal: StaticString) {
        start = literal.utf8Start
        count = literal.utf8CodeUnitCount
    }

    /// The number that `count` characters from `offset` on spell. The offset must be inside the table.
    @inline(__always)
    func number(at offset: Int, count: Int) -> UInt32 {
        var number: UInt32 = 0
        for place in 0..<count { number = number << 6 | UInt32(start[offset + place] &- 48) }
        return number
    }

    /// The row whose first `keyLength` characters spell `key`, in a table of rows in order of their keys.
    func row(of key: UInt64, keyLength: Int, rowLength: Int) -> Int? {
        var low = 0
        var high = count / rowLength
        while low < high {
            let middle = (low + high) / 2
            var found: UInt64 = 0
            for place in 0..<keyLength { found = found << 6 | UInt64(start[middle * rowLength + place] &- 48) }
            if found == key { return middle * rowLength }
            if found < key { low = middle + 1 } else { high = middle }
        }
        return nil
    }
}

/// A run of scalars of a set.
struct ScalarRun: Equatable {
    enum Members: Equatable {
        case scalars([UInt32])
        /// White space by Unicode.
        case space
        /// White space by Python, to which four more control characters belong.
        case pythonSpace
    }

    var members: Members
    /// The shortest run that counts.
    var shortest = 1
    /// Whether a run is taken as a whole, else in parts of the shortest length.
    var isGreedy = true

    func contains(_ scalar: UInt32, _ classes: ScalarClasses) -> Bool {
        switch members {
        case .scalars(let scalars): scalars.contains(scalar)
        case .space: classes[scalar].kind(knowsNewer: false) == .space
        case .pythonSpace: scalar &- 0x1C < 4 || classes[scalar].kind(knowsNewer: true) == .space
        }
    }

    /// The ASCII characters that Python calls punctuation.
    static let punctuation = ScalarRun(
        members: .scalars("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~".unicodeScalars.map(\.value)))
}
