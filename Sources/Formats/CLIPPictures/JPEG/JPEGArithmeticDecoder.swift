/// Decodes binary decisions with the QM coder (T.81, annex D.2).
struct JPEGArithmeticDecoder {
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
