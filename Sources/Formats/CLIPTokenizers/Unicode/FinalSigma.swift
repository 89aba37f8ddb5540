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
