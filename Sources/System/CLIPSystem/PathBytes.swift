/// A path as the bytes that the file system has, which need not be UTF-8.
package struct PathBytes: Hashable, Sendable {
    package let bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package init(_ text: String) { bytes = Array(text.utf8) }

    /// The path to show; what is not UTF-8 is replaced, and opens nothing.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Whether `text` is the path itself.
    package var isText: Bool { String(validating: bytes, as: UTF8.self) != nil }

    /// What follows the last slash.
    package var name: ArraySlice<UInt8> {
        bytes[(bytes.lastIndex(of: PathBytes.slash).map { $0 + 1 } ?? 0)...]
    }

    /// The folder that holds what is there, "." for a bare name.
    package var folder: PathBytes {
        guard let slash = bytes.lastIndex(of: PathBytes.slash) else { return PathBytes(".") }
        return PathBytes(slash == 0 ? [PathBytes.slash] : Array(bytes[..<slash]))
    }

    /// `name` inside the folder at this path.
    package func appending(_ name: some Sequence<UInt8>) -> PathBytes {
        PathBytes(bytes.last == PathBytes.slash ? bytes + name : bytes + [PathBytes.slash] + name)
    }

    package func appending(_ name: String) -> PathBytes { appending(name.utf8) }

    /// Whether this is `folder` or a path inside it, by their letters alone.
    package func isAtOrInside(_ folder: PathBytes) -> Bool {
        guard bytes.starts(with: folder.bytes) else { return false }
        return bytes.count == folder.bytes.count || folder.bytes.last == PathBytes.slash
            || bytes[folder.bytes.count] == PathBytes.slash
    }

    /// A path inside `folder` without that folder, by their letters alone; any other as it is.
    package func relative(to folder: PathBytes) -> [UInt8] {
        let count = folder.bytes.count + (folder.bytes.last == PathBytes.slash ? 0 : 1)
        guard bytes.count >= count, isAtOrInside(folder) else { return bytes }
        return Array(bytes.dropFirst(count))
    }

    package static let slash = UInt8(ascii: "/")
}

extension PathBytes {
    /// What stands at a path, links followed.
    package enum Kind: Equatable {
        case file, folder, other
        /// Nothing that can be examined, and why.
        case missing(String)
    }

    package var kind: Kind {
        do throws(SystemError) {
            switch try status().kind {
            case .file: return .file
            case .folder: return .folder
            case .link, .other: return .other
            }
        } catch {
            return .missing(bytes.contains(0) ? "a path holds no NUL byte" : error.message)
        }
    }

    /// Whether nothing is there. What can't be looked at may be there.
    package var isAbsent: Bool {
        do throws(SystemError) {
            _ = try status()
            return false
        } catch {
            return error.isAbsence
        }
    }

    /// The size of the file there, if there is one.
    package var byteCount: Int? { (try? status())?.byteCount }

    /// What the file system says of what is there.
    package func status(followsLinks: Bool = true) throws(SystemError) -> FileStatus {
        var status = stat()
        _ = try reach { folder, name in fstatat(folder, name, &status, followsLinks ? 0 : AT_SYMLINK_NOFOLLOW) }
        return FileStatus(status)
    }

    /// What is there, nil when nothing is.
    /// - Parameter kind: of the error.
    /// - Throws: when that can't be found out.
    package func found(_ kind: CLIPError.Kind, followsLinks: Bool = true) throws(CLIPError) -> FileStatus? {
        guard !bytes.contains(0) else { return nil }
        do throws(SystemError) {
            return try status(followsLinks: followsLinks)
        } catch {
            if error.isAbsence { return nil }
            throw CLIPError(kind, path: text, "can't be examined", error)
        }
    }

    /// A descriptor of what is there, however long the path is.
    /// - Parameters:
    ///   - flags: of `open(2)`.
    ///   - permissions: of a file that is made, less what the process's mask takes away.
    package func open(_ flags: Int32 = O_RDONLY, permissions: mode_t = 0o666) throws(SystemError) -> Int32 {
        try reach { folder, name in openEntry(folder, name, flags | O_CLOEXEC, permissions) }
    }

    /// Removes the file or link there.
    package func remove() throws(SystemError) {
        _ = try reach { folder, name in unlinkat(folder, name, 0) }
    }

    /// Gives what is there another path, in place of what stands at that.
    package func rename(to path: PathBytes) throws(SystemError) {
        guard !bytes.contains(0), !path.bytes.contains(0) else { throw SystemError(code: EINVAL) }
        _ = try uninterrupted { withCString(bytes) { old in withCString(path.bytes) { renameEntry(old, $0) } } }
    }

    /// Gives the file there another path besides, at which nothing stands.
    package func link(to path: PathBytes) throws(SystemError) {
        guard !bytes.contains(0), !path.bytes.contains(0) else { throw SystemError(code: EINVAL) }
        _ = try uninterrupted { withCString(bytes) { old in withCString(path.bytes) { linkEntry(old, $0) } } }
    }

    /// Makes a symbolic link here, where nothing stands, to another path.
    package func makeLink(to path: PathBytes) throws(SystemError) {
        guard !path.bytes.contains(0) else { throw SystemError(code: EINVAL) }
        _ = try reach { folder, name in withCString(path.bytes) { symlinkat($0, folder, name) } }
    }

    /// Where the symbolic link here says that it leads; nil where there is none.
    package var linkText: [UInt8]? {
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(PATH_MAX)) { buffer, filled in
            let count = try? reach { folder, name in
                buffer.withMemoryRebound(to: CChar.self) { Int32(readlinkat(folder, name, $0.baseAddress!, $0.count)) }
            }
            filled = Int(max(0, count ?? 0))
        }
        return bytes.isEmpty ? nil : bytes
    }

    /// Makes a folder.
    package func makeFolder() throws(SystemError) {
        _ = try reach { folder, name in mkdirat(folder, name, 0o777) }
    }

    /// Removes the folder here, which must be empty.
    package func removeFolder() throws(SystemError) {
        _ = try reach { folder, name in unlinkat(folder, name, AT_REMOVEDIR) }
    }

    /// The path without links of what must be there.
    /// - Throws: `CLIPError` of kind `.argument`.
    package func resolvedArgument() throws(CLIPError) -> PathBytes {
        do throws(SystemError) {
            return try resolved()
        } catch {
            throw CLIPError(.argument, path: text, "can't be found", error)
        }
    }

    /// Makes the folder here and those that lead to it, as far as they are missing.
    /// - Parameter kind: of the error.
    package func makeFolders(_ kind: CLIPError.Kind) throws(CLIPError) {
        switch try found(kind)?.kind {
        case .folder: return
        case .file, .link, .other: throw CLIPError(kind, path: text, "is in the way, expected a folder")
        case nil: break
        }
        if folder != self { try folder.makeFolders(kind) }
        do throws(SystemError) {
            try makeFolder()
        } catch {
            // Another program may make it at the same moment.
            if error.code != EEXIST { throw CLIPError(kind, path: text, "can't be made", error) }
        }
    }

    /// Waits until the names in the folder here are on the disk. Some file systems can't sync a folder: they say so, or
    /// don't let it be opened.
    package func syncFolder() throws(SystemError) {
        guard let descriptor = try? open() else { return }
        defer { close(descriptor) }
        do throws(SystemError) {
            _ = try uninterrupted { fsync(descriptor) }
        } catch {
            if error.code != EINVAL, error.code != ENOTSUP { throw error }
        }
    }

    /// The names in the folder here, in bytewise order; empty if there is no such folder.
    /// - Parameter kind: of the error.
    /// - Throws: when it can't be read to its end.
    package func contents(_ kind: CLIPError.Kind) throws(CLIPError) -> [[UInt8]] {
        var names: [[UInt8]] = []
        do throws(SystemError) {
            let stream = try FolderStream(self)
            while let (name, _) = try stream.next() {
                if !name.elementsEqual(".".utf8), !name.elementsEqual("..".utf8) { names.append(name) }
            }
        } catch {
            if error.isAbsence, names.isEmpty { return [] }
            throw CLIPError(kind, path: text, "can't be looked into", error)
        }
        return names.sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// A path in the same folder that nothing has yet.
    package var temporarySibling: PathBytes {
        let end = bytes.lastIndex(of: PathBytes.slash).map { $0 + 1 } ?? 0
        return PathBytes(bytes[..<end] + Array(".clip-\(String(UInt64.random(in: .min ... .max), radix: 36)).tmp".utf8))
    }

    /// The first bytes of the file there, fewer than `count` only where it ends.
    package func firstBytes(_ count: Int) throws(SystemError) -> [UInt8] {
        // A pipe that took the file's place would wait for its other end.
        let descriptor = try open(O_RDONLY | O_NONBLOCK)
        defer { close(descriptor) }
        return try readAll(from: descriptor, count: count)
    }

    /// The absolute path without links and dots that leads where this one does.
    package func resolved() throws(SystemError) -> PathBytes {
        guard !bytes.contains(0) else { throw SystemError(code: EINVAL) }
        guard let resolved = withCString(bytes, { realpath($0, nil) }) else { throw .last }
        defer { free(resolved) }
        return PathBytes(Array(UnsafeRawBufferPointer(start: resolved, count: strlen(resolved))))
    }

    /// Makes a call on the path, in steps through its folders where it is longer than one call takes.
    private func reach(
        _ call: (_ folder: Int32, _ name: UnsafePointer<CChar>) -> Int32
    ) throws(SystemError) -> Int32 {
        guard !bytes.contains(0) else { throw SystemError(code: EINVAL) }
        var folder = AT_FDCWD
        defer { if folder != AT_FDCWD { close(folder) } }
        var rest = bytes[...]
        // With the NUL at the end.
        while rest.count >= Int(PATH_MAX) {
            guard let end = rest.prefix(Int(PATH_MAX) - 1).lastIndex(of: PathBytes.slash), end > rest.startIndex else {
                throw SystemError(code: ENAMETOOLONG)
            }
            let step = Array(rest[..<end])
            let next = try uninterrupted {
                withCString(step) { openEntry(folder, $0, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0) }
            }
            if folder != AT_FDCWD { close(folder) }
            folder = next
            rest = rest[end...].drop { $0 == PathBytes.slash }
        }
        return try uninterrupted { withCString(Array(rest)) { call(folder, $0) } }
    }
}

/// Arithmetic on the names that files of models and of the hub have, which are text.
package enum Path {
    package static func join(_ folder: String, _ name: String) -> String {
        if folder.isEmpty { return name }
        return folder.utf8.last == PathBytes.slash ? folder + name : folder + "/" + name
    }

    /// The folder that holds `path`, "." for a bare name.
    package static func folder(of path: String) -> String { PathBytes(path).folder.text }

    package static func name(of path: String) -> String { String(decoding: PathBytes(path).name, as: UTF8.self) }

    /// True if `name` is a relative path that can't leave the folder it is joined to.
    package static func staysInside(_ name: String) -> Bool {
        guard !name.utf8.contains(0), !name.utf8.contains(UInt8(ascii: "\\")) else { return false }
        return name.utf8.split(separator: PathBytes.slash, omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty && !part.elementsEqual("..".utf8) && !part.elementsEqual(".".utf8)
        }
    }
}

/// Calls `body` with `path` as a C string.
package func withCString<Result>(_ path: [UInt8], _ body: (UnsafePointer<CChar>) -> Result) -> Result {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: path.count + 1) { buffer in
        for (index, byte) in path.enumerated() { buffer.initializeElement(at: index, to: CChar(bitPattern: byte)) }
        buffer.initializeElement(at: path.count, to: 0)
        return body(buffer.baseAddress!)
    }
}

// Calls that methods above shadow by name, on some systems at least.

private func openEntry(
    _ folder: Int32, _ name: UnsafePointer<CChar>, _ flags: Int32, _ permissions: mode_t
) -> Int32 {
    openat(folder, name, flags, permissions)
}

private func renameEntry(_ old: UnsafePointer<CChar>, _ new: UnsafePointer<CChar>) -> Int32 { rename(old, new) }

private func linkEntry(_ old: UnsafePointer<CChar>, _ new: UnsafePointer<CChar>) -> Int32 { link(old, new) }
