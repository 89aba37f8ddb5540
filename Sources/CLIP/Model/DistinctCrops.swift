/// Which crops of a batch are worth encoding: of those that are equal, bit for bit, the first.
struct DistinctCrops {
    /// The crops that equal none before them.
    private(set) var firsts: [Int] = []
    /// Per crop, where in `firsts` the one that it equals stands.
    private(set) var places: [Int] = []
    /// The values of each crop.
    private(set) var ranges: [Range<Int>] = []

    /// - Parameter pixels: crops of these sizes, one after another.
    init(_ pixels: UnsafeRawBufferPointer, _ sizes: [PixelSize]) {
        for size in sizes {
            let start = ranges.last?.upperBound ?? 0
            ranges.append(start..<start + size.valueCount)
        }
        let width = MemoryLayout<Float>.size
        let crops = ranges.map { pixels[$0.lowerBound * width..<$0.upperBound * width] }
        var known: [Int: [Int]] = [:]
        for (index, crop) in crops.enumerated() {
            let sample = DistinctCrops.sample(crop)
            let equal = known[sample]?.first {
                sizes[firsts[$0]] == sizes[index] && crops[firsts[$0]].elementsEqual(crop)
            }
            places.append(equal ?? firsts.count)
            if equal == nil {
                known[sample, default: []].append(firsts.count)
                firsts.append(index)
            }
        }
    }

    /// A hash of a few values: crops that differ in them need not be compared.
    private static func sample(_ crop: Slice<UnsafeRawBufferPointer>) -> Int {
        var hasher = Hasher()
        for offset in stride(from: 0, to: crop.count, by: max(4, crop.count / 64 / 4 * 4)) {
            hasher.combine(crop.base.loadUnaligned(fromByteOffset: crop.startIndex + offset, as: UInt32.self))
        }
        return hasher.finalize()
    }
}
