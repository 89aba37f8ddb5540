/// Eight places of an edge in a plane: loads the pixels on its two sides, filters and stores them.
struct VP8Edge {
    let stride: Int

    /// An edge that runs across, just above `place`.
    @inline(__always)
    func across(_ place: UnsafeMutablePointer<UInt8>, _ filter: (inout VP8EdgeFilter.Pixels) -> Bool) {
        @inline(__always) func load(_ row: Int) -> VP8EdgeFilter.Lanes {
            VP8EdgeFilter.Lanes(
                truncatingIfNeeded: UnsafeRawPointer(place + row &* stride).loadUnaligned(as: SIMD8<UInt8>.self))
        }
        @inline(__always) func store(_ lanes: VP8EdgeFilter.Lanes, _ row: Int) {
            UnsafeMutableRawPointer(place + row &* stride)
                .storeBytes(of: SIMD8<UInt8>(truncatingIfNeeded: lanes), as: SIMD8<UInt8>.self)
        }
        var pixels = VP8EdgeFilter.Pixels(
            p3: load(-4), p2: load(-3), p1: load(-2), p0: load(-1), q0: load(0), q1: load(1), q2: load(2), q3: load(3))
        guard filter(&pixels) else { return }
        store(pixels.p2, -3)
        store(pixels.p1, -2)
        store(pixels.p0, -1)
        store(pixels.q0, 0)
        store(pixels.q1, 1)
        store(pixels.q2, 2)
    }

    /// An edge that runs down, just left of `place`.
    @inline(__always)
    func down(_ place: UnsafeMutablePointer<UInt8>, _ filter: (inout VP8EdgeFilter.Pixels) -> Bool) {
        let rows = UnsafeMutableRawPointer(place - 4)
        @inline(__always) func load(_ row: Int) -> UInt64 {
            UInt64(littleEndian: rows.loadUnaligned(fromByteOffset: row &* stride, as: UInt64.self))
        }
        @inline(__always) func store(_ word: UInt64, _ row: Int) {
            rows.storeBytes(of: word.littleEndian, toByteOffset: row &* stride, as: UInt64.self)
        }
        @inline(__always) func lanes(_ word: UInt64) -> VP8EdgeFilter.Lanes {
            VP8EdgeFilter.Lanes(truncatingIfNeeded: unsafeBitCast(word.littleEndian, to: SIMD8<UInt8>.self))
        }
        @inline(__always) func word(_ lanes: VP8EdgeFilter.Lanes) -> UInt64 {
            UInt64(littleEndian: unsafeBitCast(SIMD8<UInt8>(truncatingIfNeeded: lanes), to: UInt64.self))
        }
        var block = ByteSquare(
            a: load(0), b: load(1), c: load(2), d: load(3), e: load(4), f: load(5), g: load(6), h: load(7))
        block.transpose()
        var pixels = VP8EdgeFilter.Pixels(
            p3: lanes(block.a), p2: lanes(block.b), p1: lanes(block.c), p0: lanes(block.d),
            q0: lanes(block.e), q1: lanes(block.f), q2: lanes(block.g), q3: lanes(block.h))
        guard filter(&pixels) else { return }
        block = ByteSquare(
            a: block.a, b: word(pixels.p2), c: word(pixels.p1), d: word(pixels.p0), e: word(pixels.q0),
            f: word(pixels.q1), g: word(pixels.q2), h: block.h)
        block.transpose()
        store(block.a, 0)
        store(block.b, 1)
        store(block.c, 2)
        store(block.d, 3)
        store(block.e, 4)
        store(block.f, 5)
        store(block.g, 6)
        store(block.h, 7)
    }
}

/// Eight rows of eight bytes, the first byte of a row lowest.
private struct ByteSquare {
    var a, b, c, d, e, f, g, h: UInt64

    /// Exchanges rows and columns: blocks of four, of two, of one.
    @inline(__always)
    mutating func transpose() {
        @inline(__always) func exchange(_ x: inout UInt64, _ y: inout UInt64, _ shift: UInt64, _ mask: UInt64) {
            let change = (x &>> shift ^ y) & mask
            y ^= change
            x ^= change &<< shift
        }
        let fours: UInt64 = 0x0000_0000_FFFF_FFFF
        exchange(&a, &e, 32, fours)
        exchange(&b, &f, 32, fours)
        exchange(&c, &g, 32, fours)
        exchange(&d, &h, 32, fours)
        let twos: UInt64 = 0x0000_FFFF_0000_FFFF
        exchange(&a, &c, 16, twos)
        exchange(&b, &d, 16, twos)
        exchange(&e, &g, 16, twos)
        exchange(&f, &h, 16, twos)
        let ones: UInt64 = 0x00FF_00FF_00FF_00FF
        exchange(&a, &b, 8, ones)
        exchange(&c, &d, 8, ones)
        exchange(&e, &f, 8, ones)
        exchange(&g, &h, 8, ones)
    }
}
