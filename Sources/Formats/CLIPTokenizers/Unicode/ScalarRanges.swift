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
