public import CLIP
import CLIPSystem

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

/// Brings an index up to date with folders of pictures.
///
/// Pictures that are new or changed (by size, time of change and contents) are embedded; of those that were moved or
/// copied the embedding is kept; those that are gone are dropped. It may be stopped at any instant: the file then holds
/// what was done, and the next run goes on from there.
public struct PictureIndexer: Sendable {
    /// The model that embeds the pictures.
    public let model: CLIPModel
    /// How the pictures are read and fitted.
    public var settings: PictureSettings
    /// How embeddings are stored in an index that is new.
    public var vectorType: VectorType
    /// How many pictures are encoded at once and reach the disk together, at least 1.
    public var batchSize: Int
    /// Whether to wait for another process that writes the same index, rather than refuse.
    public var waits: Bool
    /// Whether a folder that holds no pictures any more, or is missing, is taken at its word. Else those that the index has in it are
    /// kept, if they are several: its disk may not be mounted.
    public var allowsEmptyFolders = false
    /// Whether of an index whose structure is damaged what comes before the damage is kept, rather than the file refused.
    public var salvages = false

    /// What is left out of the folders; nil is what the index says, of the run before. Pictures of the index that it leaves out are
    /// dropped.
    public var exclusions: ExclusionRules?

    /// An indexer by `model`.
    public init(
        model: CLIPModel, settings: PictureSettings = PictureSettings(), vectorType: VectorType = .float16,
        batchSize: Int = 32, waits: Bool = false
    ) {
        self.model = model
        self.settings = settings
        self.vectorType = vectorType
        self.batchSize = max(1, batchSize)
        self.waits = waits
    }

    /// Brings an index up to date with the pictures in some folders, or makes it.
    ///
    /// Pictures of the index outside these folders are left alone.
    /// - Parameters:
    ///   - index: the file, usually `PictureIndex.defaultName` in the folder.
    ///   - folders: folders, searched through, or single pictures.
    ///   - progress: called after every batch, on the caller's thread.
    /// - Throws: `CLIPError` of kind `.index` when the file is of another model or of other settings, can't be written,
    ///   or is being written by another process; of kind `.model` when the model can't encode pictures.
    /// - Complexity: O(pictures) to look at them, and the encoder's time for what is new. Memory: 8 bytes a picture, and
    ///   two batches.
    @discardableResult
    public func update(
        _ index: URL, folders: [URL], progress: (IndexProgress) -> Void = { _ in }
    ) throws(CLIPError) -> IndexUpdate {
        try update(
            try PathBytes(ofIndex: index),
            roots: try folders.map { url throws(CLIPError) in try PathBytes(ofFile: url) }, progress: progress)
    }

    /// Brings an index up to date, as `update(_:folders:progress:)` does, without blocking the caller's executor.
    ///
    /// Once the task is cancelled it ends within about the time of a picture, though one that is being read is read first.
    /// What was done until then is in the index, and the next run goes on from there.
    /// - Parameters:
    ///   - index: the file, usually `PictureIndex.defaultName` in the folder.
    ///   - folders: folders, searched through, or single pictures.
    ///   - progress: called after every batch, on a thread of the library.
    /// - Throws: `CLIPError` as the synchronous method; of kind `.cancelled` once the task is cancelled.
    @discardableResult
    public func bringUpToDate(
        _ index: URL, folders: [URL], progress: @escaping @Sendable (IndexProgress) -> Void = { _ in }
    ) async throws(CLIPError) -> IndexUpdate {
        try await withoutBlocking { () throws(CLIPError) in try update(index, folders: folders, progress: progress) }
    }

    /// - Parameter isWorthwhile: asked now and then before anything is written, with how many files are new or changed so far; what it
    ///   throws ends the run, and the index is as it was.
    package func update(
        _ path: PathBytes, roots: [PathBytes],
        progress: (IndexProgress) -> Void = { _ in },
        isWorthwhile: (_ candidates: Int) throws(CLIPError) -> Void = { _ in }
    ) throws(CLIPError) -> IndexUpdate {
        let resolved = try roots.map { root throws(CLIPError) in try root.resolvedArgument() }
        return try update(path, resolved: resolved, changes: nil, progress: progress, isWorthwhile: isWorthwhile)
    }

    /// - Parameters:
    ///   - roots: absolute paths without links.
    ///   - changes: looks at these alone, of which it is known that they were changed or deleted; nil for all there is.
    func update(
        _ path: PathBytes, resolved roots: [PathBytes], changes: ChangedPaths?,
        progress: (IndexProgress) -> Void,
        isWorthwhile: (_ candidates: Int) throws(CLIPError) -> Void = { _ in }
    ) throws(CLIPError) -> IndexUpdate {
        try model.checkHasImageEncoder()
        let header = IndexHeader(
            elementType: vectorType, dimension: model.embeddingDimension, settings: settings,
            fingerprint: model.fingerprint,
            modelName: (try? model.info.location.resolved())?.text ?? model.info.path)
        let log = try IndexLog(path: path, header: header, waits: waits, salvages: salvages)
        try check(log)
        var run = try IndexingRun(self, log, roots: roots, changes: changes, isWorthwhile: isWorthwhile)
        try run.embed(progress)
        return try run.finish()
    }

    /// Embeddings of different models or settings never stand in one file.
    private func check(_ log: IndexLog) throws(CLIPError) {
        try PictureIndex(log.snapshot).check(model)
        guard log.header.settings == settings else {
            throw CLIPError(
                .index, path: log.path,
                "its pictures were read and fitted otherwise (\(log.header.settings.summary)) than now "
                    + "(\(settings.summary)): give the same settings, or index into another file")
        }
    }
}
