public import CLIP
import CLIPCompute

extension PictureIndex {
    /// Divides all pictures among `count` clusters: spherical k-means (Dhillon and Modha, 2001), begun with k-means++
    /// (Arthur and Vassilvitskii, 2007) on the distance 1 − cosine.
    ///
    /// The same seed gives the same clusters for any number of threads on one instruction set.
    /// - Parameters:
    ///   - count: how many clusters, at least 1. There are fewer when there are fewer different pictures.
    ///   - seed: of the choice of the first middles.
    ///   - rounds: the most rounds of assigning and averaging.
    ///   - threads: by default `CLIP_THREADS`, else the cores this process may use.
    ///   - progress: called after each round with how many are done.
    /// - Throws: `CLIPError` of kind `.argument` for no cluster, of kind `.index` when a vector is damaged.
    /// - Complexity: O(rounds · pictures · count · dimension) products, of whole numbers where that suffices. Memory: a
    ///   copy of the vectors and a byte a number, 16 bytes a number of the middles.
    public func findClusters(
        count: Int, seed: UInt64 = 0, rounds: Int = 50, threads: Int? = nil,
        progress: (_ round: Int) -> Void = { _ in }
    ) throws(CLIPError) -> PictureClusters {
        guard count > 0 else { throw CLIPError(.argument, "\(count) clusters, expected at least 1") }
        let compute = try Compute(threads: threads)
        let vectors = try VectorCopy(self, numbers: pictureNumbers)
        guard count < vectors.numbers.count, let coarse = vectors.coarse(compute) else {
            return try PictureClusters(
                members: vectors.equalRows, vectors: vectors, noise: [], rounds: 0, isSettled: true, compute)
        }
        var run = KMeansRun(vectors, coarse, compute)
        try run.begin(count: count, seed: seed)
        var done = 0
        var isSettled = false
        while done < rounds, !isSettled {
            isSettled = try !run.assign()
            if !isSettled { try run.average() }
            done += 1
            progress(done)
        }
        return try PictureClusters(
            members: run.members.filter { !$0.isEmpty }, vectors: vectors, noise: [], rounds: done,
            isSettled: isSettled, compute)
    }

    /// What `findClusters(count:seed:rounds:threads:progress:)` finds, without blocking the caller's executor.
    /// - Parameters:
    ///   - count: how many clusters, at least 1.
    ///   - seed: of the choice of the first middles.
    ///   - rounds: the most rounds of assigning and averaging.
    ///   - threads: by default `CLIP_THREADS`, else the cores this process may use.
    ///   - progress: called on a thread of the library.
    /// - Throws: `CLIPError` as the synchronous method; of kind `.cancelled` once the task is cancelled.
    public func clusters(
        count: Int, seed: UInt64 = 0, rounds: Int = 50, threads: Int? = nil,
        progress: @escaping @Sendable (_ round: Int) -> Void = { _ in }
    ) async throws(CLIPError) -> PictureClusters {
        try await withoutBlocking { () throws(CLIPError) in
            try findClusters(count: count, seed: seed, rounds: rounds, threads: threads, progress: progress)
        }
    }
}

extension VectorCopy {
    /// The positions of the vectors, equal ones together: a cluster for each picture that is unlike all others.
    fileprivate var equalRows: [[Int]] {
        var places: [[Float]: Int] = [:]
        var rows: [[Int]] = []
        for position in numbers.indices {
            let values = Array(vector(position))
            if let place = places[values] {
                rows[place].append(position)
            } else {
                places[values] = rows.count
                rows.append([position])
            }
        }
        return rows
    }
}

/// The state of spherical k-means.
private struct KMeansRun {
    private let vectors: VectorCopy
    private let coarse: CoarseVectors
    private let compute: Compute
    private var centroids: [Embedding] = []
    /// The cluster of each vector, −1 before the first round.
    private var assignment: [Int32]

    init(_ vectors: VectorCopy, _ coarse: CoarseVectors, _ compute: Compute) {
        self.vectors = vectors
        self.coarse = coarse
        self.compute = compute
        assignment = [Int32](repeating: -1, count: vectors.numbers.count)
    }

    var members: [[Int]] {
        var members = [[Int]](repeating: [], count: centroids.count)
        for (position, cluster) in assignment.enumerated() { members[Int(cluster)].append(position) }
        return members
    }

    /// Chooses the first middles among the vectors, each with a chance that grows with its distance from those before.
    mutating func begin(count: Int, seed: UInt64) throws(CLIPError) {
        var random = SplitMix64(seed: seed)
        var next = random.index(below: vectors.numbers.count)
        var best = [Float](repeating: -1, count: vectors.numbers.count)
        while true {
            centroids.append(Embedding(values: vectors.vector(next)).normalized())
            guard centroids.count < count else { return }
            try raise(&best, with: centroids[centroids.count - 1])
            // A vector is of length 1 but for rounding: its own middle must not count as some way off.
            best[next] = 1
            let distances = best.map { Double(max(0, 1 - $0)) }
            // What rounding leaves between equal vectors is no distance.
            let total = distances.reduce(0) { $0 + ($1 > 1e-6 ? $1 : 0) }
            guard total > 0 else { return }
            var target = Double(random.next() >> 11) * 0x1p-53 * total
            next = distances.lastIndex { $0 > 1e-6 } ?? 0
            for (position, distance) in distances.enumerated() where distance > 1e-6 {
                target -= distance
                if target < 0 {
                    next = position
                    break
                }
            }
        }
    }

    /// Puts every vector to the middle with the greatest cosine; of equal ones to the first.
    /// - Returns: whether any changed its cluster.
    mutating func assign() throws(CLIPError) -> Bool {
        let queries = try QueryRows(centroids, dimension: coarse.dimension)
        let nearest = compute.nearestQueries(queries.matrix, coarse)
        withExtendedLifetime(queries) {}
        try checkCancellation()
        defer { assignment = nearest }
        return assignment != nearest
    }

    /// Moves every middle to the mean of its vectors. A cluster that lost all of them keeps its middle.
    mutating func average() throws(CLIPError) {
        let members = members
        for (cluster, mean) in try vectors.means(of: members, compute).enumerated() where !members[cluster].isEmpty {
            centroids[cluster] = mean
        }
    }

    private func raise(_ best: inout [Float], with centroid: Embedding) throws(CLIPError) {
        let query = try QueryRows([centroid], dimension: coarse.dimension)
        compute.raise(&best, to: query.matrix, coarse)
        withExtendedLifetime(query) {}
        try checkCancellation()
    }
}
