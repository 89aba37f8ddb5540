/// The integer dot products of one instruction set: what sums whole numbers times whole numbers, exactly.
///
/// Neighbours in K lie side by side in a lane, so many as an instruction takes at once. No step saturates: of weights
/// within the range of their type (`WeightElement.largestNumber`) every instruction set gives the same sums, those of
/// whole-number arithmetic modulo 2³².
@usableFromInline package protocol IntegerUnit: SendableMetatype {
    /// A vector of sums, a column in each lane.
    associatedtype Sums: SIMD & BitwiseCopyable where Sums.Scalar == Int32

    /// Rows of the largest tile of two vectors per row whose sums stay in registers, at most twelve.
    static var tileRows: Int { get }
    /// The products that a lane takes in one step, two or four.
    static var productsPerLane: Int { get }

    /// `sums` plus the products of a word of activations, the same in every lane, and of weights.
    static func add(_ sums: Sums, _ word: Sums, _ weights: Sums) -> Sums
    /// The products of a word and of weights, with no more work than an instruction does by itself.
    static func products(_ word: Sums, _ weights: Sums) -> Sums
}

/// Products of quantised activations with weights of 8 bits.
///
/// Both lie in groups of four of the same column of K. A group is summed in one step where an instruction takes four
/// products at once, else in two steps of two 16-bit products each.
@usableFromInline package protocol GroupProducts: IntegerUnit {
    /// What step `step` multiplies of the weights at `source`, four per lane.
    static func weights(_ source: UnsafeRawPointer, step: Int) -> Sums
}

/// Products of groups of four where an instruction takes four of 8 bits at once, and adds in any case.
@usableFromInline package protocol QuadProducts: GroupProducts {}

extension QuadProducts {
    @inlinable @inline(__always)
    package static var productsPerLane: Int { 4 }

    @inlinable @inline(__always)
    package static func weights(_ source: UnsafeRawPointer, step: Int) -> Sums {
        source.loadUnaligned(as: Sums.self)
    }

    @inlinable @inline(__always)
    package static func products(_ word: Sums, _ weights: Sums) -> Sums { add(word, word, weights) }
}

extension GroupProducts {
    /// The steps of a group, one or two: a group of activations takes as many 32-bit words.
    @inlinable @inline(__always)
    package static var steps: Int { 4 / productsPerLane }
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

/// What a tile is to do, whatever its size.
@usableFromInline package protocol TileWork<Unit> {
    associatedtype Unit: IntegerUnit
    func compute<T: IntegerTile>(_: T.Type) where T.Unit == Unit
}

extension IntegerUnit {
    /// Does `work` with the tile of so many rows.
    @inlinable @inline(__always)
    package static func compute<Work: TileWork>(_ work: Work, rows: Int) where Work.Unit == Self {
        // The comparison with a constant drops the tiles that an instruction set has no registers for.
        if tileRows > 6 {
            switch rows {
            case 7: return work.compute(IntegerTile7<Self>.self)
            case 8: return work.compute(IntegerTile8<Self>.self)
            case 9: return work.compute(IntegerTile9<Self>.self)
            case 10: return work.compute(IntegerTile10<Self>.self)
            case 11: return work.compute(IntegerTile11<Self>.self)
            case 12: return work.compute(IntegerTile12<Self>.self)
            default: break
            }
        }
        switch rows {
        case 1: work.compute(IntegerTile1<Self>.self)
        case 2: work.compute(IntegerTile2<Self>.self)
        case 3: work.compute(IntegerTile3<Self>.self)
        case 4: work.compute(IntegerTile4<Self>.self)
        case 5: work.compute(IntegerTile5<Self>.self)
        default: work.compute(IntegerTile6<Self>.self)
        }
    }
}

extension GroupProducts {
    @inlinable @inline(__always)
    package static func tile(_ job: IntegerTileJob) {
        compute(GroupTileWork<Self>(job), rows: job.rows)
    }
}

/// The sums over all groups.
@frozen @usableFromInline package struct GroupTileWork<Unit: GroupProducts>: TileWork {
    @usableFromInline let job: IntegerTileJob

    @inlinable @inline(__always)
    package init(_ job: IntegerTileJob) { self.job = job }

    @inlinable @inline(__always)
    package func compute<T: IntegerTile>(_: T.Type) where T.Unit == Unit {
        var tile = T()
        var ahead = job.ahead
        // One step after the other over all groups: the weights of one step alone need registers.
        for step in 0..<Unit.steps {
            var words = job.words + step * T.rows
            var weights = job.weights
            var group = 0
            while group < job.groups {
                ahead.advance()
                let end = min(group + 8, job.groups)
                while group < end {
                    tile.accumulate(
                        words, stride: 1, Unit.weights(weights, step: step),
                        Unit.weights(weights + job.rightOffset, step: step))
                    words += Unit.steps * T.rows
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
    /// Adds the products of a word of each row, `stride` words apart, with weights.
    mutating func accumulate(_ words: UnsafePointer<Int32>, stride: Int, _ left: Unit.Sums, _ right: Unit.Sums)
    func store(_ target: UnsafeMutablePointer<Int32>)
    /// Calls `body` with the sums of each row, which are zero then.
    mutating func take(_ body: (_ row: Int, _ left: Unit.Sums, _ right: Unit.Sums) -> Void)
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
    package mutating func accumulate(
        _ words: UnsafePointer<Int32>, stride: Int, _ left: Unit.Sums, _ right: Unit.Sums
    ) {
        let word = Unit.Sums(repeating: words.pointee)
        self.left = Unit.add(self.left, word, left)
        self.right = Unit.add(self.right, word, right)
    }

    @inlinable @inline(__always)
    package func store(_ target: UnsafeMutablePointer<Int32>) {
        UnsafeMutableRawPointer(target).storeBytes(of: left, as: Unit.Sums.self)
        UnsafeMutableRawPointer(target + Unit.lanes).storeBytes(of: right, as: Unit.Sums.self)
    }

    @inlinable @inline(__always)
    package mutating func take(_ body: (_ row: Int, _ left: Unit.Sums, _ right: Unit.Sums) -> Void) {
        body(0, left, right)
        left = Unit.Sums(repeating: 0)
        right = Unit.Sums(repeating: 0)
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
    package mutating func accumulate(
        _ words: UnsafePointer<Int32>, stride: Int, _ left: Unit.Sums, _ right: Unit.Sums
    ) {
        top.accumulate(words, stride: stride, left, right)
        bottom.accumulate(words + Top.rows * stride, stride: stride, left, right)
    }

    @inlinable @inline(__always)
    package func store(_ target: UnsafeMutablePointer<Int32>) {
        top.store(target)
        bottom.store(target + Top.rows * 2 * Unit.lanes)
    }

    @inlinable @inline(__always)
    package mutating func take(_ body: (_ row: Int, _ left: Unit.Sums, _ right: Unit.Sums) -> Void) {
        top.take(body)
        bottom.take { body(Top.rows + $0, $1, $2) }
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

/// Integer dot products where an instruction takes two 16-bit products at once. 8-bit weights are widened as they are
/// loaded, activations lie widened already: unlike sums of 8-bit products in 16 bits, nothing can saturate.
@usableFromInline package protocol PairProducts: GroupProducts, BlockProducts {
    /// a₀·b₀ + a₁·b₁ of the two signed 16-bit halves of each lane.
    static func sumOfPairs(_ a: Sums, _ b: Sums) -> Sums
    /// Shifts of each signed 16-bit half, by 8.
    static func shiftedLeft(_ x: Sums) -> Sums
    static func shiftedRight(_ x: Sums) -> Sums
}

extension PairProducts {
    @inlinable @inline(__always)
    package static var productsPerLane: Int { 2 }

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
