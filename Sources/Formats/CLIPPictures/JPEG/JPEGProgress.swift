/// How much the scans of a progressive picture have told of its first coefficients.
struct JPEGProgress {
    /// Coefficients that are kept account of, in zigzag order.
    static let coefficientCount = 10
    static let unknown = -1

    /// For each component the bit down to which its coefficients are known, 0 for exactly.
    private var bits: [[Int]]
    /// The same before the last scan that has the component.
    private var bitsBefore: [[Int]]
    private var scanCount = 0
    /// The last MCU row for which the last scan had data.
    var lastRow = 0

    init(componentCount: Int) {
        bits = Array(repeating: Array(repeating: Self.unknown, count: Self.coefficientCount), count: componentCount)
        bitsBefore = bits
    }

    /// To be called before a progressive scan is read.
    mutating func begin(_ header: JPEGScanHeader) {
        scanCount += 1
        for member in header.members {
            for index in min(header.spectralStart, 1)..<Self.coefficientCount {
                bitsBefore[member.component][index] = scanCount > 1 ? bits[member.component][index] : 0
            }
            for index in header.spectralStart...header.spectralEnd where index < Self.coefficientCount {
                bits[member.component][index] = header.approximationLow
            }
        }
    }

    /// Of every component at least the beginnings of DC are known, and of some not all of AC.
    var isIncomplete: Bool {
        bits.allSatisfy { $0[0] != Self.unknown } && bits.contains { $0.dropFirst().contains { $0 != 0 } }
    }

    /// What is known of a component's coefficients in an MCU row.
    func bits(component: Int, mcuRow: Int) -> [Int] {
        if mcuRow <= lastRow { return bits[component] }
        return scanCount > 1
            ? bitsBefore[component] : Array(repeating: Self.unknown, count: Self.coefficientCount)
    }
}
