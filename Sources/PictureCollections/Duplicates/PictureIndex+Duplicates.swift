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
    ///   - rule: which picture of a group is kept.
    ///   - threads: by default `CLIP_THREADS`, else the cores this process may use.
    ///   - progress: takes how many of how many pictures have been compared with all others.
    ///   - leftOut: takes pictures that are not looked at, and why.
    /// - Returns: the groups of at least two pictures, in the order of what is kept.
    /// - Throws: `CLIPError` of kind `.index` when a record is damaged, of kind `.argument` when the index has nothing in a folder of
    ///   the rule.
    /// - Complexity: O(n² / 2 · dimension) products for n pictures of different bytes, with multiplications of whole
    ///   matrices of whole numbers where that suffices, and a look at each file. Memory: a copy of the vectors, a byte a
    ///   number, and 200 bytes a picture besides its path.
    public func findDuplicates(
        threshold: Float? = 0.95, keeping rule: KeepingRule = KeepingRule(), threads: Int? = nil,
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in },
        leftOut: (_ picture: IndexedPicture, _ reason: LeftOutPicture) -> Void = { _, _ in }
    ) throws(CLIPError) -> [DuplicateGroup] {
        let compute = try Compute(threads: threads)
        let files = try DuplicateCandidates(self, order: try KeptOrder(rule), leftOut: leftOut)
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
            return try self.groups(groups, files)
        }
        let vectors = try VectorCopy(self, numbers: representatives)
        var isTaken = [Bool](repeating: false, count: representatives.count)
        try NearVectors(vectors, compute).forEachPair(
            reaching: threshold, isSpared: { isTaken[$0] }, progress: { progress($0, representatives.count) }
        ) { position, pairs in
            var members = copies(representatives[position]).map { Member(number: $0, similarity: 1, isExact: true) }
            // Nothing of a reference folder is a duplicate of another: it begins a group of its own.
            for pair in pairs where !isTaken[pair.second] && !files.isReference(representatives[pair.second]) {
                isTaken[pair.second] = true
                members += copies(representatives[pair.second]).map {
                    Member(number: $0, similarity: pair.score, isExact: false)
                }
            }
            if members.count > 1 { groups.append(members) }
        }
        return try self.groups(groups, files)
    }

    /// What `findDuplicates(threshold:keeping:threads:progress:leftOut:)` finds, without blocking the caller's executor.
    /// - Parameters:
    ///   - threshold: the least cosine; nil for files of the same bytes alone.
    ///   - rule: which of equals is kept, and which folders are never touched.
    ///   - threads: by default `CLIP_THREADS`, else the cores this process may use.
    ///   - progress: called on a thread of the library.
    ///   - leftOut: called on a thread of the library.
    /// - Throws: `CLIPError` as the synchronous method; of kind `.cancelled` once the task is cancelled.
    public func duplicates(
        threshold: Float? = 0.95, keeping rule: KeepingRule = KeepingRule(), threads: Int? = nil,
        progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in },
        leftOut: @escaping @Sendable (_ picture: IndexedPicture, _ reason: LeftOutPicture) -> Void = { _, _ in }
    ) async throws(CLIPError) -> [DuplicateGroup] {
        try await withoutBlocking { () throws(CLIPError) in
            try findDuplicates(
                threshold: threshold, keeping: rule, threads: threads, progress: progress, leftOut: leftOut)
        }
    }

    private struct Member {
        let number: Int
        let similarity: Float
        let isExact: Bool
    }

    /// Groups of what is kept and at least one that need not be.
    private func groups(_ groups: [[Member]], _ files: DuplicateCandidates) throws(CLIPError) -> [DuplicateGroup] {
        var found: [DuplicateGroup] = []
        for members in groups {
            let rest = members.dropFirst().filter { !files.isReference($0.number) }
            if !rest.isEmpty { found.append(try group(members.prefix(1) + rest, files)) }
        }
        return found
    }

    private func group(_ members: [Member], _ files: DuplicateCandidates) throws(CLIPError) -> DuplicateGroup {
        func otherNames(_ number: Int) throws(CLIPError) -> [IndexedPicture] {
            try files.otherNames(number).map { number throws(CLIPError) in try picture(number) }
        }
        func link(_ number: Int) throws(CLIPError) -> IndexedPicture? {
            try files.link(number).map { number throws(CLIPError) in try picture(number) }
        }
        let kept = members[0].number
        return DuplicateGroup(
            kept: try picture(kept), otherNamesOfKept: try otherNames(kept), linkToKept: try link(kept),
            isKeptReference: files.isReference(kept),
            duplicates: try members.dropFirst().map { member throws(CLIPError) in
                DuplicateGroup.Duplicate(
                    picture: try picture(member.number), otherNames: try otherNames(member.number),
                    similarity: member.similarity, isExact: member.isExact, link: try link(member.number))
            })
    }
}

/// The pictures of an index that are files of their own, each once, in the order in which they are kept.
private struct DuplicateCandidates {
    private struct Candidate {
        let number: Int
        let pixels: Int
        let byteCount: Int
        /// By the folder that it is in.
        let place: Int
        /// When its file was written; 0 where nothing is known of it, or asked.
        let modified: Int64
        let path: [UInt8]
        let node: FileStatus.Identity?
    }

    /// The number of one name of every file, in the order of `KeepingRule`.
    private(set) var order: [Int] = []
    private var references: Set<Int> = []
    private var nodes: [Int: FileStatus.Identity] = [:]
    private var names: [FileStatus.Identity: [Int]] = [:]
    /// A symbolic link to each file that one leads to.
    private var links: [FileStatus.Identity: Int] = [:]

    init(
        _ index: PictureIndex, order rule: KeptOrder,
        leftOut: (_ picture: IndexedPicture, _ reason: LeftOutPicture) -> Void
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
                case .file(let status): node = status.identity
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
            let path = isAbsolute ? record.name : base + [UInt8(ascii: "/")] + record.name
            let modified = rule.prefersOldest ? (try? PathBytes(path).status())?.modified : nil
            candidates.append(
                Candidate(
                    number: number, pixels: record.width * record.height, byteCount: record.identity.byteCount,
                    place: rule.place(of: path), modified: modified ?? 0, path: path, node: node))
        }
        try rule.check(candidates.lazy.map(\.path))
        for candidate in candidates { candidate.node.map { names[$0, default: []].append(candidate.number) } }
        func isLedTo(_ candidate: Candidate) -> Bool {
            candidate.node.map { links[$0] != nil || (names[$0]?.count ?? 0) > 1 } ?? false
        }
        candidates.sort { a, b in
            if a.place != b.place { return a.place < b.place }
            if a.pixels != b.pixels { return a.pixels > b.pixels }
            if a.modified != b.modified { return a.modified < b.modified }
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
            if candidate.place == 0 { references.insert(candidate.number) }
        }
    }

    /// Whether a picture is in a folder in which nothing is touched.
    func isReference(_ number: Int) -> Bool { references.contains(number) }

    /// The other names of a picture's file.
    func otherNames(_ number: Int) -> [Int] { (nodes[number].flatMap { names[$0] } ?? []).filter { $0 != number } }

    /// A symbolic link that leads to a picture's file.
    func link(_ number: Int) -> Int? { nodes[number].flatMap { links[$0] } }
}
