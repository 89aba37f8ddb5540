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
    /// The sums of a tile, by the instruction's signed products: levels are taken less 128, and what that takes from a
    /// column's sums, 128 times its weights, is summed beside them and given back.
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
        let minus128 = Sums(repeating: lessHalf)
        var (shortLeft, shortRight) = (Sums(repeating: 0), Sums(repeating: 0))
        var group = 0
        while group < job.groups {
            ahead.advance()
            let end = min(group + 8, job.groups)
            repeat {
                let (left, right) = (weights(position, step: 0), weights(position + job.rightOffset, step: 0))
                rows.add(words, left, right)
                shortLeft = add(shortLeft, minus128, left)
                shortRight = add(shortRight, minus128, right)
                words += Rows.count
                position += 64
                group += 1
            } while group < end
        }
        rows.store(job.target, shortLeft, shortRight)
    }

    /// −128 in every byte: as an exclusive or it takes 128 from an unsigned byte, which is signed then.
    @inline(__always) fileprivate static var lessHalf: Int32 { Int32(bitPattern: 0x8080_8080) }
}

/// The sums of some rows by two vectors of columns, held in registers while K runs.
private protocol DotRows {
    static var count: Int { get }
    init()
    /// Adds the products of a word of each row with a group's weights.
    mutating func add(_ words: UnsafePointer<Int32>, _ left: SIMD4<Int32>, _ right: SIMD4<Int32>)
    /// Writes the sums less what they are short of.
    func store(_ target: UnsafeMutablePointer<Int32>, _ shortLeft: SIMD4<Int32>, _ shortRight: SIMD4<Int32>)
}

private struct One: DotRows {
    var left = SIMD4<Int32>.zero
    var right = SIMD4<Int32>.zero

    @inline(__always) static var count: Int { 1 }

    /// Adds the products of a word, less 128 already, that stands in every lane.
    @inline(__always)
    mutating func add(_ word: SIMD4<Int32>, _ left: SIMD4<Int32>, _ right: SIMD4<Int32>) {
        self.left = DotProducts.add(self.left, word, left)
        self.right = DotProducts.add(self.right, word, right)
    }

    @inline(__always)
    mutating func add(_ words: UnsafePointer<Int32>, _ left: SIMD4<Int32>, _ right: SIMD4<Int32>) {
        add(SIMD4(repeating: words.pointee ^ DotProducts.lessHalf), left, right)
    }

    @inline(__always)
    func store(_ target: UnsafeMutablePointer<Int32>, _ shortLeft: SIMD4<Int32>, _ shortRight: SIMD4<Int32>) {
        let target = UnsafeMutableRawPointer(target)
        target.storeBytes(of: left &- shortLeft, as: SIMD4<Int32>.self)
        target.storeBytes(of: right &- shortRight, toByteOffset: 16, as: SIMD4<Int32>.self)
    }
}

private typealias Two = Above<One, One>

/// Four rows, whose words are loaded as one vector: the instruction takes a lane of it.
private struct Four: DotRows {
    var (first, second, third, fourth) = (One(), One(), One(), One())

    @inline(__always) static var count: Int { 4 }

    @inline(__always)
    mutating func add(_ words: UnsafePointer<Int32>, _ left: SIMD4<Int32>, _ right: SIMD4<Int32>) {
        let words = veorq_s32(
            UnsafeRawPointer(words).loadUnaligned(as: SIMD4<Int32>.self), SIMD4(repeating: DotProducts.lessHalf))
        first.add(SIMD4(repeating: words[0]), left, right)
        second.add(SIMD4(repeating: words[1]), left, right)
        third.add(SIMD4(repeating: words[2]), left, right)
        fourth.add(SIMD4(repeating: words[3]), left, right)
    }

    @inline(__always)
    func store(_ target: UnsafeMutablePointer<Int32>, _ shortLeft: SIMD4<Int32>, _ shortRight: SIMD4<Int32>) {
        first.store(target, shortLeft, shortRight)
        second.store(target + 8, shortLeft, shortRight)
        third.store(target + 16, shortLeft, shortRight)
        fourth.store(target + 24, shortLeft, shortRight)
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
    func store(_ target: UnsafeMutablePointer<Int32>, _ shortLeft: SIMD4<Int32>, _ shortRight: SIMD4<Int32>) {
        top.store(target, shortLeft, shortRight)
        bottom.store(target + 8 * Top.count, shortLeft, shortRight)
    }
}

extension KernelTable {
    /// The kernels for machines with DotProduct: those of every machine but for integer products.
    package static let dotProduct = KernelTable.baseline(
        roofs: RoofKernels(KernelTable.baseline.roofs, DotProducts.self), tileRows: DotProducts.tileRows
    ) { DotProducts.tile($0) }
}
#endif
