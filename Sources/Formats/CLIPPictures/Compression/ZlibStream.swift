/// A zlib stream (RFC 1950) decompressed through a sliding window, so that memory does not depend on its length.
struct ZlibStream {
    private static let history = 32768
    private static let chunk = 1 << 17

    private let input: [UInt8]
    private var inflater: Inflater
    private var window: [UInt8]
    private var written = 0
    private var checksum = Adler32()

    /// - Throws: `StreamFault` when the two header bytes are not a zlib header.
    init(_ input: [UInt8]) throws(StreamFault) {
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
    var position: Int { inflater.position }

    /// How a call of `next` ended.
    enum Progress {
        case more
        case finished
        case failed(StreamFault)
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

    private mutating func inflateOnce() -> StreamFault? {
        input.withUnsafeBufferPointer { input in
            window.withUnsafeMutableBufferPointer { window in
                do throws(StreamFault) {
                    try inflater.inflate(input, into: window, written: &written)
                    return nil
                } catch {
                    return error
                }
            }
        }
    }
}

/// The checksum of zlib streams, RFC 1950 section 8.2.
struct Adler32 {
    private var low: UInt32 = 1
    private var high: UInt32 = 0
    private static let modulus: UInt32 = 65521

    var value: UInt32 { high << 16 | low }

    mutating func update(_ bytes: UnsafeBufferPointer<UInt8>) {
        // 16 lanes, each its own pair of sums; 4096 bytes are 256 steps, whose sums stay far below 2^32.
        var start = 0
        while bytes.count - start >= 16 {
            let steps = min((bytes.count - start) / 16, 256)
            var sums = SIMD16<UInt32>(repeating: 0)
            var sumsOfSums = SIMD16<UInt32>(repeating: 0)
            for step in 0..<steps {
                let offset = start &+ 16 &* step
                let block = UnsafeRawPointer(bytes.baseAddress! + offset).loadUnaligned(as: SIMD16<UInt8>.self)
                sumsOfSums &+= sums
                sums &+= SIMD16<UInt32>(truncatingIfNeeded: block)
            }
            // A byte in lane l of step s is counted by `high` once for itself and once per byte after it.
            let weights = SIMD16<UInt32>(16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1)
            let count = UInt32(16 * steps)
            high =
                (high + count * low + 16 * sumsOfSums.wrappedSum() + (weights &* sums).wrappedSum()) % Adler32.modulus
            low = (low + sums.wrappedSum()) % Adler32.modulus
            start += 16 * steps
        }
        for offset in start..<bytes.count {
            low = (low + UInt32(bytes[offset])) % Adler32.modulus
            high = (high + low) % Adler32.modulus
        }
    }
}
