import CLIP
import CLIPSystem
import CLIPThreads

/// One run of an indexer: what is where, what has to be embedded, what is gone.
struct IndexingRun {
    private let indexer: PictureIndexer
    private let log: IndexLog
    private let comparison: FolderComparison
    private let sources: IndexSources
    private let isOfChanges: Bool
    private var update = IndexUpdate()
    /// Entries whose file is gone. Those that turn out to be moved are taken out.
    private var gone: Set<Int>
    private var skipped: SkippedTally
    /// What became of contents that were met for the first time, in the batches so far.
    private var earlier: [ContentHash: FirstOutcome] = [:]

    /// What became of a file whose contents the index had nothing of.
    private enum FirstOutcome {
        case picture([UInt8], width: Int, height: Int)
        /// Written by an earlier batch.
        case entry(Int, width: Int, height: Int)
        indirect case unreadable(CLIPError)
        indirect case undecodable(PictureWalk.LackingDecoder, CLIPError)
    }

    /// Compares what is in the folders with what is in the index.
    /// - Parameters:
    ///   - changes: compares these alone, of which it is known that they were changed or deleted; nil for all there is.
    ///   - isWorthwhile: asked now and then, with how many files are new or changed so far.
    init(
        _ indexer: PictureIndexer, _ log: IndexLog, roots: [PathBytes], changes: ChangedPaths?,
        isWorthwhile: (_ candidates: Int) throws(CLIPError) -> Void
    ) throws(CLIPError) {
        self.indexer = indexer
        self.log = log
        isOfChanges = changes != nil
        let base = try log.folder()
        let known = log.snapshot.sources ?? IndexSources(roots: [], excluded: [])
        let excluded = indexer.exclusions?.patterns ?? known.excluded
        sources = IndexSources(roots: known.roots, excluded: excluded).adding(
            roots.map { $0 == base ? [] : $0.relative(to: base) })
        comparison = try FolderComparison(
            log.snapshot, base: base, roots: roots, reading: indexer.settings.reading, changes: changes,
            exclusions: ExclusionRules(excluded), isWorthwhile: isWorthwhile)
        update.unchanged = comparison.unchangedCount
        skipped = comparison.skipped
        update.wasCutShort = log.wasCutShort
        gone = comparison.gone
    }

    /// Embeds what is new or changed.
    mutating func embed(_ progress: (IndexProgress) -> Void) throws(CLIPError) {
        let candidates = comparison.candidates
        var done = 0
        progress(IndexProgress(done: done, total: candidates.count))
        guard !candidates.isEmpty else { return }
        let contents = IndexContents(log.snapshot)
        let preparation = FilePreparation(model: indexer.model, settings: indexer.settings) { contents.find($0) }
        let batches = OrderedBatches<Candidate, Result<PreparedFile, CLIPError>>(threads: indexer.model.threads) {
            candidate, threads in
            Result { () throws(CLIPError) in try preparation(candidate, threads: threads) }
        }
        try batches.forEachBatch(of: candidates, size: indexer.batchSize) { _, prepared throws(CLIPError) in
            try checkCancellation()
            var files: [PreparedFile] = []
            for file in prepared { files.append(try file.get()) }
            try record(files)
            done += files.count
            progress(IndexProgress(done: done, total: candidates.count))
        }
    }

    /// Drops what is gone, seals the file, and rewrites it when that is worth it.
    mutating func finish() throws(CLIPError) -> IndexUpdate {
        let (index, comparison) = (PictureIndex(log.snapshot), comparison)
        func shown(_ path: PathBytes) -> [UInt8] { index.pathBytes(comparison.relativeName(path)) }
        if !indexer.allowsEmptyFolders, !isOfChanges { keepEmptied(shown) }
        try log.append(pictures: [], removals: gone.sorted())
        update.deleted = gone.count
        try noteSources()
        try log.seal()
        let snapshot = try log.reread()
        update.unreadable = snapshot.live.failureCount
        update.skipped = skipped.files
        update.unreachable += comparison.faults.map {
            UnreadablePicture(path: shown($0.path), CLIPError(.picture, $0.message))
        }
        if log.isWorthCompacting {
            update.dropped = try log.compact().damagedCount
            update.wasCompacted = true
        }
        return update
    }

    /// An index that can be read alone, and has nothing to be written but this, is as good without.
    private func noteSources() throws(CLIPError) {
        if !log.isReadOnly { try log.note(sources) }
    }

    /// Takes what was in folders that are empty or missing now for there, unless most of it was found elsewhere.
    private mutating func keepEmptied(_ shown: (PathBytes) -> [UInt8]) {
        for (folder, entries, isMissing) in comparison.emptied {
            let missing = gone.intersection(entries)
            // Nor is a folder that was moved or renamed a disk, even if not all of it was found.
            guard missing.count >= FolderComparison.manyPictures, !isMissing || missing.count == entries.count else {
                continue
            }
            gone.subtract(missing)
            update.emptiedFolders.append(
                EmptiedFolder(
                    location: PathBytes(shown(folder)), pictureCount: missing.count, isMissing: isMissing))
        }
    }

    /// Appends a batch of files to the log.
    private mutating func record(_ files: [PreparedFile]) throws(CLIPError) {
        let outcomes = try outcomes(of: files)
        var pictures: [(record: EntryRecord, vector: [UInt8])] = []
        var failures: [EntryRecord] = []
        var removals: Set<Int> = []
        /// Where among `pictures` those are whose contents were met for the first time.
        var first: [(content: ContentHash, place: Int)] = []
        for file in files {
            let candidate = file.candidate
            var record = EntryRecord(
                identity: file.identity, contentHash: file.contentHash, width: 0, height: 0, name: candidate.name)
            switch file.content {
            case .known(let entry):
                guard let source = log.snapshot.record(entry) else { continue }
                (record.width, record.height) = (source.width, source.height)
                pictures.append((record, log.snapshot.vectorBytes(entry)))
                count(file, takenFrom: entry, &removals)
            case .unreachable(let error) where isOfChanges && error.systemCode == ENOENT:
                // It went just now, and that will be told.
                continue
            case .unreachable(let error):
                // What was known of it stays, and the next run looks again.
                update.unreachable.append(UnreadablePicture(path: shown(candidate.name), error))
                continue
            case .picture, .repeated, .unreadable, .undecodable:
                switch outcomes[file.contentHash] ?? earlier[file.contentHash] {
                case .picture(let vector, let width, let height):
                    (record.width, record.height) = (width, height)
                    if case .picture = file.content { first.append((file.contentHash, pictures.count)) }
                    pictures.append((record, vector))
                    count(file)
                case .entry(let entry, let width, let height):
                    (record.width, record.height) = (width, height)
                    pictures.append((record, try log.vectorBytes(entry)))
                    count(file)
                case .unreadable(let error):
                    record.failure = error
                    failures.append(record)
                    update.newlyUnreadable.append(UnreadablePicture(path: shown(record.name), error))
                case .undecodable(let lacking, let error):
                    // As if the walk had seen it by its name: what was known of it holds on, and each run looks again.
                    if candidate.isRoot {
                        update.unreachable.append(UnreadablePicture(path: shown(candidate.name), error))
                    } else {
                        skipped.add(lacking.format, PathBytes(candidate.path), advice: lacking.advice)
                    }
                    continue
                case nil: continue
                }
            }
            if let old = candidate.entry { removals.insert(old) }
        }
        let start = try log.append(pictures: pictures, failures: failures, removals: removals.sorted())
        earlier.merge(outcomes) { $1 }
        for (content, place) in first {
            let record = pictures[place].record
            earlier[content] = .entry(start + place, width: record.width, height: record.height)
        }
    }

    /// What became of the contents that were met for the first time, among these files.
    private func outcomes(of files: [PreparedFile]) throws(CLIPError) -> [ContentHash: FirstOutcome] {
        var outcomes: [ContentHash: FirstOutcome] = [:]
        var vectors = try encode(files).makeIterator()
        for file in files {
            switch file.content {
            case .picture(_, let width, let height):
                outcomes[file.contentHash] = .picture(vectors.next() ?? [], width: width, height: height)
            case .unreadable(let error): outcomes[file.contentHash] = .unreadable(error)
            case .undecodable(let lacking, let error): outcomes[file.contentHash] = .undecodable(lacking, error)
            case .known, .repeated, .unreachable: break
            }
        }
        return outcomes
    }

    /// As the index shows it.
    private func shown(_ name: [UInt8]) -> [UInt8] { PictureIndex(log.snapshot).pathBytes(name) }

    /// Counts a picture that the index had nothing of.
    private mutating func count(_ file: PreparedFile) {
        if file.candidate.entry != nil {
            update.changed += 1
        } else {
            update.added += 1
            if case .repeated = file.content { update.copied += 1 }
        }
    }

    private mutating func count(_ file: PreparedFile, takenFrom entry: Int, _ removals: inout Set<Int>) {
        // Equal pictures share a content: what a file held before counts before what another holds.
        let before = file.candidate.entry.flatMap { log.snapshot.record($0)?.contentHash }
        if file.candidate.entry == entry || before == file.contentHash {
            update.unchanged += 1
        } else if gone.remove(entry) != nil {
            removals.insert(entry)
            update.moved += 1
        } else if file.candidate.entry == nil {
            update.added += 1
            update.copied += 1
        } else {
            update.changed += 1
        }
    }

    /// The stored bytes of the embeddings of those files that hold pictures, in order.
    private func encode(_ files: [PreparedFile]) throws(CLIPError) -> [[UInt8]] {
        let pictures = files.compactMap { file in
            if case .picture(let picture, _, _) = file.content { picture } else { nil as PreparedPicture? }
        }
        let type = log.header.elementType
        return try indexer.model.embed(pictures).map { type.bytes($0.values) }
    }
}
