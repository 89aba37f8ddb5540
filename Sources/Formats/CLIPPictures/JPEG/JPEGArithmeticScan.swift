/// Reads the blocks of an arithmetic-coded scan, sequential or progressive (T.81, annexes F.2.4 and G.1.3).
struct JPEGArithmeticScan: JPEGScan {
    private static let dcContexts = 64
    private static let acContexts = 256

    private let header: JPEGScanHeader
    private let conditioning: JPEGConditioning
    private let isProgressive: Bool
    private let zigzag = JPEGStorage(JPEGZigzag.order)
    /// For each of 16 tables the contexts of DC, then of AC, then the even one.
    private let contexts: JPEGStorage<UInt8>
    /// For each of the scan's components the last DC coefficient and the context that its last difference sets.
    private var predictions = [Int](repeating: 0, count: 4)
    private var dcCategories = [Int](repeating: 0, count: 4)
    private var decoder = JPEGArithmeticDecoder()
    private var restarts: JPEGRestarts
    /// Damaged data was met: nothing more is read up to the next restart.
    private var hasFailed = false
    private(set) var reader: JPEGBitReader

    var hasRunOut: Bool { restarts.hasRunOut || reader.isAtEnd }
    var isExhausted: Bool { false }

    init(_ header: JPEGScanHeader, isProgressive: Bool, _ file: JPEGFile) {
        self.header = header
        self.isProgressive = isProgressive
        conditioning = file.conditioning
        contexts = JPEGStorage(repeating: 0, count: 16 * (Self.dcContexts + Self.acContexts) + 1)
        restarts = JPEGRestarts(interval: file.restartInterval)
        reader = JPEGBitReader(file.segments.bytes, position: file.segments.position)
        begin()
    }

    private mutating func begin() {
        contexts.base.update(repeating: 0, count: contexts.count)
        contexts.base[contexts.count - 1] = JPEGProbabilities.even
        for member in 0..<4 { (predictions[member], dcCategories[member]) = (0, 0) }
        decoder = JPEGArithmeticDecoder()
        hasFailed = false
    }

    mutating func beginUnit() -> Bool {
        if restarts.beginUnit(&reader) { begin() }
        return !hasFailed
    }

    mutating func endUnit() {}

    mutating func readBlock(member: Int, index: Int, of plane: JPEGCoefficients) {
        guard !hasFailed else { return }
        let (block, set) = (plane.block(index), plane.set(index))
        set.pointee.bits |= 1
        if !isProgressive {
            readDC(member, shift: 0, into: block)
            readAC(member, 1...63, shift: 0, into: block, set)
        } else if header.spectralStart == 0 {
            if header.approximationHigh == 0 {
                readDC(member, shift: header.approximationLow, into: block)
            } else if decide(even) {
                block[0] |= 1 &<< Int16(header.approximationLow)
            }
        } else {
            let range = header.spectralStart...header.spectralEnd
            if header.approximationHigh == 0 {
                readAC(member, range, shift: header.approximationLow, into: block, set)
            } else {
                refineAC(member, range, in: block, set)
            }
        }
    }

    private var even: UnsafeMutablePointer<UInt8> { contexts.base + (contexts.count - 1) }

    private mutating func decide(_ context: UnsafeMutablePointer<UInt8>) -> Bool { decoder.decode(context, &reader) }

    /// Reads the bits of a magnitude: how many there are, then those below the highest.
    /// - Parameters:
    ///   - context: of the next decision whether there is one bit more.
    ///   - magnitude: what the decisions before have led to.
    /// - Returns: the number, one less than the coefficient's absolute value; nil if no encoder writes it.
    private mutating func magnitude(
        _ context: UnsafeMutablePointer<UInt8>, from magnitude: Int
    ) -> (number: Int, highest: Int)? {
        var (context, highest) = (context, magnitude)
        while decide(context) {
            highest <<= 1
            guard highest < 0x8000 else {
                hasFailed = true
                return nil
            }
            context += 1
        }
        return (lowBits(context + 14, highest), highest)
    }

    private mutating func lowBits(_ context: UnsafeMutablePointer<UInt8>, _ highest: Int) -> Int {
        var number = highest
        var bit = highest >> 1
        while bit > 0 {
            if decide(context) { number |= bit }
            bit >>= 1
        }
        return number
    }

    private mutating func readDC(_ member: Int, shift: Int, into block: UnsafeMutablePointer<Int16>) {
        let table = header.members[member].dcTable
        let base = contexts.base + table * Self.dcContexts
        let first = base + dcCategories[member]
        if !decide(first) {
            dcCategories[member] = 0
        } else {
            let isNegative = decide(first + 1)
            let sizes = first + (isNegative ? 3 : 2)
            var (number, highest) = (0, 0)
            if decide(sizes) {
                guard let read = magnitude(base + 20, from: 1) else { return }
                (number, highest) = read
            }
            let (low, high) = conditioning.dcBounds(table)
            dcCategories[member] = (highest < low ? 0 : highest > high ? 12 : 4)
            if highest >= low, isNegative { dcCategories[member] += 4 }
            predictions[member] &+= isNegative ? -(number + 1) : number + 1
        }
        block[0] = Int16(truncatingIfNeeded: predictions[member] &<< shift)
    }

    private mutating func readAC(
        _ member: Int, _ range: ClosedRange<Int>, shift: Int, into block: UnsafeMutablePointer<Int16>,
        _ set: UnsafeMutablePointer<JPEGCoefficientSet>
    ) {
        let table = header.members[member].acTable
        let base = contexts.base + (16 * Self.dcContexts + table * Self.acContexts)
        var position = range.lowerBound
        while position <= range.upperBound {
            if decide(base + 3 * (position - 1)) { break }
            while !decide(base + (3 * (position - 1) + 1)) {
                position += 1
                guard position <= range.upperBound else {
                    hasFailed = true
                    return
                }
            }
            let isNegative = decide(even)
            let sizes = base + (3 * (position - 1) + 2)
            var number = 0
            if decide(sizes) {
                if decide(sizes) {
                    let isLow = position <= conditioning.acBound(table)
                    guard let read = magnitude(base + (isLow ? 189 : 217), from: 2) else { return }
                    number = read.number
                } else {
                    number = 1
                }
            }
            let value = isNegative ? -(number + 1) : number + 1
            block[Int(zigzag.base[position])] = Int16(truncatingIfNeeded: value &<< shift)
            set.pointee.bits |= 1 << UInt64(position)
            position += 1
        }
    }

    private mutating func refineAC(
        _ member: Int, _ range: ClosedRange<Int>, in block: UnsafeMutablePointer<Int16>,
        _ set: UnsafeMutablePointer<JPEGCoefficientSet>
    ) {
        let table = header.members[member].acTable
        let base = contexts.base + (16 * Self.dcContexts + table * Self.acContexts)
        let bit = Int16(1) &<< Int16(header.approximationLow)
        // No end is coded before the last coefficient that the scans before have set.
        var known = range.upperBound
        while known > 0, block[Int(zigzag.base[known])] == 0 { known -= 1 }

        var position = range.lowerBound
        while position <= range.upperBound {
            if position > known, decide(base + 3 * (position - 1)) { break }
            while true {
                let coefficient = block + Int(zigzag.base[position])
                if coefficient.pointee != 0 {
                    if decide(base + (3 * (position - 1) + 2)) {
                        coefficient.pointee = coefficient.pointee &+ (coefficient.pointee < 0 ? -bit : bit)
                    }
                    break
                }
                if decide(base + (3 * (position - 1) + 1)) {
                    coefficient.pointee = decide(even) ? -bit : bit
                    set.pointee.bits |= 1 << UInt64(position)
                    break
                }
                position += 1
                guard position <= range.upperBound else {
                    hasFailed = true
                    return
                }
            }
            position += 1
        }
    }
}
