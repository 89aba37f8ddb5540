/// Which crops of a batch are worth encoding: of those that are equal, bit for bit, the first.
struct DistinctCrops {
    /// The crops that equal none before them.
    private(set) var firsts: [Int] = []
    /// Per crop, where in `firsts` the one that it equals stands.
    private(set) var places: [Int] = []

    /// - Parameter pixels: `count` crops of `size` values each.
    init(_ pixels: UnsafeRawBufferPointer, count: Int, size: Int) {
        let byteCount = size * MemoryLayout<Float>.size
        let crops = (0..<count).map { pixels[$0 * byteCount..<($0 + 1) * byteCount] }
        var known: [Int: [Int]] = [:]
        for (index, crop) in crops.enumerated() {
            let sample = DistinctCrops.sample(crop)
            let equal = known[sample]?.first { crops[firsts[$0]].elementsEqual(crop) }
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
