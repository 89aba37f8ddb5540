import CLIPSystem

/// What stands at a path, links followed.
package enum FileKind {
    case file, folder, other, missing

    /// - Throws: when the system doesn't say what stands there, or that nothing does.
    package init(at path: String) throws(WeightsError) {
        guard let status = try fileStatus(path) else {
            self = .missing
            return
        }
        self.init(mode: status.st_mode)
    }

    init(mode: mode_t) {
        switch mode & S_IFMT {
        case S_IFREG: self = .file
        case S_IFDIR: self = .folder
        default: self = .other
        }
    }
}

/// What `stat(2)` says of `path`, nil if nothing is there.
/// - Parameter followsLinks: whether a link is what it leads to.
/// - Throws: on every other error, which leaves open whether something is there.
func fileStatus(_ path: String, followsLinks: Bool = true) throws(WeightsError) -> stat? {
    guard !path.utf8.contains(0) else { return nil }
    var status = stat()
    guard again({ followsLinks ? stat(path, &status) : lstat(path, &status) }) != 0 else { return status }
    if meansAbsence(errno) { return nil }
    throw WeightsError(path: path, problem: "can't be examined: \(systemMessage())")
}

/// The size of the regular file at `path`, links followed, nil if there is none.
/// - Throws: when that can't be found out.
package func byteCount(ofFile path: String) throws(WeightsError) -> Int? {
    guard let status = try fileStatus(path), FileKind(mode: status.st_mode) == .file else { return nil }
    return Int(status.st_size)
}

/// Whether an error says that nothing is there. Every other leaves that open.
private func meansAbsence(_ code: Int32) -> Bool { code == ENOENT || code == ENOTDIR }

/// Path arithmetic on plain strings: what weights need, without Foundation's start-up cost.
package enum Path {
    package static func join(_ folder: String, _ name: String) -> String {
        if folder.isEmpty { return name }
        return folder.utf8.last == UInt8(ascii: "/") ? folder + name : folder + "/" + name
    }

    /// The folder that holds `path`, "." for a bare name.
    package static func folder(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    package static func name(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
        return String(path[path.utf8.index(after: slash)...])
    }

    /// True if `name` is a relative path that can't leave the folder it is joined to.
    package static func staysInside(_ name: String) -> Bool {
        guard !name.utf8.contains(0), !name.utf8.contains(UInt8(ascii: "\\")) else { return false }
        return name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty && !part.elementsEqual("..".utf8) && !part.elementsEqual(".".utf8)
        }
    }

    /// The names in a folder, sorted bytewise; empty if there is no such folder.
    /// - Throws: when it can't be read to its end.
    package static func contents(of folder: String) throws(WeightsError) -> [String] {
        guard let stream = opendir(folder) else {
            if meansAbsence(errno) { return [] }
            throw WeightsError(path: folder, problem: "can't be looked into: \(systemMessage())")
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else {
                    throw WeightsError(path: folder, problem: "can't be looked into: \(systemMessage())")
                }
                break
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: tuple.pointee)) {
                    String(cString: $0)
                }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}

/// Makes a system call again for as long as a signal cuts it short.
/// - Returns: what it returns in the end, −1 with `errno` set when it fails.
package func again(_ call: () -> Int32) -> Int32 {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}

/// The operating system's words for `code`.
package func systemMessage(_ code: Int32 = errno) -> String {
    String(cString: strerror(code))
}

/// Makes the folder at `path` and those that lead to it, as far as they are missing.
package func makeFolder(_ path: String) throws(WeightsError) {
    switch try FileKind(at: path) {
    case .folder: return
    case .file, .other: throw WeightsError(path: path, problem: "is in the way, expected a folder")
    case .missing: break
    }
    let parent = Path.folder(of: path)
    if parent != path { try makeFolder(parent) }
    // Another program may make it at the same moment.
    guard mkdir(path, 0o777) == 0 || errno == EEXIST else {
        throw WeightsError(path: path, problem: "can't be made: \(systemMessage())")
    }
}

/// A descriptor of a regular file opened for reading, and its size.
///
/// `O_NONBLOCK` keeps a named pipe from blocking the open; on regular files it means nothing.
func openRegularFile(_ path: String) throws(WeightsError) -> (descriptor: Int32, byteCount: Int) {
    guard !path.isEmpty, !path.utf8.contains(0) else {
        throw WeightsError(path: path.isEmpty ? "\"\"" : path, problem: "is not a path")
    }
    let descriptor = again { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard descriptor >= 0 else {
        throw WeightsError(path: path, problem: "can't be opened: \(systemMessage())")
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
        let message = systemMessage()
        close(descriptor)
        throw WeightsError(path: path, problem: "can't be examined: \(message)")
    }
    let kind = FileKind(mode: status.st_mode)
    guard kind == .file else {
        close(descriptor)
        let found = kind == .folder ? "is a folder" : "is a device or a pipe"
        throw WeightsError(path: path, problem: "\(found), expected a regular file")
    }
    return (descriptor, Int(status.st_size))
}
