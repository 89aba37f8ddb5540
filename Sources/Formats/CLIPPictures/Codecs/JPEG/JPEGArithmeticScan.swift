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

    mutating func readBlock(member: Int, index: Int, of plane: JPEGCoefficients.Plane) {
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

/// Decodes binary decisions with the QM coder (T.81, annex D.2).
private struct JPEGArithmeticDecoder {
    private let states = JPEGStorage(JPEGProbabilities.states)
    private var code = 0
    private var interval = 0
    /// Bits of `code` beyond the 16 that are compared; below zero until the first two bytes are in.
    private var shift = -16

    /// Decodes a decision.
    /// - Parameters:
    ///   - context: in bits 0…6 a state, in bit 7 the more probable symbol; both adapt.
    ///   - reader: where bytes are taken from; zeros at a marker.
    @inline(__always)
    mutating func decode(_ context: UnsafeMutablePointer<UInt8>, _ reader: inout JPEGBitReader) -> Bool {
        while interval < 0x8000 {
            shift &-= 1
            if shift < 0 {
                code = code &<< 8 | Int(reader.nextByte() ?? 0)
                shift &+= 8
                if shift < 0 {
                    shift &+= 1
                    if shift == 0 { interval = 0x8000 }
                }
            }
            interval = interval &<< 1
        }
        let symbol = context.pointee & 0x80
        let state = states.base[Int(context.pointee & 0x7F)]
        let share = Int(state &>> 16)
        let afterLess = symbol ^ UInt8(truncatingIfNeeded: state)
        let afterMore = symbol | UInt8(truncatingIfNeeded: state &>> 8)

        interval &-= share
        let isMore: Bool
        if code >= interval &<< shift {
            code &-= interval &<< shift
            // The larger part of the interval is the more probable symbol's, whichever side it lies on.
            isMore = interval < share
            interval = share
        } else {
            guard interval < 0x8000 else { return symbol != 0 }
            isMore = interval >= share
        }
        context.pointee = isMore ? afterMore : afterLess
        return (symbol != 0) == isMore
    }
}

/// How the arithmetic coder's estimates of probability move (T.81, table D.3).
private enum JPEGProbabilities {
    /// A decision whose probability stays at one half: an entry of its own behind the standard's 113.
    static let even: UInt8 = 113

    /// For each state: the less probable symbol's share of the interval in bits 16…31, the next state after the more
    /// probable symbol in bits 8…14, in bit 7 whether the symbols change places after the less probable one, and the
    /// next state after that one in bits 0…6.
    static let states: [UInt32] = [
        0x5A1D0181, 0x2586020E, 0x11140310, 0x080B0412, 0x03D80514, 0x01DA0617, 0x00E50719, 0x006F081C,
        0x0036091E, 0x001A0A21, 0x000D0B23, 0x00060C09, 0x00030D0A, 0x00010D0C, 0x5A7F0F8F, 0x3F251024,
        0x2CF21126, 0x207C1227, 0x17B91328, 0x1182142A, 0x0CEF152B, 0x09A1162D, 0x072F172E, 0x055C1830,
        0x04061931, 0x03031A33, 0x02401B34, 0x01B11C36, 0x01441D38, 0x00F51E39, 0x00B71F3B, 0x008A203C,
        0x0068213E, 0x004E223F, 0x003B2320, 0x002C0921, 0x5AE125A5, 0x484C2640, 0x3A0D2741, 0x2EF12843,
        0x261F2944, 0x1F332A45, 0x19A82B46, 0x15182C48, 0x11772D49, 0x0E742E4A, 0x0BFB2F4B, 0x09F8304D,
        0x0861314E, 0x0706324F, 0x05CD3330, 0x04DE3432, 0x040F3532, 0x03633633, 0x02D43734, 0x025C3835,
        0x01F83936, 0x01A43A37, 0x01603B38, 0x01253C39, 0x00F63D3A, 0x00CB3E3B, 0x00AB3F3D, 0x008F203D,
        0x5B1241C1, 0x4D044250, 0x412C4351, 0x37D84452, 0x2FE84553, 0x293C4654, 0x23794756, 0x1EDF4857,
        0x1AA94957, 0x174E4A48, 0x14244B48, 0x119C4C4A, 0x0F6B4D4A, 0x0D514E4B, 0x0BB64F4D, 0x0A40304D,
        0x583251D0, 0x4D1C5258, 0x438E5359, 0x3BDD545A, 0x34EE555B, 0x2EAE565C, 0x299A575D, 0x25164756,
        0x557059D8, 0x4CA95A5F, 0x44D95B60, 0x3E225C61, 0x38245D63, 0x32B45E63, 0x2E17565D, 0x56A860DF,
        0x4F466165, 0x47E56266, 0x41CF6367, 0x3C3D6468, 0x375E5D63, 0x52316669, 0x4C0F676A, 0x4639686B,
        0x415E6367, 0x56276AE9, 0x50E76B6C, 0x4B85676D, 0x55976D6E, 0x504F6B6F, 0x5A106FEE, 0x55226D70,
        0x59EB6FF0, 0x5A1D7171,
    ]
}
