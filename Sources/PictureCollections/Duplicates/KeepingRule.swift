import CLIP
import CLIPSystem

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

/// Which picture of a group of duplicates is kept.
///
/// One in a reference folder comes first, then one in a preferred folder, then the one with the most pixels. Of equals the oldest
/// counts where that is asked for, then the largest file, then one that other names or links lead to, then the one with the shortest
/// path.
public struct KeepingRule: Sendable {
    /// Folders in which nothing need not be kept: their pictures are never duplicates of others, others may be of them.
    public var references: [URL] = []
    /// Folders whose pictures are kept rather than others, the first before the second.
    public var preferred: [URL] = []
    /// Whether of pictures with as many pixels the one whose file was written first is kept.
    public var prefersOldest = false

    /// The rule without preferences.
    public init() {}
}

/// A rule with its folders looked up.
struct KeptOrder {
    private let references: [PathBytes]
    private let preferred: [PathBytes]
    let prefersOldest: Bool

    init(_ rule: KeepingRule) throws(CLIPError) {
        func resolved(_ urls: [URL]) throws(CLIPError) -> [PathBytes] {
            try urls.map { url throws(CLIPError) in try PathBytes(ofFile: url).resolvedArgument() }
        }
        references = try resolved(rule.references)
        preferred = try resolved(rule.preferred)
        prefersOldest = rule.prefersOldest
    }

    /// The place of an absolute path: 0 in a reference folder, then the preferred ones in their order, then the rest.
    func place(of path: [UInt8]) -> Int {
        let path = PathBytes(path)
        if references.contains(where: { path.isAtOrInside($0) }) { return 0 }
        return 1 + (preferred.firstIndex { path.isAtOrInside($0) } ?? preferred.count)
    }

    /// Refuses folders of which the index has nothing: whoever names one by mistake would believe it safe.
    /// - Parameter paths: of all pictures, absolute.
    func check(_ paths: some Sequence<[UInt8]>) throws(CLIPError) {
        var missing = Set(references + preferred)
        for path in paths where !missing.isEmpty {
            let path = PathBytes(path)
            missing = missing.filter { !path.isAtOrInside($0) }
        }
        if let folder = (references + preferred).first(where: missing.contains) {
            throw CLIPError(.argument, path: folder.text, "the index has no picture in this folder")
        }
    }
}
