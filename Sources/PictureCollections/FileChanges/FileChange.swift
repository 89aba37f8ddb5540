import CLIP
import CLIPJSON
import CLIPSystem

/// One change to files as an undo list notes it before it is made, with all that is needed to take it back.
struct FileChange {
    enum Kind: String, CaseIterable {
        /// A folder was made at `target`.
        case folder = "make-folder"
        /// A file went from `source` to `target`.
        case move
        /// A copy of the file at `source` was put at `target`, where nothing stood.
        case copy
        /// A symbolic link to `source` was put at `target`, where nothing stood.
        case link
        /// The file at `target` was replaced by a hard link to the one at `source`, of the same bytes.
        case replace
        /// A file was written at `target`, where nothing stood.
        case write
    }

    let kind: Kind
    /// Absolute, as every path here; nil of what has no source.
    let source: PathBytes?
    let target: PathBytes
    /// Where a copy is until it is whole.
    let temporary: PathBytes?
    /// Of the file that was at `source`, or at `target` before it was replaced.
    let file: Content?

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

    private init(
        _ kind: Kind, from source: PathBytes?, to target: PathBytes, temporary: PathBytes?, _ file: Content?
    ) {
        self.kind = kind
        self.source = source
        self.target = target
        self.temporary = temporary
        self.file = file
    }

    /// A folder that is to be made.
    init(folder: PathBytes) { self.init(.folder, from: nil, to: folder, temporary: nil, nil) }

    /// - Parameter file: see `file`.
    init(_ kind: Kind, from source: PathBytes?, to target: PathBytes, _ file: Content) {
        self.init(kind, from: source, to: target, temporary: target.temporarySibling, file)
    }
}

extension FileChange {
    /// As it stands in a list, without a line's end.
    var line: String {
        var fields: Fields = [
            "change": kind.rawValue, "source": source.map(RecordName.init), "target": RecordName(target),
        ]
        if let temporary { fields.add("temporary", RecordName(temporary)) }
        if let file {
            fields += [
                "sha256": file.hash, "bytes": file.byteCount, "permissions": Int(file.permissions),
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
        }
        return fields.fieldValue.json
    }

    /// Reads a line.
    /// - Returns: nil when it is none.
    init?(_ line: JSONValue) {
        guard let kind = line["change"]?.string.flatMap(Kind.init), let target = line.path("target") else { return nil }
        let source = line.path("source")
        guard target.isAbsolute, source?.isAbsolute ?? true else { return nil }
        if kind == .folder {
            self.init(folder: target)
            return
        }
        guard let temporary = line.path("temporary"), temporary.folder == target.folder, temporary.isTemporaryName,
            let hash = line["sha256"]?.string, hash.utf8.count == 64, let byteCount = line["bytes"]?.int,
            let permissions = line["permissions"]?.int.flatMap(mode_t.init(exactly:)),
            let modified = line["modified"]?.string.flatMap({ Int64($0) }),
            let device = line["device"]?.string.flatMap({ UInt64($0) }),
            let inode = line["inode"]?.string.flatMap({ UInt64($0) }), source != nil || kind == .write
        else { return nil }
        self.init(
            kind, from: source, to: target, temporary: temporary,
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
