/// A zlib stream (RFC 1950) decompressed through a sliding window, so that memory does not depend on its length.
struct ZlibStream {
    private static let history = 32768
    private static let chunk = 1 << 17

    private let input: [UInt8]
    private var inflater: Inflater
    private var window: [UInt8]
    private var written = 0
    private var checksum = Adler32()

    /// - Throws: `InflateError` when the two header bytes are not a zlib header.
    init(_ input: [UInt8]) throws(InflateError) {
        guard input.count >= 2 else { throw .endsEarly }
        let (method, flags) = (input[0], input[1])
        guard method & 0x0F == 8, method >> 4 <= 7, (UInt16(method) << 8 | UInt16(flags)) % 31 == 0 else {
            throw .corrupt("the compressed data has no zlib header")
        }
        guard flags & 0x20 == 0 else { throw .corrupt("the compressed data asks for a preset dictionary") }
        self.input = input
        inflater = Inflater(position: 2)
        window = [UInt8](repeating: 0, count: ZlibStream.history + ZlibStream.chunk + Inflater.slack)
    }

    /// Where in the input the reading stands.
    var position: Int { inflater.bits.position }

    /// How a call of `next` ended.
    enum Progress {
        case more
        case finished
        case failed(InflateError)
    }

    /// Hands the next piece of output, possibly empty, to `body`.
    ///
    /// Whatever was decompressed before an error goes to `body` too: what a damaged file holds is not lost.
    mutating func next<Failure: Error>(
        _ body: (UnsafeBufferPointer<UInt8>) throws(Failure) -> Void
    ) throws(Failure) -> Progress {
        if written > ZlibStream.history {
            let surplus = written - ZlibStream.history
            window.withUnsafeMutableBufferPointer { window in
                window.baseAddress!.update(from: window.baseAddress! + surplus, count: ZlibStream.history)
            }
            written = ZlibStream.history
        }
        let start = written
        let failure = inflateOnce()
        try window.withUnsafeBufferPointer { (window) throws(Failure) in
            let piece = UnsafeBufferPointer(rebasing: window[start..<written])
            checksum.update(piece)
            try body(piece)
        }
        if let failure { return .failed(failure) }
        guard inflater.isFinished else { return .more }
        let trailer = input.dropFirst(position).prefix(4)
        guard trailer.count == 4 else { return .failed(.endsEarly) }
        let expected = trailer.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return expected == checksum.value
            ? .finished : .failed(.corrupt("the checksum of the decompressed data is wrong"))
    }

    private mutating func inflateOnce() -> InflateError? {
        input.withUnsafeBufferPointer { input in
            window.withUnsafeMutableBufferPointer { window in
                do throws(InflateError) {
                    try inflater.inflate(input, into: window, written: &written)
                    return nil
                } catch {
                    return error
                }
            }
        }
    }
}
