import CLIP
import CLIPCompute
import CLIPSystem

extension PictureIndex {
    /// Finds pictures that are there more than once.
    ///
    /// Two names of one file are one picture, symbolic links are none, and neither is what has gone from the disk; only
    /// embeddings that were made elsewhere need no file. Files of the same bytes belong together. The others are taken from the largest to the smallest: one that is not
    /// yet in a group begins one and takes all smaller ones without a group whose cosine with it reaches the threshold. So
    /// whatever need not be kept is near to something that is.
    /// - Parameters:
    ///   - threshold: the least cosine of near duplicates; nil finds files of the same bytes alone.
    ///   - threads: by default `CLIP_THREADS`, else the cores this process may use.
    ///   - progress: takes how many of how many pictures have been compared with all others.
    ///   - leftOut: takes pictures that are not looked at, and why.
    /// - Returns: the groups of at least two pictures, in the order of what is kept.
    /// - Throws: `CLIPError` of kind `.index` when a record is damaged.
    /// - Complexity: O(n² / 2 · dimension) products for n pictures of different bytes, with multiplications of whole
    ///   matrices of whole numbers where that suffices, and a look at each file. Memory: a copy of the vectors, a byte a
    ///   number, and 200 bytes a picture besides its path.
    public func findDuplicates(
        threshold: Float? = 0.95, threads: Int? = nil, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in },
        leftOut: (_ picture: IndexedPicture, _ reason: LeftOutPicture) -> Void = { _, _ in }
    ) throws(CLIPError) -> [DuplicateGroup] {
        let compute = try Compute(threads: threads)
        let files = try DuplicateCandidates(self, leftOut: leftOut)
        let order = files.order
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
            return try groups.filter { $0.count > 1 }.map { members throws(CLIPError) in try group(members, files) }
        }
        let vectors = try VectorCopy(self, numbers: representatives)
        var isTaken = [Bool](repeating: false, count: representatives.count)
        try NearVectors(vectors, compute).forEachPair(
            reaching: threshold, isSpared: { isTaken[$0] }, progress: { progress($0, representatives.count) }
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
        return try groups.map { members throws(CLIPError) in try group(members, files) }
    }

    /// What `findDuplicates(threshold:threads:progress:leftOut:)` finds, without blocking the caller's executor.
    /// - Parameters:
    ///   - threshold: the least cosine; nil for files of the same bytes alone.
    ///   - threads: by default `CLIP_THREADS`, else the cores this process may use.
    ///   - progress: called on a thread of the library.
    ///   - leftOut: called on a thread of the library.
    /// - Throws: `CLIPError` as the synchronous method; of kind `.cancelled` once the task is cancelled.
    public func duplicates(
        threshold: Float? = 0.95, threads: Int? = nil,
        progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in },
        leftOut: @escaping @Sendable (_ picture: IndexedPicture, _ reason: LeftOutPicture) -> Void = { _, _ in }
    ) async throws(CLIPError) -> [DuplicateGroup] {
        try await withoutBlocking { () throws(CLIPError) in
            try findDuplicates(threshold: threshold, threads: threads, progress: progress, leftOut: leftOut)
        }
    }

    private struct Member {
        let number: Int
        let similarity: Float
        let isExact: Bool
    }

    private func group(_ members: [Member], _ files: DuplicateCandidates) throws(CLIPError) -> DuplicateGroup {
        DuplicateGroup(
            kept: try picture(members[0].number),
            duplicates: try members.dropFirst().map { member throws(CLIPError) in
                DuplicateGroup.Duplicate(
                    picture: try picture(member.number),
                    otherNames: try files.otherNames(member.number).map { number throws(CLIPError) in
                        try picture(number)
                    }, similarity: member.similarity, isExact: member.isExact,
                    link: try files.link(member.number).map { number throws(CLIPError) in try picture(number) })
            })
    }
}

/// The pictures of an index that are files of their own, each once, in the order in which they are kept.
private struct DuplicateCandidates {
    private struct Candidate {
        let number: Int
        let pixels: Int
        let byteCount: Int
        let path: [UInt8]
        let node: FileStatus.Identity?
    }

    /// The number of one name of every file: most pixels first, then most bytes, then what other names or links lead
    /// to, then the shortest path.
    private(set) var order: [Int] = []
    private var nodes: [Int: FileStatus.Identity] = [:]
    private var names: [FileStatus.Identity: [Int]] = [:]
    /// A symbolic link to each file that one leads to.
    private var links: [FileStatus.Identity: Int] = [:]

    init(
        _ index: PictureIndex, leftOut: (_ picture: IndexedPicture, _ reason: LeftOutPicture) -> Void
    ) throws(CLIPError) {
        // Names inside the folder of the index are relative to it, others absolute: only whole paths compare.
        let base = (try? index.file.location.folder.resolved())?.bytes ?? []
        var candidates: [Candidate] = []
        for number in index.pictureNumbers {
            try checkCancellation()
            guard let record = index.file.record(number) else { throw index.damage(number) }
            var node: FileStatus.Identity?
            if record.contentHash != .none {
                switch PathState(PathBytes(index.pathBytes(record.name))) {
                case .file(let found): node = found
                case .link(let target):
                    if let target { links[target] = links[target] ?? number }
                    leftOut(try index.picture(number), .link)
                    continue
                case .gone, .other:
                    leftOut(try index.picture(number), .gone)
                    continue
                case .unknown(let message):
                    leftOut(try index.picture(number), .unknown(message))
                    continue
                }
            }
            let isAbsolute = record.name.first == UInt8(ascii: "/")
            candidates.append(
                Candidate(
                    number: number, pixels: record.width * record.height, byteCount: record.identity.byteCount,
                    path: isAbsolute ? record.name : base + [UInt8(ascii: "/")] + record.name, node: node))
        }
        for candidate in candidates { candidate.node.map { names[$0, default: []].append(candidate.number) } }
        func isLedTo(_ candidate: Candidate) -> Bool {
            candidate.node.map { links[$0] != nil || (names[$0]?.count ?? 0) > 1 } ?? false
        }
        candidates.sort { a, b in
            if a.pixels != b.pixels { return a.pixels > b.pixels }
            if a.byteCount != b.byteCount { return a.byteCount > b.byteCount }
            let (first, second) = (isLedTo(a), isLedTo(b))
            if first != second { return first }
            if a.path.count != b.path.count { return a.path.count < b.path.count }
            return a.path.lexicographicallyPrecedes(b.path)
        }
        var seen: Set<FileStatus.Identity> = []
        for candidate in candidates {
            if let node = candidate.node {
                nodes[candidate.number] = node
                guard seen.insert(node).inserted else { continue }
            }
            order.append(candidate.number)
        }
    }

    /// The other names of a picture's file.
    func otherNames(_ number: Int) -> [Int] { (nodes[number].flatMap { names[$0] } ?? []).filter { $0 != number } }

    /// A symbolic link that leads to a picture's file.
    func link(_ number: Int) -> Int? { nodes[number].flatMap { links[$0] } }
}
