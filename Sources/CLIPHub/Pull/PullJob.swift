internal import CLIPJSON
internal import CLIPWeights

/// One pull, from the repository's name to a snapshot that appears whole.
struct PullJob: Sendable {
    let repository: HubName
    /// The weights that were asked for by name; empty for those that a model needs.
    let wanted: [String]
    let connection: HubConnection
    let cache: RepositoryCache
    let meter: ProgressMeter
    /// Whether files that the cache has are read and compared with what the hub announces, or taken by their size.
    let verifies: Bool

    /// How many files are asked about or fetched at once.
    private static let width = 4
    private var revision: String { repository.revision ?? "main" }
    private var subject: String { repository.name }

    func run() async throws(HubError) -> PulledModel {
        let listing = try await list()
        let selection = FileSelection(listing.paths)
        try cache.prepare()
        let small = try await fetch(selection.smallFiles, of: listing.commit)
        let weights: [String]
        if wanted.isEmpty {
            let config = try configuration(small.files)
            weights = try selection.weights(isTransformers: config, subject: subject)
        } else {
            weights = try selection.chosen(wanted, subject: subject)
        }
        let large = try await fetch(weights, of: listing.commit)
        // Links come last, so that nobody ever finds a snapshot with some of its files.
        let files = small.files + large.files
        let news = small.news.union(large.news)
        for file in files {
            if !news.contains(file.path), try cache.hasFile(file, in: listing.commit) { continue }
            try cache.place(file, in: listing.commit)
        }
        try cache.writeReference(revision, commit: listing.commit)
        return PulledModel(
            name: repository.name, revision: revision, commit: listing.commit, folder: cache.snapshot(listing.commit),
            weights: weights, fileCount: files.count, byteCount: files.reduce(0) { $0 + $1.byteCount },
            fetchedByteCount: small.fetched + large.fetched)
    }

    private func list() async throws(HubError) -> HubListing {
        let address = connection.endpoint.appending(
            ["api", "models"] + PullJob.words(repository.name) + ["revision", revision])
        let listing = try HubListing(
            json: try await connection.text(at: address, limit: 32 << 20, subject: subject), subject: subject)
        let isCommit = revision.utf8.count == 40 && revision.utf8.allSatisfy(isHexadecimal)
        guard !isCommit || listing.commit == revision else {
            throw HubError(.server, subject, "the hub lists commit \(listing.commit) where \(revision) was asked for")
        }
        return listing
    }

    private func address(_ path: String, of commit: String) -> HTTPAddress {
        connection.endpoint.appending(
            PullJob.words(repository.name) + ["resolve", commit] + PullJob.words(path))
    }

    private static func words(_ path: String) -> [String] { path.split(separator: "/").map(String.init) }

    /// Makes sure that the blobs of these files are there.
    /// - Returns: the files, the paths of those that were not there or damaged, and how many bytes came over the network.
    private func fetch(
        _ paths: [String], of commit: String
    ) async throws(HubError) -> (files: [HubFile], news: Set<String>, fetched: Int) {
        let files = try await concurrently(paths) { (path) async throws(HubError) in
            let head = try await connection.head(of: address(path, of: commit), subject: subject)
            return try HubFile(path: path, head: head, commit: commit, subject: subject)
        }
        meter.plan(files: files.count, bytes: files.reduce(0) { $0 + $1.byteCount })
        var missing: [HubFile] = []
        for file in files {
            if try holds(file, in: commit) {
                meter.add(found: file.byteCount)
                meter.addFile()
            } else {
                missing.append(file)
            }
        }
        try checkRoom(for: missing)
        let fetched = try await concurrently(missing) { (file) async throws(HubError) in
            let download = BlobDownload(
                connection: connection, cache: cache, file: file, address: address(file.path, of: commit), meter: meter,
                verifies: verifies)
            let count = try await download.run()
            meter.addFile()
            return count
        }
        return (files, Set(missing.map(\.path)), fetched.reduce(0, +))
    }

    /// Whether the cache has a file, as far as that is looked into.
    private func holds(_ file: HubFile, in commit: String) throws(HubError) -> Bool {
        let isInPlace = try cache.hasFile(file, in: commit)
        if !isInPlace, try !cache.hasBlob(file) { return false }
        guard verifies else { return true }
        if try cache.holdsGenuine(file, in: commit) { return true }
        meter.note("\(file.path) in the cache is damaged, fetching it again")
        return false
    }

    private func checkRoom(for files: [HubFile]) throws(HubError) {
        let needed = files.reduce(0) { $0 + $1.byteCount }
        guard let free = cache.freeByteCount, needed > free else { return }
        throw HubError(
            .storage, cache.root,
            "has room for \(free / 1_000_000) MB, \(subject) needs \(needed / 1_000_000) MB: "
                + "make room, or set HF_HUB_CACHE to a folder with more")
    }

    /// Whether there is a config.json of transformers, and of a family that loads.
    private func configuration(_ files: [HubFile]) throws(HubError) -> Bool {
        guard let file = files.first(where: { $0.path == "config.json" }) else { return false }
        let path = try cache.hasBlob(file) ? cache.blob(file) : nil
        guard let path else { return true }
        let bytes = try storing { () throws(WeightsError) in
            try ModelFolder(path: Path.folder(of: path)).readText(Path.name(of: path), limit: 16 << 20)
        }
        switch ModelFamily(config: bytes ?? []) {
        case .transformers, .unnamed: return true
        case .foreign: return false
        case .other(let type):
            // Its open_clip files may be a CLIP all the same.
            guard !files.contains(where: { $0.path == "open_clip_config.json" }) else { return false }
            throw HubError(
                .notFound, subject,
                "is a model of type \(quoted(type)), which is no CLIP: nothing large was fetched; "
                    + "see \"clip models --known\" for names that load")
        }
    }

    /// Calls `body` for each element, a few at a time.
    /// - Returns: the results in the elements' order.
    private func concurrently<Element: Sendable, Result: Sendable>(
        _ elements: [Element], _ body: @escaping @Sendable (Element) async throws(HubError) -> Result
    ) async throws(HubError) -> [Result] {
        do {
            return try await withThrowingTaskGroup(of: (Int, Result).self) { group in
                var results = [Result?](repeating: nil, count: elements.count)
                var next = 0
                func add() {
                    guard next < elements.count else { return }
                    let (index, element) = (next, elements[next])
                    group.addTask { (index, try await body(element)) }
                    next += 1
                }
                for _ in 0..<PullJob.width { add() }
                while let (index, result) = try await group.next() {
                    results[index] = result
                    add()
                }
                return results.compactMap { $0 }
            }
        } catch let error as HubError {
            throw error
        } catch {
            throw HubError(.cancelled, subject, "was cancelled")
        }
    }
}
