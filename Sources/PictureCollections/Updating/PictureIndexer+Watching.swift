import CLIP
import CLIPSystem

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

extension PictureIndexer {
    /// Brings an index up to date, and again whenever something in the folders changes, until it is ended.
    ///
    /// The system tells what changes (inotify on Linux, file system events on macOS): changes are taken together until half a second
    /// passes without one, or five seconds since the first, and only what changed is looked at. Where it can't tell all, as after
    /// very many changes at once or when a folder that was named comes back, everything is looked at again. A folder that was seen to be
    /// deleted is dropped with all that is in it; what vanishes otherwise, as with a disk, is kept as `update(_:folders:progress:)`
    /// keeps it. Another process may search the index all the time, or write it in between.
    /// - Parameters:
    ///   - index: the file, usually `PictureIndex.defaultName` in the folder.
    ///   - folders: folders, searched through, or single pictures.
    ///   - progress: called after every batch, on the caller's thread.
    ///   - updated: called with what the first run did, and later with what each did that changed the index or came upon
    ///     something that can't be read. What it throws ends the watch.
    /// - Throws: what `updated` throws; `CLIPError` of kind `.cancelled` once the task is cancelled, of kind `.storage` when the system
    ///   can't watch the folders, and those of `update(_:folders:progress:)`.
    /// - Complexity: O(pictures) for each run to find them in the index, O(changes) for the rest.
    public func watch(
        _ index: URL, folders: [URL], progress: (IndexProgress) -> Void = { _ in },
        updated: (IndexUpdate) throws(CLIPError) -> Void
    ) throws(CLIPError) {
        try watch(
            try PathBytes(ofIndex: index),
            roots: try folders.map { url throws(CLIPError) in try PathBytes(ofFile: url) }, progress: progress,
            updated: updated)
    }

    /// What `watch(_:folders:progress:updated:)` does, without blocking the caller's executor.
    /// - Parameters:
    ///   - index: the file, usually `PictureIndex.defaultName` in the folder.
    ///   - folders: folders, searched through, or single pictures.
    ///   - progress: called after every batch, on a thread of the library.
    ///   - updated: called on a thread of the library with what each run did.
    /// - Throws: `CLIPError` as the synchronous method; of kind `.cancelled` once the task is cancelled, which is how it ends.
    public func keepUpToDate(
        _ index: URL, folders: [URL], progress: @escaping @Sendable (IndexProgress) -> Void = { _ in },
        updated: @escaping @Sendable (IndexUpdate) -> Void
    ) async throws(CLIPError) {
        try await withoutBlocking { () throws(CLIPError) in
            try watch(index, folders: folders, progress: progress, updated: updated)
        }
    }

    /// What `watch(_:folders:progress:updated:)` does.
    /// - Parameter ran: called with what each run did, worth telling or not, before `updated`.
    package func watch(
        _ path: PathBytes, roots: [PathBytes], progress: (IndexProgress) -> Void = { _ in },
        ran: (IndexUpdate) throws(CLIPError) -> Void = { _ in }, updated: (IndexUpdate) throws(CLIPError) -> Void
    ) throws(CLIPError) -> Never {
        let given = roots
        let roots = try given.map { root throws(CLIPError) in try root.resolvedArgument() }
        let place = (try? path.folder.resolved())?.appending(path.name) ?? path
        var indexer = self
        // Another process may write it between two runs.
        indexer.waits = true
        let updates = indexer
        var isFirst = true
        func run(_ changes: ChangedPaths?) throws(CLIPError) {
            var update = IndexUpdate()
            do throws(CLIPError) {
                update = try updates.update(path, resolved: roots, changes: changes, progress: progress)
            } catch {
                // The index may have gone along with its folder, and come back with it.
                let lost = given.indices.filter { place.isAtOrInside(roots[$0]) && roots[$0].isAbsent }
                guard !isFirst, error.kind != .cancelled, !lost.isEmpty else { throw error }
                let message = CLIPError(.picture, "isn't there any more, and the index in it neither: waiting for it")
                update.unreachable = lost.map { UnreadablePicture(path: given[$0].bytes, message) }
            }
            try ran(update)
            if isFirst || update.isWorthTelling { try updated(update) }
            isFirst = false
        }
        while true {
            // Before anything is looked at: what comes in the meantime is told.
            let watch = try folderWatch(path, place, roots)
            try run(nil)
            while true {
                let changes = try watch.next { () throws(CLIPError) in try checkCancellation() }
                guard case .paths(let paths) = changes, !path.isAbsent else { break }
                try run(paths)
            }
        }
    }

    /// A watch of folders that leaves out what the index leaves out of them.
    private func folderWatch(
        _ path: PathBytes, _ place: PathBytes, _ roots: [PathBytes]
    ) throws(CLIPError) -> FolderWatch {
        let rules = exclusions ?? (try? PictureIndex(path: path))?.exclusions ?? ExclusionRules()
        let excluded = roots.map { ($0, ExclusionWalk($0, rules)) }
        return try FolderWatch(
            roots, ignoring: [place, PathBytes(place.bytes + Array(".new".utf8))], ruleFile: ExclusionRules.fileName
        ) { folder in
            excluded.contains { root, walk in
                folder != root && folder.isAtOrInside(root) && walk.excludes(folder, isFolder: true)
            }
        }
    }
}

extension IndexUpdate {
    /// Whether anything is other than before, or can't be had.
    var isWorthTelling: Bool {
        added + changed + moved + deleted + dropped > 0 || wasCutShort
            || !(newlyUnreadable.isEmpty && unreachable.isEmpty && emptiedFolders.isEmpty && skipped.isEmpty)
    }
}
