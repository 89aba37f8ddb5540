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
