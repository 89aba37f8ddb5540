import CLIP
import CLIPSystem
import PictureCollections

/// The files that a command line would write over.
///
/// An output that is an input would be lost before it was read, or with the answer in its place: that is always refused,
/// by whatever name it is called. Another file that holds a picture, a model or an index is replaced only by a command
/// that writes such files, or when it is told to.
package struct OutputFiles: Sendable {
    private struct Existing: Sendable {
        let spelling: String
        let identity: FileStatus.Identity
        let content: FileContent?
    }

    package static let overwrite = Option(
        "overwrite", group: .output,
        help: """
            Let an output replace a picture that clip didn't draw, or a model or an index that this command would not \
            write. Inputs are never replaced.
            """)

    private var files: [Existing] = []
    /// Where the command line will write, whether anything is there yet or not.
    private var places: [(spelling: String, path: PathBytes)] = []

    /// Why a file that is there must not be replaced: told once the command has found its name right.
    private(set) var refusal: UsageError?

    init() {}

    /// - Throws: when an output is an input that the command line names, is or is another output.
    init(_ arguments: inout Arguments, _ table: CommandTable) throws(UsageError) {
        let targets = OutputFiles.targets(arguments, table)
        let overwrites = !targets.isEmpty && arguments.take(OutputFiles.overwrite)
        for (position, target) in targets.enumerated() {
            let path = PathBytes(target.path)
            // A device or a pipe takes whatever comes.
            if path.kind == .other { continue }
            places.append((target.spelling, path))
            if let other = targets[..<position].first(where: { PathBytes($0.path).isSamePlace(as: path) }) {
                throw UsageError("'\(target.spelling)' and '\(other.spelling)' are the same file: name two.")
            }
            guard path.kind == .file, let identity = path.identity else { continue }
            let content = FileContent(path)
            files.append(Existing(spelling: "'\(target.spelling)'", identity: identity, content: content))
            if let content, !table.replaces.contains(content), !overwrites, refusal == nil {
                let isOptional = table.options.contains { $0 === OutputFiles.overwrite }
                refusal = UsageError(
                    "'\(target.spelling)' is \(content.name), which would be lost: name another file"
                        + (isOptional ? ", or say '--overwrite'." : "."))
            }
        }
        if let standardOutput = OutputFiles.regularFile(STDOUT_FILENO) {
            files.append(Existing(spelling: "standard output", identity: standardOutput, content: nil))
        }
        guard !files.isEmpty else { return }
        for input in OutputFiles.inputs(arguments, table) {
            do throws(CLIPError) {
                try check(input.identity, named: input.name)
            } catch {
                throw UsageError(error.message + ".")
            }
        }
    }

    /// Whether one of them is a picture.
    package var holdPictures: Bool { files.contains { $0.content == .picture || $0.content == .drawing } }

    /// Refuses an input that would be written over.
    package func check(_ input: PathBytes) throws(CLIPError) {
        guard !files.isEmpty else { return }
        try check(input.identity, named: input.text)
    }

    private func check(_ identity: FileStatus.Identity?, named name: String) throws(CLIPError) {
        guard let identity, let file = files.first(where: { $0.identity == identity }) else { return }
        throw CLIPError(
            .storage,
            "\(displayed(file.spelling)) is also an input, \(displayed(name)), and would be lost: name another file")
    }

    /// Refuses an index, there already or to be made, that would be written over by what is found in it.
    package func check(index path: PathBytes) throws(UsageError) {
        guard let place = places.first(where: { $0.path.isSamePlace(as: path) }) else { return }
        throw UsageError("'\(place.spelling)' is the index itself, \(displayed(path.text)): name another file.")
    }

    /// Refuses a model's folder or file that would be written into.
    package func check(model path: String) throws(CLIPError) {
        guard !files.isEmpty else { return }
        let path = PathBytes(path)
        try check(path)
        guard path.kind == .folder else { return }
        var walk = FolderWalk(path)
        while let finding = walk.next() {
            if case .file(let file) = finding { try check(file.path) }
        }
    }

    private static func targets(
        _ arguments: Arguments, _ table: CommandTable
    ) -> [(form: OptionForm, spelling: String, path: String)] {
        let isArray = table.options.contains { $0.form.choices.contains("npy") && arguments.given($0) == ["npy"] }
        return table.options.flatMap { option -> [(form: OptionForm, spelling: String, path: String)] in
            let form = option.form
            guard case .target = form.value else { return [] }
            let values = arguments.given(option).filter { $0 != "-" }
            let plain = values.map { (form, "--\(form.name) \(displayed($0))", $0) }
            // The file beside an array.
            let beside = values.filter { $0.lowercased().hasSuffix(".npy") || isArray }
            return plain + beside.map { (form, "\(displayed($0)).json, beside --\(form.name),", $0 + ".json") }
        }
    }

    private static func inputs(
        _ arguments: Arguments, _ table: CommandTable
    ) -> [(name: String, identity: FileStatus.Identity?)] {
        var paths = arguments.positionals.enumerated().compactMap { table.positional(at: $0)?.path(in: $1) }
        for option in table.options {
            guard case .file = option.form.value else { continue }
            paths += arguments.given(option).map { PathBytes($0) }
        }
        return paths.map { path in
            path.text == "-" ? ("standard input", regularFile(STDIN_FILENO)) : (path.text, path.identity)
        }
    }

    /// Which file a descriptor leads to; nil for a terminal or a pipe, into which nothing is lost.
    private static func regularFile(_ descriptor: Int32) -> FileStatus.Identity? {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        let found = FileStatus(status)
        return found.kind == .file ? found.identity : nil
    }
}

extension PathBytes {
    /// Which file is there, links followed, whatever its names.
    fileprivate var identity: FileStatus.Identity? { (try? status())?.identity }

    /// Whether both lead to one file, or to one name in a folder where no file is yet.
    fileprivate func isSamePlace(as other: PathBytes) -> Bool {
        if let identity, let otherIdentity = other.identity { return identity == otherIdentity }
        guard identity == nil, other.identity == nil, let folder = folder.identity else { return false }
        return folder == other.folder.identity && name == other.name
    }
}

/// What is in a file, by its first bytes: what is not to be written over by mistake.
package enum FileContent: Sendable {
    case picture, model, index
    /// A picture that this program wrote.
    case drawing

    /// What to call it in messages.
    var name: String {
        switch self {
        case .picture, .drawing: "a picture"
        case .model: "a model"
        case .index: "an index of pictures"
        }
    }

    /// nil for anything else, and for what can't be read.
    init?(_ path: PathBytes) {
        guard let bytes = try? path.firstBytes(64), !bytes.isEmpty else { return nil }
        func has(_ magic: [UInt8], at offset: Int = 0) -> Bool { bytes.dropFirst(offset).starts(with: magic) }
        func has(_ magic: String, at offset: Int = 0) -> Bool { has(Array(magic.utf8), at: offset) }

        let name = path.text.lowercased()
        if has("CLIPINDX") {
            self = .index
        } else if has("GGUF") || has("{\"", at: 8)
            || [".pt", ".pth", ".bin"].contains(where: name.hasSuffix) && (has("PK") || has([0x80]))
        {
            self = .model
        } else if has(FileContent.pictures[0]), has("tEXtSoftware\0clip", at: 37) {
            // After the signature and the header, and the length of this chunk.
            self = .drawing
        } else if Picture.isPictureName(path.text) || FileContent.pictures.contains(where: { has($0) })
            || has("RIFF") && has("WEBP", at: 8) || has("ftyp", at: 4)
        {
            self = .picture
        } else {
            return nil
        }
    }

    /// What files of pictures begin with, those included that are not decoded here.
    private static let pictures: [[UInt8]] = [
        [0x89, 0x50, 0x4E, 0x47], [0xFF, 0xD8, 0xFF], Array("GIF8".utf8), Array("qoif".utf8), [0x49, 0x49, 0x2A, 0],
        [0x4D, 0x4D, 0, 0x2A], Array("8BPS".utf8), [0xFF, 0x0A],
    ]
}
