public import CLIP
import CLIPSystem

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

/// How the files on the disk differ from what an index has of them.
public struct IndexComparison: Sendable {
    /// How many pictures of the index have a file that is gone.
    public var goneCount = 0
    /// Pictures in the folders that the index doesn't have; nil where no folder was named.
    public var newCount: Int?
    /// Pictures whose file has another size or time than when it was indexed.
    public var changedCount = 0
    /// Folders that can't be read, files that can't be examined, and why.
    public var unreachable: [UnreadablePicture] = []
    /// Folders that hold no pictures any more or are missing, where the index has several. They count as gone.
    public var emptiedFolders: [EmptiedFolder] = []
    /// Files in the folders that are no pictures, or of a kind that can't be read.
    public var skipped: [SkippedFiles] = []
}

extension PictureIndex {
    /// Compares the index with the files on the disk, by size and time alone: nothing is read but folders.
    /// - Parameter folders: where to look for new pictures; without any only those of the index are looked at.
    /// - Throws: `CLIPError` of kind `.argument` when a folder can't be found.
    /// - Complexity: O(pictures) calls of the operating system.
    public func compareWithFiles(in folders: [URL] = []) throws(CLIPError) -> IndexComparison {
        try compareWithFiles(in: try folders.map { url throws(CLIPError) in try PathBytes(ofFile: url) })
    }

    /// What `compareWithFiles(in:)` finds, without blocking the caller's executor.
    /// - Throws: `CLIPError` as the synchronous method; of kind `.cancelled` once the task is cancelled.
    public func comparisonWithFiles(in folders: [URL] = []) async throws(CLIPError) -> IndexComparison {
        try await withoutBlocking { () throws(CLIPError) in try compareWithFiles(in: folders) }
    }

    package func compareWithFiles(in folders: [PathBytes]) throws(CLIPError) -> IndexComparison {
        let roots = try folders.map { folder throws(CLIPError) in try folder.resolvedArgument() }
        var result = IndexComparison()
        let base: PathBytes
        do throws(SystemError) {
            base = try file.location.folder.resolved()
        } catch {
            throw CLIPError(.index, path: path, "its folder can't be found: \(error.message)")
        }
        var faults: [FolderWalk.Fault] = []
        if !roots.isEmpty {
            let comparison = try FolderComparison(
                file, base: base, roots: roots, exclusions: exclusions)
            result.newCount = comparison.candidates.count { $0.entry == nil }
            result.changedCount = comparison.candidates.count { candidate in
                candidate.entry.map { isChanged($0, now: candidate.status) } ?? false
            }
            result.goneCount = comparison.gone.count
            result.skipped = comparison.skipped.files
            result.emptiedFolders = comparison.emptied.map {
                EmptiedFolder(
                    location: PathBytes(pathBytes(comparison.relativeName($0.folder))), pictureCount: $0.entries.count,
                    isMissing: $0.isMissing)
            }
            faults = comparison.faults
        }
        try compareOthers(roots, base, &result, &faults)
        result.unreachable = faults.map { fault in
            UnreadablePicture(path: pathBytes(fault.path.relative(to: base)), CLIPError(.picture, fault.message))
        }
        return result
    }

    /// Looks at the pictures outside the folders one by one.
    private func compareOthers(
        _ roots: [PathBytes], _ base: PathBytes, _ result: inout IndexComparison, _ faults: inout [FolderWalk.Fault]
    ) throws(CLIPError) {
        for segment in file.segments {
            for entry in segment.entries where file.live.contains(entry) {
                try checkCancellation()
                guard let name = file.withName(entry, { Array($0) }) else { continue }
                let path = name.first == PathBytes.slash ? PathBytes(name) : base.appending(name)
                guard !roots.contains(where: { path.isAtOrInside($0) }) else { continue }
                do throws(SystemError) {
                    if isChanged(entry, now: try path.status()) { result.changedCount += 1 }
                } catch {
                    if error.isAbsence {
                        result.goneCount += 1
                    } else {
                        faults.append(FolderWalk.Fault(path: path, error: error, "can't be examined"))
                    }
                }
            }
        }
    }

    /// Whether a file surely is another than the one that was indexed. One that was written right before has no time.
    private func isChanged(_ entry: Int, now: FileStatus) -> Bool {
        guard let indexed = file.record(entry)?.identity else { return false }
        // Embeddings that were made elsewhere came without a file.
        guard indexed != FileIdentity(byteCount: 0, modified: 0) else { return false }
        return indexed.byteCount != now.byteCount || indexed.modified != 0 && !indexed.isSurelyThat(of: now)
    }
}
