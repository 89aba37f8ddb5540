extension VectorUnit {
    /// Twelve chains: more than two units of a latency of four or five cycles can have in flight, and few enough for
    /// sixteen registers. They start apart, so that no compiler sees that they are one.
    @inlinable @inline(__always)
    package static func multiplyAdds(_ steps: Int) -> (operations: Int, result: Float) {
        // Every chain goes to 1: nothing overflows, nothing is subnormal.
        let half = Vector(repeating: 0.5)
        let factor = half
        var (a, b, c) = (Vector(repeating: 0.1), Vector(repeating: 0.2), Vector(repeating: 0.3))
        var (d, e, f) = (Vector(repeating: 0.4), Vector(repeating: 0.6), Vector(repeating: 0.7))
        var (g, h, i) = (Vector(repeating: 0.8), Vector(repeating: 0.9), Vector(repeating: 1.1))
        var (j, k, l) = (Vector(repeating: 1.2), Vector(repeating: 1.3), Vector(repeating: 1.4))
        for _ in 0..<steps {
            a = multiplyAdd(a, factor, half)
            b = multiplyAdd(b, factor, half)
            c = multiplyAdd(c, factor, half)
            d = multiplyAdd(d, factor, half)
            e = multiplyAdd(e, factor, half)
            f = multiplyAdd(f, factor, half)
            g = multiplyAdd(g, factor, half)
            h = multiplyAdd(h, factor, half)
            i = multiplyAdd(i, factor, half)
            j = multiplyAdd(j, factor, half)
            k = multiplyAdd(k, factor, half)
            l = multiplyAdd(l, factor, half)
        }
        let all = ((a + b) + (c + d)) + ((e + f) + (g + h)) + ((i + j) + (k + l))
        return (2 * 12 * width * steps, all.sum())
    }

    /// Eight sums side by side, so that none waits for another.
    @inlinable @inline(__always)
    package static func sum(_ start: UnsafePointer<Float>, _ count: Int) -> Float {
        let zero = Vector(repeating: 0)
        var (a, b, c, d) = (zero, zero, zero, zero)
        var (e, f, g, h) = (zero, zero, zero, zero)
        for index in stride(from: 0, to: count, by: 8 * width) {
            a += load(start + index)
            b += load(start + index + width)
            c += load(start + index + 2 * width)
            d += load(start + index + 3 * width)
            e += load(start + index + 4 * width)
            f += load(start + index + 5 * width)
            g += load(start + index + 6 * width)
            h += load(start + index + 7 * width)
        }
        return (((a + b) + (c + d)) + ((e + f) + (g + h))).sum()
    }
}

extension IntegerUnit {
    /// Twelve chains, as for `multiplyAdds`. Each multiplies its own sums: of what doesn't change a compiler would take the
    /// product once.
    @inlinable @inline(__always)
    package static func roof(_ steps: Int) -> (operations: Int, result: Int32) {
        let weights = Sums(repeating: 0x0102_FF03)
        var (a, b, c) = (Sums(repeating: 1), Sums(repeating: 2), Sums(repeating: 3))
        var (d, e, f) = (Sums(repeating: 4), Sums(repeating: 5), Sums(repeating: 6))
        var (g, h, i) = (Sums(repeating: 7), Sums(repeating: 8), Sums(repeating: 9))
        var (j, k, l) = (Sums(repeating: 10), Sums(repeating: 11), Sums(repeating: 12))
        for _ in 0..<steps {
            a = products(a, weights)
            b = products(b, weights)
            c = products(c, weights)
            d = products(d, weights)
            e = products(e, weights)
            f = products(f, weights)
            g = products(g, weights)
            h = products(h, weights)
            i = products(i, weights)
            j = products(j, weights)
            k = products(k, weights)
            l = products(l, weights)
        }
        let first: Sums = (a &+ b) &+ (c &+ d)
        let second: Sums = (e &+ f) &+ (g &+ h)
        let all = first &+ second &+ ((i &+ j) &+ (k &+ l))
        return (2 * productsPerLane * 12 * lanes * steps, all.wrappedSum())
    }
}
