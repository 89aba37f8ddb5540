package import CLIPSystem
internal import CLIPPictures

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

/// The pictures in a folder and in those inside it, in the bytewise order of their paths: known by their names, or by
/// their first bytes where the name says nothing.
///
/// What is left out is counted by kind, and what can't be looked at is told.
package struct PictureWalk {
    package enum Finding: Sendable {
        case picture(FolderWalk.File)
        case fault(FolderWalk.Fault)
        /// A folder that holds nothing at all.
        case emptyFolder(PathBytes)
    }

    private var walk: FolderWalk
    private let systemDecoding: SystemDecoding
    /// What was left out so far.
    package private(set) var skipped = SkippedTally()

    /// A walk from `root`, a folder or a picture, which is taken whatever its name is.
    /// - Parameters:
    ///   - reading: how the pictures will be read: what the system's decoders would read is none without them.
    ///   - changes: looks at these alone; nil for all there is.
    ///   - excludes: whether a file or folder inside is left out.
    package init(
        _ root: PathBytes, reading: PictureOptions = PictureOptions(), changes: ChangedPaths? = nil,
        excludes: @escaping (_ path: PathBytes, _ isFolder: Bool) -> Bool = { _, _ in false }
    ) {
        walk = FolderWalk(root, changes: changes, excludes: excludes)
        systemDecoding = reading.decoding.systemDecoding
    }

    /// Whether a file is a picture that needs a decoder of the system which isn't there or isn't wanted: no walk finds it, and
    /// what was known of it holds on.
    package static func lacksDecoder(_ path: PathBytes, reading: PictureOptions) -> Bool {
        guard path.kind == .file, let bytes = try? path.firstBytes(PictureFormats.signatureLength) else { return false }
        return lackingDecoder(bytes, reading: reading) != nil
    }

    /// A format that a decoder of the system would read, and what to do to have that.
    package struct LackingDecoder: Sendable {
        package let format: String
        package let advice: String
    }

    /// What a picture lacks that begins with `bytes`, whatever its name; nil where its decoder is there.
    package static func lackingDecoder(_ bytes: [UInt8], reading: PictureOptions) -> LackingDecoder? {
        PictureFormats.lackingDecoder(firstBytes: bytes, systemDecoding: reading.decoding.systemDecoding)
            .map { LackingDecoder(format: $0.format, advice: $0.advice) }
    }

    /// The next thing; nil after the last.
    package mutating func next() -> Finding? {
        while let finding = walk.next() {
            switch finding {
            case .fault(let fault): return .fault(fault)
            case .emptyFolder(let path): return .emptyFolder(path)
            case .leftOut(let path, let omission):
                if let fault = leaveOut(path, omission) { return .fault(fault) }
            case .file(let file):
                do throws(SystemError) {
                    if try isPicture(file) { return .picture(file) }
                } catch {
                    return .fault(
                        FolderWalk.Fault(path: file.path, error: error, "can't be read to see what it is"))
                }
            }
        }
        return nil
    }

    private mutating func isPicture(_ file: FolderWalk.File) throws(SystemError) -> Bool {
        if file.isRoot || PictureFormats.isPictureName(file.path.name, systemDecoding: systemDecoding) { return true }
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = file.status.byteCount == 0 ? [] : try file.path.firstBytes(PictureFormats.signatureLength)
        } catch {
            if error.isAbsence { return false }
            throw error
        }
        switch PictureFormats.unnamed(file.path.name, firstBytes: bytes, systemDecoding: systemDecoding) {
        case .picture: return true
        case .other(let kind, let advice):
            skipped.add(kind, file.path, advice: advice)
            return false
        }
    }

    /// Counts what is no file to look at.
    /// - Returns: what is wrong with it, where it should have been a picture.
    private mutating func leaveOut(_ path: PathBytes, _ omission: FolderWalk.Omission) -> FolderWalk.Fault? {
        let isPictureName = PictureFormats.isPictureName(path.name, systemDecoding: systemDecoding)
        switch omission {
        // Nobody misses what programs keep in hidden files, unless they are pictures.
        case .hiddenFile: if isPictureName { skipped.add("hidden pictures", path) }
        case .excludedFile: if isPictureName { skipped.add("excluded pictures", path) }
        case .excludedFolder: skipped.add("excluded folders", path)
        case .hiddenFolder: skipped.add("hidden folders", path)
        case .linkToFolder: skipped.add("links to folders", path)
        case .loop: skipped.add("folders inside themselves", path)
        case .special: skipped.add("pipes, sockets or devices", path)
        case .linkToNothing where isPictureName:
            return FolderWalk.Fault(path: path, error: SystemError(code: ENOENT), "is a link that leads to nothing")
        case .linkToNothing: skipped.add("links to nothing", path)
        }
        return nil
    }
}

/// Files of one kind that were left out of a folder.
public struct SkippedFiles: Sendable, Equatable {
    /// The kind as people call it: `HEIC`, `TXT`, `links to folders`.
    public let kind: String
    /// How many files of this kind were left out.
    public var count: Int
    package let place: PathBytes
    /// What to do to have files of this kind read, where that is known.
    public let advice: String?

    /// Where the first file of this kind is.
    public var url: URL { place.url }
    package var example: String { place.text }
}

/// What was left out of folders, by kind.
package struct SkippedTally: Sendable {
    private var kinds: [String: SkippedFiles] = [:]

    package init() {}

    package mutating func add(_ kind: String, _ path: PathBytes, advice: String? = nil) {
        kinds[kind, default: SkippedFiles(kind: kind, count: 0, place: path, advice: advice)].count += 1
    }

    package mutating func add(_ files: some Sequence<SkippedFiles>) {
        for files in files {
            if kinds[files.kind] == nil { kinds[files.kind] = files } else { kinds[files.kind]?.count += files.count }
        }
    }

    /// Pictures of formats that aren't read first, then the most frequent kinds.
    package var files: [SkippedFiles] {
        kinds.values.sorted {
            ($0.advice == nil ? 1 : 0, -$0.count, $0.kind) < ($1.advice == nil ? 1 : 0, -$1.count, $1.kind)
        }
    }
}
