public import CLIP
import CLIPSystem

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

/// An index of pictures: their paths and the embeddings of one model, mapped from a file.
///
/// It is a snapshot: pictures that a writer appends later are not seen. Opening reads the structure alone, 64 bytes per
/// segment; vectors and names come from the disk when they are needed. One index serves any number of tasks at once.
/// ```swift
/// let index = try PictureIndex(contentsOf: URL(filePath: "photos/.clip-index"))
/// let query = SearchQuery(try model.embed("a red bicycle"))
/// for hit in try index.search(query, top: 10) { print(hit.picture.url, hit.score) }
/// ```
public struct PictureIndex: Sendable {
    /// The name of an index inside the folder that it is of.
    public static let defaultName = ".clip-index"

    let file: IndexFile

    init(_ file: IndexFile) { self.file = file }

    /// Opens an index, which is mapped for as long as this value lives: as with a model, replace it by renaming
    /// another over it, and never cut it short.
    /// - Throws: `CLIPError` of kind `.index` when there is none, or its structure is damaged.
    /// - Complexity: O(segments + pictures / 64); one segment after a compaction.
    public init(contentsOf url: URL) throws(CLIPError) { try self.init(path: try PathBytes(ofIndex: url)) }

    package init(path: PathBytes) throws(CLIPError) { file = try IndexFile(path: path) }

    /// Where the index is that was opened.
    public var url: URL { file.location.url }
    package var path: String { file.path }
    /// How many pictures of the index have an embedding.
    public var count: Int { file.live.vectorCount }
    /// How many pictures of the index could not be read or decoded.
    public var unreadableCount: Int { file.live.failureCount }
    /// The number of values in an embedding of the index.
    public var dimension: Int { file.header.dimension }
    /// How the embeddings of the index are stored.
    public var vectorType: VectorType { file.header.elementType }
    /// `CLIPModel.fingerprint` of the model that made the embeddings.
    public var fingerprint: String { file.header.fingerprint }
    /// What the model that made the embeddings was called.
    public var modelName: String { file.header.modelName }
    /// How the pictures of the index were read and fitted.
    public var settings: PictureSettings { file.header.settings }
    /// The size of the index's file in bytes.
    public var byteCount: Int { file.end + file.tornByteCount }
    /// Whether the last run that wrote came to its end, and the file has it: not so after a run that was cut short or
    /// still goes on, and in half a copy.
    public var isComplete: Bool { file.isSealed }
    /// Records that hold no longer, whose space a compaction gives back.
    public var supersededCount: Int { file.entryCount - count - unreadableCount }

    /// The numbers of all pictures with an embedding, in the order in which they were indexed. They hold for this
    /// snapshot: compacting an index numbers them anew.
    public var pictureNumbers: [Int] {
        file.segments.flatMap { segment in
            (segment.entries.lowerBound..<segment.entries.lowerBound + segment.header.vectorCount).filter {
                file.live.contains($0)
            }
        }
    }

    /// What is recorded of a picture.
    /// - Parameter number: one of `pictureNumbers`, or of a search's hits.
    /// - Throws: `CLIPError` of kind `.index` when the record is damaged.
    /// - Complexity: O(log segments).
    public func picture(_ number: Int) throws(CLIPError) -> IndexedPicture {
        guard number >= 0, number < file.entryCount, let record = file.record(number) else {
            throw damage(number)
        }
        return IndexedPicture(number: number, record: record, pathBytes: pathBytes(record.name))
    }

    /// The embedding of a picture, as it is stored: `[dimension]`, of length 1 but for rounding.
    /// - Throws: `CLIPError` of kind `.index` when the number is none of a picture, or record or vector are damaged.
    /// - Complexity: O(dimension + log segments).
    public func embedding(of number: Int) throws(CLIPError) -> Embedding {
        guard number >= 0, number < file.entryCount, file.hasVector(number), let record = file.record(number) else {
            throw damage(number)
        }
        let bytes = file.vectorBytes(number)
        guard CRC32C.checksum(bytes) == record.vectorChecksum else { throw damage(number) }
        return Embedding(values: vectorType.values(bytes))
    }

    /// The pictures that could not be read or decoded, and why.
    /// - Complexity: O(their number · log segments).
    public func unreadable() throws(CLIPError) -> [UnreadablePicture] {
        var pictures: [UnreadablePicture] = []
        for segment in file.segments {
            for ordinal in segment.entries.dropFirst(segment.header.vectorCount) where file.live.contains(ordinal) {
                guard let record = file.record(ordinal) else { throw damage(ordinal) }
                pictures.append(UnreadablePicture(path: pathBytes(record.name), record.failure))
            }
        }
        return pictures
    }

    /// Refuses a model other than the one that made the embeddings.
    /// - Throws: `CLIPError` of kind `.index` that names both.
    public func check(_ model: CLIPModel) throws(CLIPError) {
        guard model.fingerprint == fingerprint else {
            throw CLIPError(
                .index, path: path,
                "holds embeddings of model \(modelName) (\(fingerprint.prefix(12))…), not of \(model.info.path) "
                    + "(\(model.fingerprint.prefix(12))…)", advice: .nameModelOfIndex)
        }
    }

    /// The model that made the embeddings, by its name or where it is now: the embedded one may have moved with the program.
    /// - Parameter threads: by default `CLIP_THREADS`, else the cores this process may use.
    /// - Throws: `CLIPError` of kind `.index` when it is not there any more, or another stands in its place; of kind `.model`
    ///   when it can't be loaded.
    public func model(threads: Int? = nil) throws(CLIPError) -> CLIPModel {
        let named = Result { () throws(CLIPError) in try CLIPModel(named: modelName, threads: threads) }
        if case .failure(let error) = named, error.kind == .argument { throw error }
        if let model = try? named.get(), model.fingerprint == fingerprint { return model }
        if let model = try? CLIPModel.embedded(threads: threads), model.fingerprint == fingerprint { return model }
        if PathBytes(modelName).isAbsent {
            throw CLIPError(
                .index, path: path, "was made with \(modelName), which is not there any more", advice: .nameMovedModel)
        }
        let model = try named.get()
        try check(model)
        return model
    }

    /// A path as a process in the current folder opens it.
    func shownPath(_ name: [UInt8]) -> String { String(decoding: pathBytes(name), as: UTF8.self) }

    func pathBytes(_ name: [UInt8]) -> [UInt8] {
        guard name.first != PathBytes.slash, file.location.bytes.contains(PathBytes.slash) else { return name }
        return file.location.folder.appending(name).bytes
    }

    func unverifiedPath(of number: Int) -> String {
        file.withName(number) { shownPath(Array($0)) } ?? "entry \(number)"
    }

    func damage(_ number: Int) -> CLIPError {
        CLIPError(.index, path: path, "the record of entry \(number) is damaged", advice: .pruneIndex)
    }
}

/// What an index keeps of a picture besides its embedding.
public struct IndexedPicture: Sendable, Identifiable {
    /// The picture's number in the snapshot of the index that it is from.
    public let number: Int
    /// Relative to the current folder where the index's own path is.
    package let pathBytes: [UInt8]
    /// The picture's width in pixels, upright.
    public let width: Int
    /// The picture's height in pixels, upright.
    public let height: Int
    /// The size of the picture's file in bytes.
    public let byteCount: Int
    /// SHA-256 of the bytes of the picture's file: 64 hexadecimal digits.
    public let contentHash: String

    /// The number that tells the pictures of one snapshot apart.
    public var id: Int { number }
    /// Where the picture's file is, or was when it was indexed.
    public var url: URL { PathBytes(pathBytes).url }
    package var path: String { PathBytes(pathBytes).text }

    /// Whether nothing is at its path any more. What can't be looked at may be there.
    /// - Complexity: one call of the operating system.
    public var isGone: Bool { PathBytes(pathBytes).isAbsent }

    init(number: Int, record: EntryRecord, pathBytes: [UInt8]) {
        self.number = number
        self.pathBytes = pathBytes
        width = record.width
        height = record.height
        byteCount = record.identity.byteCount
        contentHash = hexadecimal(record.contentHash.bytes)
    }
}

/// A picture that has no embedding.
public struct UnreadablePicture: Sendable, Equatable {
    package let pathBytes: [UInt8]
    /// Why the picture has no embedding. The error names no path.
    public let error: CLIPError

    /// Why the picture has no embedding, on one line.
    public var message: String { error.description }
    /// Where the file or folder is that could not be read.
    public var url: URL { PathBytes(pathBytes).url }
    package var path: String { PathBytes(pathBytes).text }

    init(path: [UInt8], _ error: CLIPError) {
        pathBytes = path
        self.error = error
    }
}

extension PathBytes {
    /// The path of an index.
    /// - Throws: `CLIPError` of kind `.index` when the URL is no file's.
    init(ofIndex url: URL) throws(CLIPError) {
        guard let path = PathBytes(url) else {
            throw CLIPError(.index, path: url.absoluteString, "is not a file: an index is mapped from a disk")
        }
        self = path
    }

    /// The path of a folder or file that is to be looked at.
    /// - Throws: `CLIPError` of kind `.argument` when the URL is no file's.
    init(ofFile url: URL) throws(CLIPError) {
        guard let path = PathBytes(url) else {
            throw CLIPError(.argument, path: url.absoluteString, "is not a file or folder on this machine")
        }
        self = path
    }
}
