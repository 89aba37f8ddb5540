#if arch(arm64)
internal import CLIPKernels
import _Builtin_intrinsics.arm.neon

/// Integer products of signed bytes with NEON, four to a lane: products of two groups are summed in 16 bits, at most
/// 2 · 128 · 127 < 2¹⁵, then taken up in pairs by the sums of 32 bits.
enum NEONByteProducts: QuadProducts {
    typealias Sums = SIMD4<Int32>

    /// Each row needs four vectors, twice those of other instruction sets.
    @inline(__always) static var tileRows: Int { 4 }

    @inline(__always)
    static func add(_ sums: Sums, _ word: Sums, _ weights: Sums) -> Sums { sums &+ products(word, weights) }

    /// As many instructions as sixteen products of a tile take: which columns they count for is left open.
    @inline(__always)
    static func products(_ word: Sums, _ weights: Sums) -> Sums {
        let (word, weights) = (bytes(word), bytes(weights))
        return vpaddlq_s16(vmlal_high_s8(vmull_s8(vget_low_s8(weights), vget_low_s8(word)), weights, word))
    }

    @inline(__always)
    fileprivate static func bytes(_ word: Sums) -> SIMD16<Int8> { unsafeBitCast(word, to: SIMD16<Int8>.self) }
}

extension NEONByteProducts {
    @inline(__always)
    static func tile(_ job: IntegerTileJob) {
        switch job.rows {
        case 1: tile(ByteRow.self, job)
        case 2: tile(Above<ByteRow, ByteRow>.self, job)
        case 3: tile(Above<Above<ByteRow, ByteRow>, ByteRow>.self, job)
        default: tile(Above<Above<ByteRow, ByteRow>, Above<ByteRow, ByteRow>>.self, job)
        }
    }

    @inline(__always)
    private static func tile<Rows: ByteRows>(_: Rows.Type, _ job: IntegerTileJob) {
        var rows = Rows()
        var ahead = job.ahead
        var (words, position) = (job.words, job.weights)
        @inline(__always) func weights(_ offset: Int) -> SIMD16<Int8> {
            bytes(self.weights(position + offset, step: 0))
        }
        let whole = job.groups & ~1
        var group = 0
        while group < whole {
            ahead.advance()
            let end = min(group + 8, whole)
            repeat {
                rows.add(
                    words, weights(0), weights(job.rightOffset), next: weights(64), weights(job.rightOffset + 64))
                words += 2 * Rows.count
                position += 128
                group += 2
            } while group < end
        }
        if group < job.groups {
            ahead.advance()
            // What stands behind the last group is multiplied with nothing.
            rows.add(words, weights(0), weights(job.rightOffset), next: .zero, .zero, isAlone: true)
        }
        rows.store(job.target)
    }
}

/// The sums of some rows by eight columns, held in registers while K runs.
private protocol ByteRows {
    static var count: Int { get }
    init()
    /// Adds the products of two groups of levels of each row, `[groups][rows]`.
    mutating func add(
        _ words: UnsafePointer<Int32>, rows: Int, _ left: SIMD16<Int8>, _ right: SIMD16<Int8>,
        next nextLeft: SIMD16<Int8>, _ nextRight: SIMD16<Int8>, isAlone: Bool)
    func store(_ target: UnsafeMutablePointer<Int32>)
}

extension ByteRows {
    /// - Parameter isAlone: whether there is only the first of the two groups.
    @inline(__always)
    mutating func add(
        _ words: UnsafePointer<Int32>, _ left: SIMD16<Int8>, _ right: SIMD16<Int8>, next nextLeft: SIMD16<Int8>,
        _ nextRight: SIMD16<Int8>, isAlone: Bool = false
    ) {
        add(words, rows: Self.count, left, right, next: nextLeft, nextRight, isAlone: isAlone)
    }
}

private struct ByteRow: ByteRows {
    // Two sums of each of two columns, those of the even pairs of a group and of the odd ones.
    var (first, second) = (SIMD4<Int32>.zero, SIMD4<Int32>.zero)
    var (third, fourth) = (SIMD4<Int32>.zero, SIMD4<Int32>.zero)

    @inline(__always) static var count: Int { 1 }

    @inline(__always)
    mutating func add(
        _ words: UnsafePointer<Int32>, rows: Int, _ left: SIMD16<Int8>, _ right: SIMD16<Int8>,
        next nextLeft: SIMD16<Int8>, _ nextRight: SIMD16<Int8>, isAlone: Bool
    ) {
        let word = NEONByteProducts.bytes(SIMD4(repeating: words[0]))
        let next = NEONByteProducts.bytes(SIMD4(repeating: isAlone ? 0 : words[rows]))
        let (low, nextLow) = (vget_low_s8(word), vget_low_s8(next))
        first = vpadalq_s16(
            first, vmlal_s8(vmull_s8(vget_low_s8(left), low), vget_low_s8(nextLeft), nextLow))
        second = vpadalq_s16(second, vmlal_high_s8(vmull_high_s8(left, word), nextLeft, next))
        third = vpadalq_s16(
            third, vmlal_s8(vmull_s8(vget_low_s8(right), low), vget_low_s8(nextRight), nextLow))
        fourth = vpadalq_s16(fourth, vmlal_high_s8(vmull_high_s8(right, word), nextRight, next))
    }

    @inline(__always)
    func store(_ target: UnsafeMutablePointer<Int32>) {
        let target = UnsafeMutableRawPointer(target)
        target.storeBytes(of: vpaddq_s32(first, second), as: SIMD4<Int32>.self)
        target.storeBytes(of: vpaddq_s32(third, fourth), toByteOffset: 16, as: SIMD4<Int32>.self)
    }
}

private struct Above<Top: ByteRows, Bottom: ByteRows>: ByteRows {
    var top = Top()
    var bottom = Bottom()

    @inline(__always) static var count: Int { Top.count + Bottom.count }

    @inline(__always)
    mutating func add(
        _ words: UnsafePointer<Int32>, rows: Int, _ left: SIMD16<Int8>, _ right: SIMD16<Int8>,
        next nextLeft: SIMD16<Int8>, _ nextRight: SIMD16<Int8>, isAlone: Bool
    ) {
        top.add(words, rows: rows, left, right, next: nextLeft, nextRight, isAlone: isAlone)
        bottom.add(words + Top.count, rows: rows, left, right, next: nextLeft, nextRight, isAlone: isAlone)
    }

    @inline(__always)
    func store(_ target: UnsafeMutablePointer<Int32>) {
        top.store(target)
        bottom.store(target + 8 * Top.count)
    }
}
#endif
