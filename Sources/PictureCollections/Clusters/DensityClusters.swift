public import CLIP
import CLIPCompute

extension PictureIndex {
    /// Finds groups of pictures that lie densely, however many there are: DBSCAN (Ester et al., 1996) with the cosine.
    ///
    /// A picture is a core when at least `minimum` pictures, itself included, have a cosine of `threshold` or more with
    /// it. Cores that are so near to each other are of one cluster; a picture near a core is of the cluster of its nearest
    /// core; all others are noise.
    /// - Throws: `CLIPError` of kind `.argument` when `minimum` is below 1, of kind `.index` when a vector is damaged.
    /// - Complexity: O(pictures² · dimension) products, in two passes. Memory: a copy of the vectors, a byte a number, and
    ///   the pairs of 256 pictures.
    public func findClusters(
        reaching threshold: Float, minimum: Int = 5, threads: Int? = nil,
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(CLIPError) -> PictureClusters {
        guard minimum > 0 else { throw CLIPError(.argument, "a core of \(minimum) pictures, expected at least 1") }
        let compute = try Compute(threads: threads)
        let vectors = try VectorCopy(self, numbers: pictureNumbers)
        let near = try NearVectors(vectors, compute)
        let count = vectors.numbers.count
        var neighbors = [Int](repeating: 1, count: count)
        try near.forEachPair(reaching: threshold, progress: { progress($0, 2 * count) }) { _, pairs in
            for pair in pairs {
                neighbors[pair.first] += 1
                neighbors[pair.second] += 1
            }
        }
        let isCore = neighbors.map { $0 >= minimum }
        var sets = DisjointSets(count: count)
        /// The nearest core of a picture that is none.
        var nearest = [(core: Int, score: Float)](repeating: (-1, -.infinity), count: count)
        func offer(_ core: Int, to other: Int, _ score: Float) {
            if score > nearest[other].score || score == nearest[other].score && core < nearest[other].core {
                nearest[other] = (core, score)
            }
        }
        try near.forEachPair(reaching: threshold, progress: { progress(count + $0, 2 * count) }) { _, pairs in
            for pair in pairs {
                switch (isCore[pair.first], isCore[pair.second]) {
                case (true, true): sets.join(pair.first, pair.second)
                case (true, false): offer(pair.first, to: pair.second, pair.score)
                case (false, true): offer(pair.second, to: pair.first, pair.score)
                case (false, false): break
                }
            }
        }
        var members: [Int: [Int]] = [:]
        var noise: [Int] = []
        for position in 0..<count {
            let core = isCore[position] ? position : nearest[position].core
            if core >= 0 {
                members[sets.root(core), default: []].append(position)
            } else {
                noise.append(vectors.numbers[position])
            }
        }
        return try PictureClusters(
            members: members.keys.sorted().map { members[$0] ?? [] }, vectors: vectors, noise: noise, rounds: 1,
            isSettled: true, compute)
    }

    /// What `findClusters(reaching:minimum:threads:progress:)` finds, without blocking the caller's executor.
    /// - Parameters:
    ///   - threshold: the least cosine of neighbours.
    ///   - minimum: as in the synchronous method.
    ///   - threads: by default `CLIP_THREADS`, else the cores this process may use.
    ///   - progress: called on a thread of the library.
    /// - Throws: `CLIPError` as the synchronous method; of kind `.cancelled` once the task is cancelled.
    public func clusters(
        reaching threshold: Float, minimum: Int = 5, threads: Int? = nil,
        progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) async throws(CLIPError) -> PictureClusters {
        try await withoutBlocking { () throws(CLIPError) in
            try findClusters(reaching: threshold, minimum: minimum, threads: threads, progress: progress)
        }
    }
}

/// Sets that are joined until those remain that have nothing to do with each other (Galler and Fisher, 1964).
struct DisjointSets {
    private var parents: [Int]

    init(count: Int) { parents = Array(0..<count) }

    /// The least element of the set of `element`.
    mutating func root(_ element: Int) -> Int {
        var element = element
        while parents[element] != element {
            parents[element] = parents[parents[element]]
            element = parents[element]
        }
        return element
    }

    mutating func join(_ a: Int, _ b: Int) {
        let (a, b) = (root(a), root(b))
        parents[max(a, b)] = min(a, b)
    }
}
