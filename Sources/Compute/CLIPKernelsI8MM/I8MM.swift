#if arch(arm64)
package import CLIPKernels
import CLIPKernelsBaseline
import _Builtin_intrinsics.arm.neon

/// Integer products with I8MM: of two rows of eight signed bytes with two columns of eight, summed in 32 bits.
enum MatrixProducts: QuadProducts {
    typealias Sums = SIMD4<Int32>

    // Of twelve rows the weights would find no registers: two vectors of each four columns, and two of a pair of rows.
    @inline(__always) static var tileRows: Int { 8 }

    /// Two rows' sums with two columns; a pair of rows, and a pair of columns.
    @inline(__always)
    static func add(_ sums: Sums, _ rows: Sums, _ columns: Sums) -> Sums {
        vmmlaq_s32(sums, unsafeBitCast(rows, to: SIMD16<Int8>.self), unsafeBitCast(columns, to: SIMD16<Int8>.self))
    }
}

extension MatrixProducts {
    @inline(__always)
    static func tile(_ job: IntegerTileJob) {
        switch job.rows {
        case 1: tile(One.self, job)
        case 2: tile(Two.self, job)
        case 3: tile(Above<Two, One>.self, job)
        case 4: tile(Four.self, job)
        case 5: tile(Above<Four, One>.self, job)
        case 6: tile(Above<Four, Two>.self, job)
        case 7: tile(Above<Four, Above<Two, One>>.self, job)
        default: tile(Above<Four, Four>.self, job)
        }
    }

    @inline(__always)
    private static func tile<Rows: MatrixRows>(_: Rows.Type, _ job: IntegerTileJob) {
        var rows = Rows()
        var ahead = job.ahead
        var (words, position) = (job.words, job.weights)
        @inline(__always) func weights(_ offset: Int) -> Sums { self.weights(position + offset, step: 0) }
        let whole = job.groups & ~1
        var group = 0
        while group < whole {
            ahead.advance()
            let end = min(group + 8, whole)
            repeat {
                rows.add(
                    words, words + Rows.count,
                    ColumnPairs(left: weights(0), weights(64)),
                    ColumnPairs(left: weights(job.rightOffset), weights(job.rightOffset + 64)))
                words += 2 * Rows.count
                position += 128
                group += 2
            } while group < end
        }
        // A last group alone: nothing is multiplied with what would come behind it.
        if group < job.groups {
            ahead.advance()
            rows.add(
                words, words, ColumnPairs(left: weights(0), .zero), ColumnPairs(left: weights(job.rightOffset), .zero))
        }
        rows.store(job.target)
    }
}

/// Eight weights of each of four columns.
private struct ColumnPairs {
    let first: SIMD4<Int32>
    let second: SIMD4<Int32>

    /// Of two groups of four, one behind the other.
    @inline(__always)
    init(left group: SIMD4<Int32>, _ next: SIMD4<Int32>) {
        first = vzip1q_s32(group, next)
        second = vzip2q_s32(group, next)
    }
}

/// The sums of some rows by two vectors of columns, held in registers while K runs.
private protocol MatrixRows {
    static var count: Int { get }
    init()
    /// Adds the products of two groups' words of each row.
    mutating func add(
        _ words: UnsafePointer<Int32>, _ next: UnsafePointer<Int32>, _ left: ColumnPairs, _ right: ColumnPairs)
    func store(_ target: UnsafeMutablePointer<Int32>)
}

/// Two rows: every vector holds both rows' sums of two columns.
private struct Two: MatrixRows {
    var (first, second) = (SIMD4<Int32>.zero, SIMD4<Int32>.zero)
    var (third, fourth) = (SIMD4<Int32>.zero, SIMD4<Int32>.zero)

    @inline(__always) static var count: Int { 2 }

    /// Adds the products of eight levels of both rows.
    @inline(__always)
    mutating func add(_ rows: SIMD4<Int32>, _ left: ColumnPairs, _ right: ColumnPairs) {
        first = MatrixProducts.add(first, rows, left.first)
        second = MatrixProducts.add(second, rows, left.second)
        third = MatrixProducts.add(third, rows, right.first)
        fourth = MatrixProducts.add(fourth, rows, right.second)
    }

    @inline(__always)
    mutating func add(
        _ words: UnsafePointer<Int32>, _ next: UnsafePointer<Int32>, _ left: ColumnPairs, _ right: ColumnPairs
    ) {
        var rows = SIMD4<Int32>()
        rows.evenHalf = UnsafeRawPointer(words).loadUnaligned(as: SIMD2<Int32>.self)
        rows.oddHalf = UnsafeRawPointer(next).loadUnaligned(as: SIMD2<Int32>.self)
        add(rows, left, right)
    }

    @inline(__always)
    func storeFirst(_ target: UnsafeMutablePointer<Int32>) {
        let target = UnsafeMutableRawPointer(target)
        target.storeBytes(of: SIMD4(lowHalf: first.lowHalf, highHalf: second.lowHalf), as: SIMD4<Int32>.self)
        target.storeBytes(
            of: SIMD4(lowHalf: third.lowHalf, highHalf: fourth.lowHalf), toByteOffset: 16, as: SIMD4<Int32>.self)
    }

    @inline(__always)
    func store(_ target: UnsafeMutablePointer<Int32>) {
        storeFirst(target)
        let target = UnsafeMutableRawPointer(target)
        target.storeBytes(
            of: SIMD4(lowHalf: first.highHalf, highHalf: second.highHalf), toByteOffset: 32, as: SIMD4<Int32>.self)
        target.storeBytes(
            of: SIMD4(lowHalf: third.highHalf, highHalf: fourth.highHalf), toByteOffset: 48, as: SIMD4<Int32>.self)
    }
}

/// One row, as both of two.
private struct One: MatrixRows {
    var both = Two()

    @inline(__always) static var count: Int { 1 }

    @inline(__always)
    mutating func add(
        _ words: UnsafePointer<Int32>, _ next: UnsafePointer<Int32>, _ left: ColumnPairs, _ right: ColumnPairs
    ) {
        both.add(SIMD4(words.pointee, next.pointee, words.pointee, next.pointee), left, right)
    }

    @inline(__always)
    func store(_ target: UnsafeMutablePointer<Int32>) { both.storeFirst(target) }
}

/// Four rows, whose words are loaded as one vector.
private struct Four: MatrixRows {
    var (top, bottom) = (Two(), Two())

    @inline(__always) static var count: Int { 4 }

    @inline(__always)
    mutating func add(
        _ words: UnsafePointer<Int32>, _ next: UnsafePointer<Int32>, _ left: ColumnPairs, _ right: ColumnPairs
    ) {
        let words = UnsafeRawPointer(words).loadUnaligned(as: SIMD4<Int32>.self)
        let next = UnsafeRawPointer(next).loadUnaligned(as: SIMD4<Int32>.self)
        top.add(vzip1q_s32(words, next), left, right)
        bottom.add(vzip2q_s32(words, next), left, right)
    }

    @inline(__always)
    func store(_ target: UnsafeMutablePointer<Int32>) {
        top.store(target)
        bottom.store(target + 16)
    }
}

private struct Above<Top: MatrixRows, Bottom: MatrixRows>: MatrixRows {
    var top = Top()
    var bottom = Bottom()

    @inline(__always) static var count: Int { Top.count + Bottom.count }

    @inline(__always)
    mutating func add(
        _ words: UnsafePointer<Int32>, _ next: UnsafePointer<Int32>, _ left: ColumnPairs, _ right: ColumnPairs
    ) {
        top.add(words, next, left, right)
        bottom.add(words + Top.count, next + Top.count, left, right)
    }

    @inline(__always)
    func store(_ target: UnsafeMutablePointer<Int32>) {
        top.store(target)
        bottom.store(target + 8 * Top.count)
    }
}

extension KernelTable {
    /// The kernels for machines with I8MM: those of every machine but for integer products.
    package static let i8mm = KernelTable.baseline(
        roofs: RoofKernels(KernelTable.baseline.roofs, MatrixProducts.self), tileRows: MatrixProducts.tileRows
    ) { MatrixProducts.tile($0) }
}
#endif
