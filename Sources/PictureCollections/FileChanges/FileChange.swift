import CLIP
import CLIPJSON
import CLIPSystem

/// One change as an undo list notes it before it is made, with all that is needed to take it back.
enum NotedChange {
    /// A folder was made.
    case folder(PathBytes)
    case file(FileChange)

    /// Absolute, as every path here.
    var target: PathBytes {
        switch self {
        case .folder(let path): path
        case .file(let change): change.target
        }
    }

    /// What it is called in a list.
    var name: String {
        switch self {
        case .folder: "make-folder"
        case .file(let change): change.kind.name
        }
    }
}

/// Something that is done to a file.
struct FileChange {
    enum Kind {
        /// The file went from there to `target`.
        case move(from: PathBytes)
        /// A copy of it was put at `target`, where nothing stood.
        case copy(from: PathBytes)
        /// A symbolic link to it was put at `target`, where nothing stood.
        case link(to: PathBytes)
        /// The file at `target` was replaced by a hard link to this one, of the same bytes.
        case replace(by: PathBytes)
        /// A file was written at `target`, where nothing stood.
        case write
    }

    /// What a file held, and what else it had that a copy of its bytes has not.
    struct Content: Equatable {
        /// 64 hexadecimal digits.
        let hash: String
        let byteCount: Int
        let permissions: mode_t
        /// Nanoseconds since 1970.
        let modified: Int64
        let identity: FileStatus.Identity
        /// nil of what is to be a new file.
        var attributes: FileAttributes?
    }

    let kind: Kind
    let target: PathBytes
    /// Where a copy is until it is whole.
    let temporary: PathBytes
    /// Of the file before, of one that is replaced that at `target`.
    let file: Content

    /// - Parameter temporary: nil for a new name beside `target`.
    init(_ kind: Kind, at target: PathBytes, temporary: PathBytes? = nil, _ file: Content) {
        self.kind = kind
        self.target = target
        self.temporary = temporary ?? target.temporarySibling
        self.file = file
    }
}

extension FileChange.Kind {
    fileprivate init?(_ name: String, source: PathBytes?) {
        switch (name, source) {
        case ("move", let source?): self = .move(from: source)
        case ("copy", let source?): self = .copy(from: source)
        case ("link", let source?): self = .link(to: source)
        case ("replace", let source?): self = .replace(by: source)
        case ("write", nil): self = .write
        default: return nil
        }
    }

    fileprivate var name: String {
        switch self {
        case .move: "move"
        case .copy: "copy"
        case .link: "link"
        case .replace: "replace"
        case .write: "write"
        }
    }

    fileprivate var source: PathBytes? {
        switch self {
        case .move(let source), .copy(let source), .link(let source), .replace(let source): source
        case .write: nil
        }
    }
}

extension NotedChange {
    /// As it stands in a list, without a line's end.
    var line: String {
        guard case .file(let change) = self else {
            return (["change": name, "source": nil, "target": RecordName(target)] as Fields).fieldValue.json
        }
        let file = change.file
        var fields: Fields = [
            "change": name, "source": change.kind.source.map(RecordName.init), "target": RecordName(target),
            "temporary": RecordName(change.temporary), "sha256": file.hash, "bytes": file.byteCount,
            "permissions": Int(file.permissions),
            // A number of this size is none that every program reads.
            "modified": "\(file.modified)", "device": "\(file.identity.device)", "inode": "\(file.identity.inode)",
        ]
        if let attributes = file.attributes {
            fields += ["owner": Int(attributes.owner), "group": Int(attributes.group)]
            // In base64, which says any bytes.
            let extended = attributes.extended.map {
                ["name": base64OfBytes($0.name), "value": base64OfBytes($0.value)] as Fields
            }
            if !extended.isEmpty { fields.add("attributes", extended) }
        }
        return fields.fieldValue.json
    }

    /// Reads a line.
    /// - Returns: nil when it is none.
    init?(_ line: JSONValue) {
        guard let name = line["change"]?.string, let target = line.path("target"), target.isAbsolute else { return nil }
        if name == NotedChange.folder(target).name {
            self = .folder(target)
        } else if let change = FileChange(name, at: target, line) {
            self = .file(change)
        } else {
            return nil
        }
    }
}

extension FileChange {
    fileprivate init?(_ name: String, at target: PathBytes, _ line: JSONValue) {
        let source = line.path("source")
        guard source?.isAbsolute ?? true, let kind = Kind(name, source: source),
            let temporary = line.path("temporary"), temporary.folder == target.folder, temporary.isTemporaryName,
            let hash = line["sha256"]?.string, hash.utf8.count == 64, let byteCount = line["bytes"]?.int,
            let permissions = line["permissions"]?.int.flatMap(mode_t.init(exactly:)),
            let modified = line["modified"]?.string.flatMap({ Int64($0) }),
            let device = line["device"]?.string.flatMap({ UInt64($0) }),
            let inode = line["inode"]?.string.flatMap({ UInt64($0) })
        else { return nil }
        self.init(
            kind, at: target, temporary: temporary,
            Content(
                hash: hash, byteCount: byteCount, permissions: permissions & 0o7777, modified: modified,
                identity: FileStatus.Identity(device: device, inode: inode), attributes: line.attributes))
    }
}

extension JSONValue {
    /// Those of a file, where a line has them.
    fileprivate var attributes: FileAttributes? {
        guard let owner = self["owner"]?.int.flatMap(UInt32.init(exactly:)),
            let group = self["group"]?.int.flatMap(UInt32.init(exactly:))
        else { return nil }
        let extended = (self["attributes"]?.array ?? []).compactMap { entry -> FileAttributes.Extended? in
            guard let name = entry["name"]?.string.flatMap({ bytesOfBase64($0.utf8) }), !name.contains(0),
                let value = entry["value"]?.string.flatMap({ bytesOfBase64($0.utf8) })
            else { return nil }
            return FileAttributes.Extended(name: name, value: value)
        }
        return FileAttributes(owner: owner, group: group, extended: extended)
    }

    /// The path of a field, by its bytes where its text can't say it.
    func path(_ key: String) -> PathBytes? {
        if let bytes = self[key + "_bytes"]?.string {
            return bytesOfBase64(bytes.utf8).flatMap(PathBytes.init(nonEmpty:))
        }
        return self[key]?.string.flatMap { PathBytes(nonEmpty: Array($0.utf8)) }
    }

    /// The paths of a list.
    func paths(_ key: String) -> [PathBytes]? {
        guard let names = self[key]?.array else { return self[key].map(\.isNull) ?? true ? [] : nil }
        let bytes = self[key + "_bytes"]
        var paths: [PathBytes] = []
        for (place, name) in names.enumerated() {
            let exact = bytes?["\(place)"]?.string
            let path = exact.map { bytesOfBase64($0.utf8) } ?? name.string.map { Array($0.utf8) }
            guard let path, let path = PathBytes(nonEmpty: path) else { return nil }
            paths.append(path)
        }
        return paths
    }
}

extension RecordName {
    init(_ path: PathBytes) { self.init(bytes: path.bytes) }
}

extension PathBytes {
    /// nil for what is no path.
    fileprivate init?(nonEmpty bytes: [UInt8]) {
        guard !bytes.isEmpty, !bytes.contains(0) else { return nil }
        self.init(bytes)
    }

    fileprivate var isAbsolute: Bool { bytes.first == PathBytes.slash }

    /// Whether it is named as `temporarySibling` names files.
    fileprivate var isTemporaryName: Bool {
        name.starts(with: ".clip-".utf8) && name.suffix(4).elementsEqual(".tmp".utf8)
    }

    /// The absolute path of a name in a folder that is there; links to that folder are followed, one under the name is not.
    func absoluteName() throws(CLIPError) -> PathBytes {
        do throws(SystemError) {
            return try folder.resolved().appending(name)
        } catch {
            throw CLIPError(.storage, path: folder.text, "can't be found", error)
        }
    }
}
