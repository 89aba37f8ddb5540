/// Smooths the edges of macroblocks and of the blocks inside them (RFC 6386, section 15).
struct VP8LoopFilter {
    let isSimple: Bool

    /// Filters one macroblock: the edges to the left and above, then those inside. Macroblocks have to come row by row,
    /// after all of them in the row are rebuilt.
    /// - Parameter hasInside: whether blocks inside have edges: they were predicted apart or have coefficients.
    func filter(
        _ planes: inout VP8Planes, column: Int, row: Int, _ strength: VP8LoopFilterHeader.Strength, hasInside: Bool
    ) {
        guard strength.limit > 0 else { return }
        let between = VP8EdgeFilter(
            limit: strength.limit + 4, interiorLimit: strength.interiorLimit, edgeThreshold: strength.edgeThreshold)
        let inside = VP8EdgeFilter(
            limit: strength.limit, interiorLimit: strength.interiorLimit, edgeThreshold: strength.edgeThreshold)

        let lumaStride = planes.lumaStride
        planes.luma.withUnsafeMutableBufferPointer { plane in
            let block = plane.baseAddress! + 16 * (row * lumaStride + column)
            let edge = VP8Edge(stride: lumaStride)
            if isSimple {
                filterSimply(block, edge, between, inside, hasLeft: column > 0, hasAbove: row > 0, hasInside)
            } else {
                filter(block, edge, size: 16, between, inside, hasLeft: column > 0, hasAbove: row > 0, hasInside)
            }
        }
        guard !isSimple else { return }
        let chromaStride = planes.chromaStride
        for channel in 0..<2 {
            planes.chroma[channel].withUnsafeMutableBufferPointer { plane in
                let block = plane.baseAddress! + 8 * (row * chromaStride + column)
                let edge = VP8Edge(stride: chromaStride)
                filter(block, edge, size: 8, between, inside, hasLeft: column > 0, hasAbove: row > 0, hasInside)
            }
        }
    }

    private func filter(
        _ block: UnsafeMutablePointer<UInt8>, _ edge: VP8Edge, size: Int, _ between: VP8EdgeFilter,
        _ inside: VP8EdgeFilter, hasLeft: Bool, hasAbove: Bool, _ hasInside: Bool
    ) {
        if hasLeft {
            for y in stride(from: 0, to: size, by: 8) { edge.down(block + y * edge.stride) { between.between(&$0) } }
        }
        if hasInside {
            for x in stride(from: 4, to: size, by: 4) {
                for y in stride(from: 0, to: size, by: 8) {
                    edge.down(block + y * edge.stride + x) { inside.inside(&$0) }
                }
            }
        }
        if hasAbove {
            for x in stride(from: 0, to: size, by: 8) { edge.across(block + x) { between.between(&$0) } }
        }
        if hasInside {
            for y in stride(from: 4, to: size, by: 4) {
                for x in stride(from: 0, to: size, by: 8) {
                    edge.across(block + y * edge.stride + x) { inside.inside(&$0) }
                }
            }
        }
    }

    private func filterSimply(
        _ block: UnsafeMutablePointer<UInt8>, _ edge: VP8Edge, _ between: VP8EdgeFilter, _ inside: VP8EdgeFilter,
        hasLeft: Bool, hasAbove: Bool, _ hasInside: Bool
    ) {
        for x in stride(from: 0, to: 16, by: 4) where x > 0 ? hasInside : hasLeft {
            for y in [0, 8] {
                edge.down(block + y * edge.stride + x) { x > 0 ? inside.simple(&$0) : between.simple(&$0) }
            }
        }
        for y in stride(from: 0, to: 16, by: 4) where y > 0 ? hasInside : hasAbove {
            for x in [0, 8] {
                edge.across(block + y * edge.stride + x) { y > 0 ? inside.simple(&$0) : between.simple(&$0) }
            }
        }
    }
}

/// Smooths the two sides of an edge, eight places of it at once (RFC 6386, section 15), exact to the bit.
private struct VP8EdgeFilter {
    typealias Lanes = SIMD8<Int16>

    /// Four pixels on each side of the edge, the nearest first.
    struct Pixels {
        var p3, p2, p1, p0, q0, q1, q2, q3: Lanes
    }

    /// Twice the limit on the edge's step, plus 1.
    private let limit: Lanes
    private let interiorLimit: Lanes
    private let edgeThreshold: Lanes

    init(limit: Int, interiorLimit: Int, edgeThreshold: Int) {
        self.limit = Lanes(repeating: Int16(2 * limit + 1))
        self.interiorLimit = Lanes(repeating: Int16(interiorLimit))
        self.edgeThreshold = Lanes(repeating: Int16(edgeThreshold))
    }

    @inline(__always)
    private static func magnitude(_ v: Lanes) -> Lanes {
        let negative = 0 &- v
        return v.replacing(with: negative, where: v .< negative)
    }

    @inline(__always)
    private static func clamped(_ v: Lanes, _ low: Int16, _ high: Int16) -> Lanes {
        let lows = Lanes(repeating: low)
        let highs = Lanes(repeating: high)
        let raised = v.replacing(with: lows, where: v .< lows)
        return raised.replacing(with: highs, where: raised .> highs)
    }

    @inline(__always)
    private func stepIsSmall(_ v: Pixels) -> SIMDMask<Lanes> {
        let step = VP8EdgeFilter.magnitude(v.p0 &- v.q0)
        return (step &* 4 &+ VP8EdgeFilter.magnitude(v.p1 &- v.q1)) .<= limit
    }

    @inline(__always)
    private func isSmooth(_ v: Pixels) -> SIMDMask<Lanes> {
        @inline(__always) func near(_ a: Lanes, _ b: Lanes) -> SIMDMask<Lanes> {
            VP8EdgeFilter.magnitude(a &- b) .<= interiorLimit
        }
        let left = near(v.p3, v.p2) .& near(v.p2, v.p1) .& near(v.p1, v.p0)
        return stepIsSmall(v) .& left .& near(v.q3, v.q2) .& near(v.q2, v.q1) .& near(v.q1, v.q0)
    }

    @inline(__always)
    private func isRealEdge(_ v: Pixels) -> SIMDMask<Lanes> {
        (VP8EdgeFilter.magnitude(v.p1 &- v.p0) .> edgeThreshold)
            .| (VP8EdgeFilter.magnitude(v.q1 &- v.q0) .> edgeThreshold)
    }

    /// Changes the pixels next to the edge by about half of their step.
    @inline(__always)
    private static func adjustNearest(_ v: inout Pixels, where mask: SIMDMask<Lanes>) {
        let a = (v.q0 &- v.p0) &* 3 &+ clamped(v.p1 &- v.q1, -128, 127)
        let up = clamped((a &+ 4) &>> 3, -16, 15)
        let down = clamped((a &+ 3) &>> 3, -16, 15)
        v.p0.replace(with: clamped(v.p0 &+ down, 0, 255), where: mask)
        v.q0.replace(with: clamped(v.q0 &- up, 0, 255), where: mask)
    }

    /// The simple filter.
    /// - Returns: false when nothing changes.
    @inline(__always)
    func simple(_ v: inout Pixels) -> Bool {
        let mask = stepIsSmall(v)
        guard any(mask) else { return false }
        VP8EdgeFilter.adjustNearest(&v, where: mask)
        return true
    }

    /// The normal filter at an edge inside a macroblock: up to two pixels on each side.
    @inline(__always)
    func inside(_ v: inout Pixels) -> Bool {
        let mask = isSmooth(v)
        guard any(mask) else { return false }
        let real = isRealEdge(v)
        let soft = mask .& .!real
        let a = (v.q0 &- v.p0) &* 3
        let up = VP8EdgeFilter.clamped((a &+ 4) &>> 3, -16, 15)
        let down = VP8EdgeFilter.clamped((a &+ 3) &>> 3, -16, 15)
        let outer = (up &+ 1) &>> 1
        var result = v
        VP8EdgeFilter.adjustNearest(&result, where: mask .& real)
        result.p1.replace(with: VP8EdgeFilter.clamped(v.p1 &+ outer, 0, 255), where: soft)
        result.p0.replace(with: VP8EdgeFilter.clamped(v.p0 &+ down, 0, 255), where: soft)
        result.q0.replace(with: VP8EdgeFilter.clamped(v.q0 &- up, 0, 255), where: soft)
        result.q1.replace(with: VP8EdgeFilter.clamped(v.q1 &- outer, 0, 255), where: soft)
        v = result
        return true
    }

    /// The normal filter between macroblocks: up to three pixels on each side.
    @inline(__always)
    func between(_ v: inout Pixels) -> Bool {
        let mask = isSmooth(v)
        guard any(mask) else { return false }
        let real = isRealEdge(v)
        let soft = mask .& .!real
        let step = (v.q0 &- v.p0) &* 3 &+ VP8EdgeFilter.clamped(v.p1 &- v.q1, -128, 127)
        let a = VP8EdgeFilter.clamped(step, -128, 127)
        let near = (a &* 27 &+ 63) &>> 7
        let middle = (a &* 18 &+ 63) &>> 7
        let far = (a &* 9 &+ 63) &>> 7
        var result = v
        VP8EdgeFilter.adjustNearest(&result, where: mask .& real)
        result.p2.replace(with: VP8EdgeFilter.clamped(v.p2 &+ far, 0, 255), where: soft)
        result.p1.replace(with: VP8EdgeFilter.clamped(v.p1 &+ middle, 0, 255), where: soft)
        result.p0.replace(with: VP8EdgeFilter.clamped(v.p0 &+ near, 0, 255), where: soft)
        result.q0.replace(with: VP8EdgeFilter.clamped(v.q0 &- near, 0, 255), where: soft)
        result.q1.replace(with: VP8EdgeFilter.clamped(v.q1 &- middle, 0, 255), where: soft)
        result.q2.replace(with: VP8EdgeFilter.clamped(v.q2 &- far, 0, 255), where: soft)
        v = result
        return true
    }
}

/// Eight places of an edge in a plane: loads the pixels on its two sides, filters and stores them.
private struct VP8Edge {
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
