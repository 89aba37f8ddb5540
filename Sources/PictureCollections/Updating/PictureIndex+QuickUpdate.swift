import CLIP
import CLIPSystem

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

/// What came of bringing an index up to date in little time.
public enum QuickUpdate: Sendable {
    /// It is up to date.
    case done(IndexUpdate)
    /// So many files at least are new or changed, which would take longer; nothing was done.
    case tooMany(Int)
    /// The folders can't be looked through in that time; nothing was done.
    case tooLarge
    /// The index doesn't say which folders it is of, or none of them is there.
    case unknown
    /// It could not be written; another process may be writing it.
    case failed(CLIPError)
}

extension PictureIndex {
    /// The folders and single pictures that the index was brought up to date with; empty where it doesn't say.
    public var sources: [URL] { sourcePaths.map(\.url) }

    package var sourcePaths: [PathBytes] {
        (file.sources?.roots ?? []).map { $0.isEmpty ? file.location.folder : PathBytes(pathBytes($0)) }
    }

    /// The patterns of what is left out of them, besides the standard ones and those of ignore files.
    public var exclusions: ExclusionRules { ExclusionRules(file.sources?.excluded ?? []) }

    /// Brings the index up to date with the folders that it is of, where that is quick: else nothing is done.
    ///
    /// This value stays the snapshot that it is: open the index again.
    /// - Parameters:
    ///   - model: the one that made it.
    ///   - seconds: what it may take, about: half for looking through the folders, as much for what is new.
    /// - Throws: `CLIPError` of kind `.index` when the model is another, of kind `.cancelled`.
    /// - Complexity: O(pictures) to look at them, and the encoder's time for a few.
    public func updateIfQuick(with model: CLIPModel, within seconds: Double = 2) throws(CLIPError) -> QuickUpdate {
        try check(model)
        let roots = sourcePaths.filter { !$0.isAbsent }
        // One without its end may be being written, or be half a copy.
        guard !roots.isEmpty, isComplete else { return .unknown }
        let end = monotonicSeconds() + seconds / 2
        // A picture takes a core about 40 ms to decode, the model what it takes.
        let rate = min(25, 1e11 / max(1, model.operationsPerImage)) * Double(model.threads)
        let limit = max(1, Int(rate * seconds / 2))
        var refusal: QuickUpdate?
        let indexer = PictureIndexer(model: model, settings: settings, vectorType: vectorType)
        do throws(CLIPError) {
            let update = try indexer.update(
                file.location, roots: roots,
                isWorthwhile: { candidates throws(CLIPError) in
                    if candidates > limit { refusal = .tooMany(candidates) }
                    if monotonicSeconds() > end { refusal = .tooLarge }
                    if refusal != nil { throw CLIPError(.index, "takes too long") }
                })
            return .done(update)
        } catch {
            if error.kind == .cancelled { throw error }
            return refusal ?? .failed(error)
        }
    }

    /// What `updateIfQuick(with:within:)` does, without blocking the caller's executor.
    /// - Throws: `CLIPError` as the synchronous method; of kind `.cancelled` once the task is cancelled.
    public func quickUpdate(with model: CLIPModel, within seconds: Double = 2) async throws(CLIPError) -> QuickUpdate {
        try await withoutBlocking { () throws(CLIPError) in try updateIfQuick(with: model, within: seconds) }
    }
}
