#if arch(arm64)
package import CLIPKernels
import CLIPKernelsBaseline
import _Builtin_intrinsics.arm.neon

/// Integer products with DotProduct: four of signed bytes at once, summed in 32 bits.
enum DotProducts: QuadProducts {
    typealias Sums = SIMD4<Int32>

    @inline(__always) static var tileRows: Int { 12 }

    @inline(__always)
    static func add(_ sums: Sums, _ word: Sums, _ weights: Sums) -> Sums {
        vdotq_s32(sums, unsafeBitCast(weights, to: SIMD16<Int8>.self), unsafeBitCast(word, to: SIMD16<Int8>.self))
    }
}

extension DotProducts {
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
        case 8: tile(Above<Four, Four>.self, job)
        case 9: tile(Above<Four, Above<Four, One>>.self, job)
        case 10: tile(Above<Four, Above<Four, Two>>.self, job)
        case 11: tile(Above<Four, Above<Four, Above<Two, One>>>.self, job)
        default: tile(Above<Four, Above<Four, Four>>.self, job)
        }
    }

    @inline(__always)
    private static func tile<Rows: DotRows>(_: Rows.Type, _ job: IntegerTileJob) {
        var rows = Rows()
        var ahead = job.ahead
        var (words, position) = (job.words, job.weights)
        var group = 0
        while group < job.groups {
            ahead.advance()
            let end = min(group + 8, job.groups)
            repeat {
                rows.add(words, weights(position, step: 0), weights(position + job.rightOffset, step: 0))
                words += Rows.count
                position += 64
                group += 1
            } while group < end
        }
        rows.store(job.target)
    }
}

/// The sums of some rows by two vectors of columns, held in registers while K runs.
private protocol DotRows {
    static var count: Int { get }
    init()
    /// Adds the products of a word of each row with a group's weights.
    mutating func add(_ words: UnsafePointer<Int32>, _ left: SIMD4<Int32>, _ right: SIMD4<Int32>)
    func store(_ target: UnsafeMutablePointer<Int32>)
}

private struct One: DotRows {
    var left = SIMD4<Int32>.zero
    var right = SIMD4<Int32>.zero

    @inline(__always) static var count: Int { 1 }

    /// Adds the products of a word that stands in every lane.
    @inline(__always)
    mutating func add(_ word: SIMD4<Int32>, _ left: SIMD4<Int32>, _ right: SIMD4<Int32>) {
        self.left = DotProducts.add(self.left, word, left)
        self.right = DotProducts.add(self.right, word, right)
    }

    @inline(__always)
    mutating func add(_ words: UnsafePointer<Int32>, _ left: SIMD4<Int32>, _ right: SIMD4<Int32>) {
        add(SIMD4(repeating: words.pointee), left, right)
    }

    @inline(__always)
    func store(_ target: UnsafeMutablePointer<Int32>) {
        let target = UnsafeMutableRawPointer(target)
        target.storeBytes(of: left, as: SIMD4<Int32>.self)
        target.storeBytes(of: right, toByteOffset: 16, as: SIMD4<Int32>.self)
    }
}

private typealias Two = Above<One, One>

/// Four rows, whose words are loaded as one vector: the instruction takes a lane of it.
private struct Four: DotRows {
    var (first, second, third, fourth) = (One(), One(), One(), One())

    @inline(__always) static var count: Int { 4 }

    @inline(__always)
    mutating func add(_ words: UnsafePointer<Int32>, _ left: SIMD4<Int32>, _ right: SIMD4<Int32>) {
        // By steps of which the compiler makes a lane: single lanes of a vector it would load one by one.
        let words = UnsafeRawPointer(words).loadUnaligned(as: SIMD4<Int32>.self)
        let (low, high) = (vzip1q_s32(words, words), vzip2q_s32(words, words))
        first.add(vzip1q_s32(low, low), left, right)
        second.add(vzip2q_s32(low, low), left, right)
        third.add(vzip1q_s32(high, high), left, right)
        fourth.add(vzip2q_s32(high, high), left, right)
    }

    @inline(__always)
    func store(_ target: UnsafeMutablePointer<Int32>) {
        first.store(target)
        second.store(target + 8)
        third.store(target + 16)
        fourth.store(target + 24)
    }
}

private struct Above<Top: DotRows, Bottom: DotRows>: DotRows {
    var top = Top()
    var bottom = Bottom()

    @inline(__always) static var count: Int { Top.count + Bottom.count }

    @inline(__always)
    mutating func add(_ words: UnsafePointer<Int32>, _ left: SIMD4<Int32>, _ right: SIMD4<Int32>) {
        top.add(words, left, right)
        bottom.add(words + Top.count, left, right)
    }

    @inline(__always)
    func store(_ target: UnsafeMutablePointer<Int32>) {
        top.store(target)
        bottom.store(target + 8 * Top.count)
    }
}

extension KernelTable {
    /// The kernels for machines with DotProduct: those of every machine but for integer products.
    package static let dotProduct = KernelTable.baseline(
        roofs: RoofKernels(KernelTable.baseline.roofs, DotProducts.self), tileRows: DotProducts.tileRows
    ) { DotProducts.tile($0) }
}
#endif
