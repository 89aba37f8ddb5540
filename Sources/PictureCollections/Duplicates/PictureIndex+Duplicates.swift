public import CLIP

extension PictureIndex {
    /// Finds pictures that are there more than once.
    ///
    /// Files of the same bytes belong together. The others are taken from the largest to the smallest: one that is not
    /// yet in a group begins one and takes all smaller ones without a group whose cosine with it reaches the threshold. So
    /// whatever need not be kept is near to something that is.
    /// - Parameters:
    ///   - threshold: the least cosine of near duplicates; nil finds files of the same bytes alone.
    ///   - threads: by default `CLIP_THREADS`, else the cores this process may use.
    ///   - progress: takes how many of how many pictures have been compared with all others.
    /// - Returns: the groups of at least two pictures, in the order of what is kept.
    /// - Throws: `CLIPError` of kind `.index` when a record is damaged.
    /// - Complexity: O(n² / 2 · dimension) products for n pictures of different bytes, with multiplications of whole
    ///   matrices. Memory: a copy of the vectors, and 100 bytes a picture.
    public func duplicates(
        threshold: Float? = 0.95, threads: Int? = nil, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(CLIPError) -> [DuplicateGroup] {
        let compute = try computing(threads)
        let order = try largestFirst()
        var groups: [[Member]] = []
        var exact: [ContentHash: [Int]] = [:]
        for number in order where file.contentHash(number) != .none {
            exact[file.contentHash(number), default: []].append(number)
        }
        // One of each content stands for all of it.
        let representatives = order.filter { exact[file.contentHash($0)].map { $0[0] } ?? $0 == $0 }
        func copies(_ number: Int) -> [Int] { exact[file.contentHash(number)] ?? [number] }
        guard let threshold else {
            groups = representatives.map { number in
                copies(number).map { Member(number: $0, similarity: 1, isExact: true) }
            }
            return try groups.filter { $0.count > 1 }.map { members throws(CLIPError) in try group(members) }
        }
        let vectors = try VectorCopy(self, numbers: representatives)
        var isTaken = [Bool](repeating: false, count: representatives.count)
        try vectors.forEachPair(
            reaching: threshold, compute, isSpared: { isTaken[$0] }, progress: { progress($0, representatives.count) }
        ) { position, pairs in
            var members = copies(representatives[position]).map { Member(number: $0, similarity: 1, isExact: true) }
            for pair in pairs where !isTaken[pair.second] {
                isTaken[pair.second] = true
                members += copies(representatives[pair.second]).map {
                    Member(number: $0, similarity: pair.score, isExact: false)
                }
            }
            if members.count > 1 { groups.append(members) }
        }
        return try groups.map { members throws(CLIPError) in try group(members) }
    }

    private struct Member {
        let number: Int
        let similarity: Float
        let isExact: Bool
    }

    private func group(_ members: [Member]) throws(CLIPError) -> DuplicateGroup {
        DuplicateGroup(
            kept: try picture(members[0].number),
            duplicates: try members.dropFirst().map { member throws(CLIPError) in
                DuplicateGroup.Duplicate(
                    picture: try picture(member.number), similarity: member.similarity, isExact: member.isExact)
            })
    }

    /// All pictures: most pixels first, then most bytes, then in the order of numbers.
    private func largestFirst() throws(CLIPError) -> [Int] {
        var sizes: [(pixels: Int, bytes: Int, number: Int)] = []
        for number in pictureNumbers {
            guard let record = file.record(number) else { throw damage(number) }
            sizes.append((record.width * record.height, record.identity.byteCount, number))
        }
        return sizes.sorted { ($1.pixels, $1.bytes, $0.number) < ($0.pixels, $0.bytes, $1.number) }.map(\.number)
    }
}
