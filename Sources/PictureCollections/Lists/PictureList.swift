import CLIP
import CLIPPictures
import CLIPSystem

/// The pictures that files, folders, archives, lists of them and standard input are, one after another.
///
/// They are looked up as they are needed: a list of a million names takes no more memory than one of ten.
package final class PictureList: Sequence, IteratorProtocol {
    /// What to look at next.
    private enum Source {
        case path([UInt8])
        case list(EntryReader)
        case folder(PictureWalk, PathBytes, ExclusionWalk)
        /// What comes next in an archive is at this place of its names.
        case archive(ArchiveDirectory, PathBytes, next: Int)
    }

    private var sources: [Source]
    private let opensPipes: Bool
    private let check: (PathBytes) throws(CLIPError) -> Void
    private let report: (CLIPError) -> Void
    /// How many pictures there were so far.
    package private(set) var count = 0
    /// How many of them are named as camera makers' raw files are, of which the preview inside is read.
    package private(set) var rawCount = 0
    /// What ended the sequence before its time.
    package private(set) var failure: CLIPError?
    private var countInFolder = 0
    private var skippedTally = SkippedTally()
    /// The folders in which something was left out.
    package private(set) var foldersWithSkipped: [PathBytes] = []
    /// Whether everything in the present folder could be looked at so far.
    private var isFolderComplete = true

    /// - Parameters:
    ///   - paths: `-` is standard input.
    ///   - lists: files of paths, one a line, or each ended by a NUL byte; `-` is standard input.
    ///   - opensPipes: false when the names are only to be counted.
    ///   - check: ends the sequence by what it throws about a picture.
    ///   - report: takes what can't be had; the rest goes on.
    /// - Throws: when a list can't be opened.
    package init(
        _ paths: [[UInt8]], lists: [String] = [], isNULSeparated: Bool = false, opensPipes: Bool = true,
        check: @escaping (PathBytes) throws(CLIPError) -> Void = { _ in }, report: @escaping (CLIPError) -> Void
    ) throws(CLIPError) {
        self.opensPipes = opensPipes
        self.check = check
        self.report = report
        sources = paths.map { .path($0) }
        for list in lists { sources.append(.list(try EntryReader(path: list, isNULSeparated: isNULSeparated))) }
        sources.reverse()
    }

    package func next() -> PictureInput? {
        while let source = sources.popLast() {
            switch source {
            case .path(let bytes):
                if let input = input(bytes, mayBeStandardInput: true) { return input }
            case .list(let reader):
                do throws(CLIPError) {
                    guard let entry = try reader.next() else { continue }
                    sources.append(source)
                    guard !entry.isEmpty else { continue }
                    if let input = input(entry, mayBeStandardInput: false) { return input }
                } catch {
                    failure = error
                    sources.removeAll()
                }
            case .archive(let archive, let path, let next):
                let place = archive.names[next...].firstIndex { ArchiveDirectory.isPictureName($0) }
                guard let place else {
                    if countInFolder == 0 {
                        report(CLIPError(.picture, path: path.text, "the archive holds no files named as pictures are"))
                    }
                    continue
                }
                countInFolder += 1
                sources.append(.archive(archive, path, next: place + 1))
                return picture(at: archive.path(of: archive.names[place]))
            case .folder(var walk, let folder, let excluded):
                if let path = nextPicture(&walk) {
                    countInFolder += 1
                    sources.append(.folder(walk, folder, excluded))
                    return picture(at: path)
                }
                for fault in excluded.faults { report(CLIPError(.storage, path: fault.path.text, fault.message)) }
                skippedTally.add(walk.skipped.files)
                if !walk.skipped.files.isEmpty { foldersWithSkipped.append(folder) }
                if countInFolder == 0, isFolderComplete {
                    report(
                        CLIPError(
                            .picture, path: folder.text,
                            "the folder holds no pictures: expected files named .png, .jpg and the like, or with their "
                                + "contents"))
                }
            }
        }
        return nil
    }

    /// Up to `count` pictures; fewer at the end, or when the next would have to be waited for. Those of pipes are read: of these
    /// one comes at a time.
    package func next(atMost count: Int) -> [PictureInput] {
        var inputs: [PictureInput] = []
        while inputs.count < count, inputs.isEmpty || isReady, let input = next() {
            inputs.append(input)
            if case .bytes = input.source { break }
        }
        return inputs
    }

    /// Whether `next` would return at once.
    private var isReady: Bool {
        guard case .list(let reader) = sources.last else { return true }
        return reader.isReady
    }

    /// The picture that a path names; nil when it names a folder, which comes next.
    private func input(_ bytes: [UInt8], mayBeStandardInput: Bool) -> PictureInput? {
        if mayBeStandardInput, bytes == dash {
            return read("standard input") { () throws(CLIPError) in try standardInputPicture() }
        }
        let path = PathBytes(bytes)
        guard path.kind == .folder else {
            guard ArchiveDirectory.isArchive(path) else { return picture(at: path) }
            open(archive: path)
            return nil
        }
        countInFolder = 0
        isFolderComplete = true
        let excluded = ExclusionWalk(path, ExclusionRules())
        sources.append(.folder(PictureWalk(path, excludes: excluded.excludes), path, excluded))
        return nil
    }

    /// Has the pictures inside an archive come next.
    private func open(archive path: PathBytes) {
        countInFolder = 0
        do throws(CLIPError) {
            sources.append(.archive(try ArchiveDirectory.of(path), path, next: 0))
        } catch {
            report(error.at(path.text))
        }
    }

    /// The next picture in a folder; what can't be looked at is reported.
    private func nextPicture(_ walk: inout PictureWalk) -> PathBytes? {
        while let finding = walk.next() {
            switch finding {
            case .picture(let file): return file.path
            case .emptyFolder: continue
            case .fault(let fault):
                isFolderComplete = false
                report(CLIPError(.storage, path: fault.path.text, fault.message))
            }
        }
        return nil
    }

    /// What was left out of folders so far, by kind.
    package var skipped: [SkippedFiles] { skippedTally.files }

    /// A file by its name, or by its bytes where it is a pipe.
    private func picture(at path: PathBytes) -> PictureInput? {
        do throws(CLIPError) {
            try check(path)
            if let (archive, _) = ArchiveDirectory.parts(of: path) { try check(archive) }
        } catch {
            // Nothing may be written in place of it.
            failure = error
            sources.removeAll()
            return nil
        }
        if PictureFormats.isRawName(path.name) { rawCount += 1 }
        if path.kind != .other {
            count += 1
            return path.pictureInput
        }
        return read(path.text) { () throws(CLIPError) in try path.pictureBytes() }
    }

    private func read(_ name: String, _ body: () throws(CLIPError) -> [UInt8]) -> PictureInput? {
        guard opensPipes else { return .bytes([], name: name) }
        do throws(CLIPError) {
            let bytes = try body()
            count += 1
            return .bytes(bytes, name: name)
        } catch {
            report(error)
            return nil
        }
    }
}

extension ArchiveDirectory {
    /// Whether a file in an archive is a picture by its name, and none of those that macOS puts beside it.
    static func isPictureName(_ name: [UInt8]) -> Bool {
        let path = PathBytes(name)
        return PictureFormats.isPictureName(path.name) && path.name.first != UInt8(ascii: ".")
    }
}

private let dash = [UInt8(ascii: "-")]

extension Picture {
    /// Reads and decodes the picture at a path, which may be a pipe.
    package init(reading path: PathBytes, options: PictureOptions) throws(CLIPError) {
        try self.init(bytes: try path.pictureBytes(), options: options)
    }

    /// Reads and decodes the picture on standard input.
    package init(readingStandardInput options: PictureOptions) throws(CLIPError) {
        try self.init(bytes: try standardInputPicture(), options: options)
    }
}

extension PathBytes {
    /// The bytes of the picture file there, or of what a pipe brings.
    package func pictureBytes() throws(CLIPError) -> [UInt8] {
        let descriptor: Int32
        do throws(SystemError) {
            descriptor = try open()
        } catch {
            if error.isAbsence, ArchiveDirectory.parts(of: self)?.archive.kind == .file {
                do throws(CLIPError) {
                    return try readPictureFile(self)
                } catch {
                    throw error.at(text)
                }
            }
            throw CLIPError(.picture, path: text, "can't be read: \(error.message)")
        }
        defer { close(descriptor) }
        return try CLIP.pictureBytes(descriptor: descriptor, name: text)
    }
}

/// The bytes of the picture on standard input.
func standardInputPicture() throws(CLIPError) -> [UInt8] {
    try pictureBytes(descriptor: STDIN_FILENO, name: "standard input")
}
