import CLIP
import CLIPSystem

/// Where a command line says that pictures are: files, folders, lists, standard input.
struct PictureSources {
    var paths: [[UInt8]]
    var lists: [String] = []
    private var isNULSeparated = false
    private let outputs: OutputFiles

    init(_ arguments: Arguments) {
        paths = arguments.positionals
        lists = arguments.all(.filesFrom)
        // Of lists alone.
        if !lists.isEmpty { isNULSeparated = arguments.flag(.nulSeparated) }
        outputs = arguments.outputs
    }

    /// A single place among those of a command line.
    func only(_ path: [UInt8]) -> PictureSources {
        var sources = self
        (sources.paths, sources.lists) = ([path], [])
        return sources
    }

    fileprivate func reader(_ list: String) throws(InputError) -> EntryReader {
        try EntryReader(path: list, isNULSeparated: isNULSeparated)
    }

    fileprivate func check(_ path: PathBytes) throws(InputError) { try outputs.check(path) }
}

/// The pictures that a command line names, one after another: files, folders, lists, standard input.
///
/// They are looked up as they are needed: a list of a million names takes no more memory than one of ten.
final class PictureInputs: Sequence, IteratorProtocol {
    /// What to look at next.
    private enum Source {
        case path([UInt8])
        case list(EntryReader)
        case folder(PictureWalk, PathBytes)
    }

    private let origin: PictureSources
    private var sources: [Source]
    private let console: Console
    /// False when the names are only to be counted.
    private let opensFiles: Bool
    /// How many pictures there were so far.
    private(set) var count = 0
    /// What ended the sequence before its time.
    private var failure: InputError?
    private var countInFolder = 0
    private var skippedTally = SkippedTally()
    /// The folders in which something was left out.
    private var foldersWithSkipped: [PathBytes] = []
    /// Whether everything in the present folder could be looked at so far.
    private var isFolderComplete = true

    /// - Throws: when a list can't be opened.
    init(_ origin: PictureSources, console: Console, opensFiles: Bool = true) throws(InputError) {
        self.origin = origin
        self.console = console
        self.opensFiles = opensFiles
        sources = []
        for path in origin.paths { sources.append(.path(path)) }
        for list in origin.lists { sources.append(.list(try origin.reader(list))) }
        sources.reverse()
    }

    func next() -> PictureInput? {
        console.progress?.refresh()
        while let source = sources.popLast() {
            switch source {
            case .path(let bytes):
                if let input = input(bytes, mayBeStandardInput: true) { return input }
            case .list(let reader):
                do throws(InputError) {
                    guard let entry = try reader.next() else { continue }
                    sources.append(source)
                    guard !entry.isEmpty else { continue }
                    if let input = input(entry, mayBeStandardInput: false) { return input }
                } catch {
                    failure = error
                    sources.removeAll()
                }
            case .folder(var walk, let folder):
                if let path = nextPicture(&walk) {
                    countInFolder += 1
                    sources.append(.folder(walk, folder))
                    return picture(at: path)
                }
                skippedTally.add(walk.skipped.files)
                if !walk.skipped.files.isEmpty { foldersWithSkipped.append(folder) }
                if countInFolder == 0, isFolderComplete {
                    console.fail(
                        "\(folder.text): the folder holds no pictures: expected files named .png, .jpg and the like, or with "
                            + "their contents")
                }
            }
        }
        return nil
    }

    /// The picture that a path names; nil when it names a folder, which comes next.
    private func input(_ bytes: [UInt8], mayBeStandardInput: Bool) -> PictureInput? {
        if mayBeStandardInput, bytes == dash {
            return read("standard input") { () throws(CLIPError) in try standardInputPicture() }
        }
        let path = PathBytes(bytes)
        guard path.kind == .folder else { return picture(at: path) }
        countInFolder = 0
        isFolderComplete = true
        sources.append(.folder(PictureWalk(path), path))
        return nil
    }

    /// The next picture in a folder; what can't be looked at is reported.
    private func nextPicture(_ walk: inout PictureWalk) -> PathBytes? {
        while let finding = walk.next() {
            switch finding {
            case .picture(let file): return file.path
            case .emptyFolder: continue
            case .fault(let fault):
                isFolderComplete = false
                console.fail("\(fault.path.text): \(fault.message)")
            }
        }
        return nil
    }

    /// What was left out of folders so far, by kind.
    var skipped: [SkippedFiles] { skippedTally.files }

    /// A file by its name, or by its bytes where it is a pipe.
    private func picture(at path: PathBytes) -> PictureInput? {
        do throws(InputError) {
            try origin.check(path)
        } catch {
            // Nothing may be written in place of it.
            failure = error
            sources.removeAll()
            return nil
        }
        if path.kind != .other {
            count += 1
            return path.imageInput
        }
        return read(path.text) { () throws(CLIPError) in try path.pictureBytes() }
    }

    /// Says what was left out of folders, and what went wrong after the last picture.
    func checkEnd() throws(InputError) {
        console.report(skipped: skipped, in: foldersWithSkipped)
        if let failure { throw failure }
        if count == 0, !console.hasFailed { throw InputError("no pictures: the list of files is empty") }
    }

    private func read(_ name: String, _ body: () throws(CLIPError) -> [UInt8]) -> PictureInput? {
        guard opensFiles else { return .bytes([], name: name) }
        do throws(CLIPError) {
            let bytes = try body()
            count += 1
            return .bytes(bytes, name: name)
        } catch {
            console.fail(error.shown)
            return nil
        }
    }
}

private let dash = [UInt8(ascii: "-")]
