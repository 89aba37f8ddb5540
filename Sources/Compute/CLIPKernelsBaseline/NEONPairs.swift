#if arch(arm64)
internal import CLIPKernels
import _Builtin_intrinsics.arm.neon

/// Sixteen-bit products with NEON: the instruction multiplies a number of one vector with four of another.
enum NEONPairs: IntegerUnit {
    typealias Sums = SIMD4<Int32>

    @inline(__always) static var tileRows: Int { 8 }
    @inline(__always) static var productsPerLane: Int { 2 }

    @inline(__always)
    static func add(_ sums: Sums, _ word: Sums, _ weights: Sums) -> Sums { sums &+ products(word, weights) }

    /// As many instructions as eight products of a tile take.
    @inline(__always)
    static func products(_ word: Sums, _ weights: Sums) -> Sums {
        let (word, weights) = (numbers(word), numbers(weights))
        return vmlal_high_s16(vmull_s16(vget_low_s16(word), vget_low_s16(weights)), word, weights)
    }

    @inline(__always)
    fileprivate static func numbers(_ words: Sums) -> SIMD8<Int16> { unsafeBitCast(words, to: SIMD8<Int16>.self) }
}

extension NEONPairs {
    @inline(__always)
    static func blockTile(_ job: BlockTileJob) {
        switch job.input.count {
        case 1: blockTile(PairRow.self, job)
        case 2: blockTile(Two.self, job)
        case 3: blockTile(Above<Two, PairRow>.self, job)
        case 4: blockTile(Four.self, job)
        case 5: blockTile(Above<Four, PairRow>.self, job)
        case 6: blockTile(Above<Four, Two>.self, job)
        case 7: blockTile(Above<Four, Above<Two, PairRow>>.self, job)
        default: blockTile(Above<Four, Four>.self, job)
        }
    }

    /// As `BlockTileWork`, by four words of each row at once.
    @inline(__always)
    private static func blockTile<Rows: PairRows>(_: Rows.Type, _ job: BlockTileJob) {
        var rows = Rows()
        var ahead = job.ahead
        var (words, weights, scales) = (job.input.words, job.weights, job.input.scales)
        @inline(__always) func pairs(_ offset: Int) -> WeightPairs {
            WeightPairs(weights + offset, rightOffset: job.rightOffset)
        }
        var left = job.pairs
        job.target.update(repeating: 0, count: Rows.count * 8)
        while left > 0 {
            var few = min(BlockNumbers.blockSize / 2, left)
            left -= few
            while few >= 4 {
                ahead.advance()
                var steps = min(2, few / 4)
                few -= 4 * steps
                repeat {
                    rows.addFour(words, stride: job.input.stride, (pairs(0), pairs(64), pairs(128), pairs(192)))
                    words += 4
                    weights += 256
                    steps -= 1
                } while steps > 0
            }
            while few > 0 {
                rows.add(words, stride: job.input.stride, pairs(0))
                words += 1
                weights += 64
                few -= 1
            }
            rows.take(job.target, scales, blocks: job.input.blocks)
            scales += 1
        }
    }
}

/// A pair of weights of each of eight columns.
private struct WeightPairs {
    let first: SIMD8<Int16>
    let second: SIMD8<Int16>

    @inline(__always)
    init(_ source: UnsafeRawPointer, rightOffset: Int) {
        let left = source.loadUnaligned(as: SIMD8<Int16>.self)
        let right = (source + rightOffset).loadUnaligned(as: SIMD8<Int16>.self)
        first = vuzp1q_s16(left, right)
        second = vuzp2q_s16(left, right)
    }
}

/// The sums of some rows by eight columns, held in registers while a block of K runs.
private protocol PairRows {
    static var count: Int { get }
    init()
    /// Adds the products of a word of each row, `stride` words apart, with a pair's weights.
    mutating func add(_ words: UnsafePointer<Int32>, stride: Int, _ weights: WeightPairs)
    /// The same of four words that lie side by side.
    mutating func addFour(
        _ words: UnsafePointer<Int32>, stride: Int, _ weights: (WeightPairs, WeightPairs, WeightPairs, WeightPairs))
    /// Adds the sums, which are zero then, times each row's scale to `target`.
    mutating func take(_ target: UnsafeMutablePointer<Float>, _ scales: UnsafePointer<Float>, blocks: Int)
}

private struct PairRow: PairRows {
    var left = SIMD4<Int32>.zero
    var right = SIMD4<Int32>.zero

    @inline(__always) static var count: Int { 1 }

    /// Adds the products of a number that stands in every lane.
    @inline(__always)
    mutating func add(_ number: SIMD8<Int16>, _ weights: SIMD8<Int16>) {
        left = vmlal_s16(left, vget_low_s16(weights), vget_low_s16(number))
        right = vmlal_high_s16(right, weights, number)
    }

    @inline(__always)
    mutating func add(_ words: UnsafePointer<Int32>, stride: Int, _ weights: WeightPairs) {
        let word = words.pointee
        add(SIMD8(repeating: Int16(truncatingIfNeeded: word)), weights.first)
        add(SIMD8(repeating: Int16(truncatingIfNeeded: word >> 16)), weights.second)
    }

    @inline(__always)
    mutating func addFour(
        _ words: UnsafePointer<Int32>, stride: Int, _ weights: (WeightPairs, WeightPairs, WeightPairs, WeightPairs)
    ) {
        // By steps of which the compiler makes a lane, as `BaselineUnit.spread`.
        let numbers = UnsafeRawPointer(words).loadUnaligned(as: SIMD8<Int16>.self)
        let (low, high) = (vzip1q_s16(numbers, numbers), vzip2q_s16(numbers, numbers))
        add(twice: vzip1q_s16(low, low), weights.0)
        add(twice: vzip2q_s16(low, low), weights.1)
        add(twice: vzip1q_s16(high, high), weights.2)
        add(twice: vzip2q_s16(high, high), weights.3)
    }

    /// Adds the products of two numbers, each in four lanes.
    @inline(__always)
    private mutating func add(twice numbers: SIMD8<Int16>, _ weights: WeightPairs) {
        add(vzip1q_s16(numbers, numbers), weights.first)
        add(vzip2q_s16(numbers, numbers), weights.second)
    }

    @inline(__always)
    mutating func take(_ target: UnsafeMutablePointer<Float>, _ scales: UnsafePointer<Float>, blocks: Int) {
        let scale = SIMD4<Float>(repeating: scales.pointee)
        // Product and sum are rounded apart, as on every instruction set.
        let sums = UnsafeMutableRawPointer(target)
        let first = sums.loadUnaligned(as: SIMD4<Float>.self)
        let second = (sums + 16).loadUnaligned(as: SIMD4<Float>.self)
        sums.storeBytes(of: first + vcvtq_f32_s32(left) * scale, as: SIMD4<Float>.self)
        sums.storeBytes(of: second + vcvtq_f32_s32(right) * scale, toByteOffset: 16, as: SIMD4<Float>.self)
        left = .zero
        right = .zero
    }
}

private typealias Two = Above<PairRow, PairRow>
private typealias Four = Above<Two, Two>

private struct Above<Top: PairRows, Bottom: PairRows>: PairRows {
    var top = Top()
    var bottom = Bottom()

    @inline(__always) static var count: Int { Top.count + Bottom.count }

    @inline(__always)
    mutating func add(_ words: UnsafePointer<Int32>, stride: Int, _ weights: WeightPairs) {
        top.add(words, stride: stride, weights)
        bottom.add(words + Top.count * stride, stride: stride, weights)
    }

    @inline(__always)
    mutating func addFour(
        _ words: UnsafePointer<Int32>, stride: Int, _ weights: (WeightPairs, WeightPairs, WeightPairs, WeightPairs)
    ) {
        top.addFour(words, stride: stride, weights)
        bottom.addFour(words + Top.count * stride, stride: stride, weights)
    }

    @inline(__always)
    mutating func take(_ target: UnsafeMutablePointer<Float>, _ scales: UnsafePointer<Float>, blocks: Int) {
        top.take(target, scales, blocks: blocks)
        bottom.take(target + 8 * Top.count, scales + Top.count * blocks, blocks: blocks)
    }
}
#endif
