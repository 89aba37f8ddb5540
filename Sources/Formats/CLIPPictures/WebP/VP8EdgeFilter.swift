/// Smooths the two sides of an edge, eight places of it at once (RFC 6386, section 15), exact to the bit.
struct VP8EdgeFilter {
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
