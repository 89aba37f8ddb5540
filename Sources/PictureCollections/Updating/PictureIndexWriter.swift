public import CLIP
import CLIPSystem

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

/// Writes embeddings that were made elsewhere into an index: by another program, on other machines.
///
/// One writer at a time has an index; another that opens it waits or is refused.
public final class PictureIndexWriter {
    /// A picture that is written into an index with its embedding.
    public struct Entry: Sendable {
        /// Where the picture's file is, which need not be there.
        public var url: URL
        /// The picture's embedding, `[dimension]`; scaled to length 1 when it is written.
        public var embedding: Embedding
        /// The picture's width in pixels, 0 where it is not known.
        public var width = 0
        /// The picture's height in pixels, 0 where it is not known.
        public var height = 0
        /// SHA-256 of the bytes of the picture's file, 64 hexadecimal digits. Where it is not known, the index can't tell whether a
        /// file is still the picture, and `IndexedPicture.fileBytes()` gives none.
        public var contentHash: String?

        /// A picture with its embedding.
        public init(
            _ url: URL, embedding: Embedding, width: Int = 0, height: Int = 0, contentHash: String? = nil
        ) {
            self.url = url
            self.embedding = embedding
            self.width = width
            self.height = height
            self.contentHash = contentHash
        }
    }

    private let log: IndexLog
    private let names: IndexNames
    private let base: PathBytes
    /// Hashes of the names that were appended.
    private var written: Set<UInt64> = []

    /// Opens an index, or makes it.
    /// - Parameters:
    ///   - url: the file.
    ///   - dimension: the number of values in an embedding, 1…65536.
    ///   - fingerprint: `CLIPModel.fingerprint` of the model that made the embeddings, 64 hexadecimal digits.
    ///   - modelName: what to call it in messages.
    ///   - settings: how pictures were read and fitted.
    ///   - vectorType: how embeddings are stored in an index that is new.
    ///   - waits: whether to wait for another process that writes the same index, rather than refuse.
    /// - Throws: `CLIPError` of kind `.index` when the index is of another model, dimension or settings.
    public init(
        _ url: URL, dimension: Int, fingerprint: String, modelName: String,
        settings: PictureSettings = PictureSettings(), vectorType: VectorType = .float16, waits: Bool = false
    ) throws(CLIPError) {
        guard (1...65536).contains(dimension) else {
            throw CLIPError(.argument, "vectors of \(dimension) values, expected 1 to 65536")
        }
        guard isDigest(fingerprint) else {
            throw CLIPError(.argument, "the fingerprint \"\(fingerprint)\" is not 64 lower-case hexadecimal digits")
        }
        let header = IndexHeader(
            elementType: vectorType, dimension: dimension, settings: settings, fingerprint: fingerprint,
            modelName: modelName)
        log = try IndexLog(path: try PathBytes(ofIndex: url), header: header, waits: waits)
        names = IndexNames(log.snapshot)
        let found = log.header
        guard found.fingerprint == fingerprint, found.dimension == dimension, found.settings == settings else {
            throw CLIPError(
                .index, path: log.path,
                "holds \(found.dimension) values a picture of model \(found.modelName) (\(found.fingerprint.prefix(12))…, "
                    + "pictures: \(found.settings.summary)), not \(dimension) of \(modelName) "
                    + "(\(fingerprint.prefix(12))…, \(settings.summary)): write into another file")
        }
        base = try log.folder()
    }

    /// Appends pictures and waits until they are on the disk. One whose path is in the index already replaces it.
    /// - Throws: `CLIPError` of kind `.argument` when an embedding is of another dimension or not finite, or a path comes
    ///   twice; of kind `.index` when they can't be written: none of them is then.
    /// - Complexity: O(pictures · dimension). Many at once are faster to write and to search than many calls.
    public func append(_ pictures: [Entry]) throws(CLIPError) {
        var entries: [(record: EntryRecord, vector: [UInt8])] = []
        var removals: [Int] = []
        entries.reserveCapacity(pictures.count)
        var hashes: Set<UInt64> = []
        for picture in pictures {
            let path = try PathBytes(ofFile: picture.url)
            guard picture.embedding.values.count == log.header.dimension, picture.embedding.length.isFinite else {
                throw CLIPError(
                    .argument, path: path.text,
                    "an embedding of \(picture.embedding.values.count) values, expected \(log.header.dimension) that are "
                        + "finite")
            }
            let name = relativeName(path.bytes)
            let hash = nameHash(name)
            guard !written.contains(hash), hashes.insert(hash).inserted else {
                throw CLIPError(.argument, path: path.text, "is written twice")
            }
            if let old = names.find(name) { removals.append(old) }
            if let hash = picture.contentHash, !isDigest(hash) {
                throw CLIPError(
                    .argument, path: path.text,
                    "the content hash \"\(hash)\" is not 64 lower-case hexadecimal digits")
            }
            let record = EntryRecord(
                identity: FileIdentity(byteCount: 0, modified: 0),
                contentHash: picture.contentHash.map { ContentHash(bytes: hexadecimalBytes($0)) } ?? .none,
                width: picture.width,

                height: picture.height, name: name)
            entries.append((record, log.header.elementType.bytes(picture.embedding.normalized().values)))
        }
        try log.append(pictures: entries, removals: removals)
        written.formUnion(hashes)
    }

    /// Ends the index, and rewrites it when that is worth it. Nothing may be appended afterwards.
    /// - Complexity: O(1), or O(pictures · dimension) where it is rewritten.
    public func finish() throws(CLIPError) {
        try log.seal()
        _ = try log.reread()
        if log.isWorthCompacting { _ = try log.compact() }
    }

    /// A path below the folder of the index without that folder, any other absolute.
    private func relativeName(_ path: [UInt8]) -> [UInt8] {
        let current = path.first == PathBytes.slash ? nil : try? PathBytes(".").resolved()
        return (current?.appending(path) ?? PathBytes(path)).relative(to: base)
    }
}

/// Whether a text is a SHA-256 as this package writes them.
private func isDigest(_ text: String) -> Bool {
    text.utf8.count == 64 && text.allSatisfy { $0.isHexDigit && !$0.isUppercase }
}

extension IndexLog {
    /// The absolute path of the folder that names are relative to.
    func folder() throws(CLIPError) -> PathBytes {
        do throws(SystemError) {
            return try location.folder.resolved()
        } catch {
            throw CLIPError(.index, path: path, "its folder can't be found: \(error.message)")
        }
    }
}
