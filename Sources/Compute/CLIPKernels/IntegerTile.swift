/// The integer dot products of one instruction set: what sums quantised activations times quantised weights, exactly.
///
/// Both lie in groups of four of the same column of K. A group is summed in one step where an instruction takes four
/// 8-bit products at once, else in two steps of two 16-bit products each. No step saturates: every instruction set gives
/// the same sums, those of whole-number arithmetic modulo 2³².
@usableFromInline package protocol IntegerUnit: SendableMetatype {
    /// A vector of sums, a column in each lane.
    associatedtype Sums: SIMD & BitwiseCopyable where Sums.Scalar == Int32

    /// Rows of the largest tile of two vectors per row whose sums stay in registers, at most twelve.
    static var tileRows: Int { get }
    /// The steps of a group, one or two: a group of activations takes as many 32-bit words.
    static var steps: Int { get }

    /// What step `step` multiplies of the weights at `source`, four per lane.
    static func weights(_ source: UnsafeRawPointer, step: Int) -> Sums
    /// `sums` plus the products of a word of activations, the same in every lane, and a step's weights.
    static func add(_ sums: Sums, _ word: Sums, _ weights: Sums) -> Sums
    /// The products of a word and a step's weights, with no more work than an instruction does by itself.
    static func products(_ word: Sums, _ weights: Sums) -> Sums
}

extension IntegerUnit {
    @inlinable @inline(__always)
    package static var lanes: Int { MemoryLayout<Sums>.size / 4 }
}

/// A tile of a quantised matmul, `[rows, 2 vectors]`.
@usableFromInline package struct IntegerTileJob {
    @usableFromInline package var rows: Int
    /// Words of activations, `[groups · steps][rows]`.
    @usableFromInline package var words: UnsafePointer<Int32>
    /// The groups of four that K makes.
    @usableFromInline package var groups: Int
    /// Weights of the first vector of columns, a group every 64 bytes; the other vector's `rightOffset` bytes on.
    @usableFromInline package var weights: UnsafeRawPointer
    @usableFromInline package var rightOffset: Int
    /// The sums, `[rows, 2 vectors]`.
    @usableFromInline package var target: UnsafeMutablePointer<Int32>
    /// What is fetched for later meanwhile.
    @usableFromInline package var ahead: StretchLookahead

    @inlinable
    package init(
        rows: Int, words: UnsafePointer<Int32>, groups: Int, weights: UnsafeRawPointer, rightOffset: Int,
        target: UnsafeMutablePointer<Int32>, ahead: StretchLookahead
    ) {
        self.rows = rows
        self.words = words
        self.groups = groups
        self.weights = weights
        self.rightOffset = rightOffset
        self.target = target
        self.ahead = ahead
    }
}

extension IntegerUnit {
    @inlinable @inline(__always)
    package static func tile(_ job: IntegerTileJob) {
        // The comparison with a constant drops the tiles that an instruction set has no registers for.
        if tileRows > 6 {
            switch job.rows {
            case 7: return tile(IntegerTile7<Self>.self, job)
            case 8: return tile(IntegerTile8<Self>.self, job)
            case 9: return tile(IntegerTile9<Self>.self, job)
            case 10: return tile(IntegerTile10<Self>.self, job)
            case 11: return tile(IntegerTile11<Self>.self, job)
            case 12: return tile(IntegerTile12<Self>.self, job)
            default: break
            }
        }
        switch job.rows {
        case 1: tile(IntegerTile1<Self>.self, job)
        case 2: tile(IntegerTile2<Self>.self, job)
        case 3: tile(IntegerTile3<Self>.self, job)
        case 4: tile(IntegerTile4<Self>.self, job)
        case 5: tile(IntegerTile5<Self>.self, job)
        default: tile(IntegerTile6<Self>.self, job)
        }
    }

    @inlinable @inline(__always)
    package static func tile<T: IntegerTile>(_: T.Type, _ job: IntegerTileJob) where T.Unit == Self {
        var tile = T()
        var ahead = job.ahead
        // One step after the other over all groups: the weights of one step alone need registers.
        for step in 0..<steps {
            var words = job.words + step * T.rows
            var weights = job.weights
            var group = 0
            while group < job.groups {
                ahead.advance()
                let end = min(group + 8, job.groups)
                while group < end {
                    tile.accumulate(
                        words, self.weights(weights, step: step), self.weights(weights + job.rightOffset, step: step))
                    words += steps * T.rows
                    weights += 64
                    group += 1
                }
            }
        }
        tile.store(job.target)
    }
}

/// The sums of a few rows by two vectors of columns, held in registers while K runs: one row, or a tile above another, as
/// for `Tile`.
@usableFromInline package protocol IntegerTile {
    associatedtype Unit: IntegerUnit
    static var rows: Int { get }
    init()
    /// Adds the products of a word of each row with a step's weights.
    mutating func accumulate(_ words: UnsafePointer<Int32>, _ left: Unit.Sums, _ right: Unit.Sums)
    func store(_ target: UnsafeMutablePointer<Int32>)
}

/// A tile of one row.
@frozen @usableFromInline
package struct IntegerTileRow<Unit: IntegerUnit>: IntegerTile {
    @usableFromInline var left = Unit.Sums(repeating: 0)
    @usableFromInline var right = Unit.Sums(repeating: 0)

    @inlinable @inline(__always)
    package static var rows: Int { 1 }

    @inlinable @inline(__always)
    package init() {}

    @inlinable @inline(__always)
    package mutating func accumulate(_ words: UnsafePointer<Int32>, _ left: Unit.Sums, _ right: Unit.Sums) {
        let word = Unit.Sums(repeating: words.pointee)
        self.left = Unit.add(self.left, word, left)
        self.right = Unit.add(self.right, word, right)
    }

    @inlinable @inline(__always)
    package func store(_ target: UnsafeMutablePointer<Int32>) {
        UnsafeMutableRawPointer(target).storeBytes(of: left, as: Unit.Sums.self)
        UnsafeMutableRawPointer(target + Unit.lanes).storeBytes(of: right, as: Unit.Sums.self)
    }
}

/// A tile above another.
@frozen @usableFromInline
package struct IntegerTileStack<Top: IntegerTile, Bottom: IntegerTile>: IntegerTile where Top.Unit == Bottom.Unit {
    @usableFromInline package typealias Unit = Top.Unit

    @usableFromInline var top = Top()
    @usableFromInline var bottom = Bottom()

    @inlinable @inline(__always)
    package static var rows: Int { Top.rows + Bottom.rows }

    @inlinable @inline(__always)
    package init() {}

    @inlinable @inline(__always)
    package mutating func accumulate(_ words: UnsafePointer<Int32>, _ left: Unit.Sums, _ right: Unit.Sums) {
        top.accumulate(words, left, right)
        bottom.accumulate(words + Top.rows, left, right)
    }

    @inlinable @inline(__always)
    package func store(_ target: UnsafeMutablePointer<Int32>) {
        top.store(target)
        bottom.store(target + Top.rows * 2 * Unit.lanes)
    }
}

@usableFromInline package typealias IntegerTile1<Unit: IntegerUnit> = IntegerTileRow<Unit>
@usableFromInline package typealias IntegerTile2<Unit: IntegerUnit> =
    IntegerTileStack<IntegerTile1<Unit>, IntegerTile1<Unit>>
@usableFromInline package typealias IntegerTile3<Unit: IntegerUnit> =
    IntegerTileStack<IntegerTile2<Unit>, IntegerTile1<Unit>>
@usableFromInline package typealias IntegerTile4<Unit: IntegerUnit> =
    IntegerTileStack<IntegerTile2<Unit>, IntegerTile2<Unit>>
@usableFromInline package typealias IntegerTile5<Unit: IntegerUnit> =
    IntegerTileStack<IntegerTile3<Unit>, IntegerTile2<Unit>>
@usableFromInline package typealias IntegerTile6<Unit: IntegerUnit> =
    IntegerTileStack<IntegerTile3<Unit>, IntegerTile3<Unit>>
@usableFromInline package typealias IntegerTile7<Unit: IntegerUnit> =
    IntegerTileStack<IntegerTile4<Unit>, IntegerTile3<Unit>>
@usableFromInline package typealias IntegerTile8<Unit: IntegerUnit> =
    IntegerTileStack<IntegerTile4<Unit>, IntegerTile4<Unit>>
@usableFromInline package typealias IntegerTile9<Unit: IntegerUnit> =
    IntegerTileStack<IntegerTile5<Unit>, IntegerTile4<Unit>>
@usableFromInline package typealias IntegerTile10<Unit: IntegerUnit> =
    IntegerTileStack<IntegerTile5<Unit>, IntegerTile5<Unit>>
@usableFromInline package typealias IntegerTile11<Unit: IntegerUnit> =
    IntegerTileStack<IntegerTile6<Unit>, IntegerTile5<Unit>>
@usableFromInline package typealias IntegerTile12<Unit: IntegerUnit> =
    IntegerTileStack<IntegerTile6<Unit>, IntegerTile6<Unit>>

/// Integer dot products where an instruction takes two 16-bit products at once: 8-bit weights are widened as they are
/// loaded, activations lie widened already. Unlike sums of 8-bit products in 16 bits, nothing can saturate.
@usableFromInline package protocol PairProducts: IntegerUnit {
    /// a₀·b₀ + a₁·b₁ of the two signed 16-bit halves of each lane.
    static func sumOfPairs(_ a: Sums, _ b: Sums) -> Sums
    /// Shifts of each signed 16-bit half, by 8.
    static func shiftedLeft(_ x: Sums) -> Sums
    static func shiftedRight(_ x: Sums) -> Sums
}

extension PairProducts {
    @inlinable @inline(__always)
    package static var steps: Int { 2 }

    /// Step 0 takes the first and the third weight of a group, step 1 the others: shifts alone then widen them.
    @inlinable @inline(__always)
    package static func weights(_ source: UnsafeRawPointer, step: Int) -> Sums {
        let packed = source.loadUnaligned(as: Sums.self)
        return shiftedRight(step == 0 ? shiftedLeft(packed) : packed)
    }

    @inlinable @inline(__always)
    package static func add(_ sums: Sums, _ word: Sums, _ weights: Sums) -> Sums { sums &+ sumOfPairs(word, weights) }

    @inlinable @inline(__always)
    package static func products(_ word: Sums, _ weights: Sums) -> Sums { sumOfPairs(word, weights) }
}
