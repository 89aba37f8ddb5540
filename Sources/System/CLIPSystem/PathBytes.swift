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

    /// Whether this is `folder` or a path inside it, by their letters alone.
    package func isAtOrInside(_ folder: PathBytes) -> Bool {
        guard bytes.starts(with: folder.bytes) else { return false }
        return bytes.count == folder.bytes.count || folder.bytes.last == PathBytes.slash
            || bytes[folder.bytes.count] == PathBytes.slash
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

    /// A descriptor of what is there, however long the path is.
    /// - Parameter flags: of `open(2)`; nothing is made.
    package func open(_ flags: Int32 = O_RDONLY) throws(SystemError) -> Int32 {
        try reach { folder, name in openExisting(folder, name, flags | O_CLOEXEC) }
    }

    /// The first bytes of the file there, fewer than `count` only where it ends.
    package func firstBytes(_ count: Int) throws(SystemError) -> [UInt8] {
        // A pipe that took the file's place would wait for its other end.
        let descriptor = try open(O_RDONLY | O_NONBLOCK)
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while bytes.count < count {
            let part = try readPart(of: descriptor, atMost: count - bytes.count)
            if part.isEmpty { break }
            bytes += part
        }
        return bytes
    }

    /// The absolute path without links and dots that leads where this one does.
    package func resolved() throws(SystemError) -> PathBytes {
        guard !bytes.contains(0) else { throw SystemError(code: EINVAL) }
        guard let resolved = withCString(bytes, { realpath($0, nil) }) else { throw SystemError(code: errno) }
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
                withCString(step) { openExisting(folder, $0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
            }
            if folder != AT_FDCWD { close(folder) }
            folder = next
            rest = rest[end...].drop { $0 == PathBytes.slash }
        }
        return try uninterrupted { withCString(Array(rest)) { call(folder, $0) } }
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

/// `openat(2)`, which the method above shadows by name on some systems.
private func openExisting(_ folder: Int32, _ name: UnsafePointer<CChar>, _ flags: Int32) -> Int32 {
    openat(folder, name, flags)
}

/// The next bytes of a descriptor, at most `count`; empty at the end.
private func readPart(of descriptor: Int32, atMost count: Int) throws(SystemError) -> [UInt8] {
    var failure: SystemError?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { target, filled in
        do throws(SystemError) {
            filled = try uninterrupted { read(descriptor, target.baseAddress, count) }
        } catch {
            failure = error
        }
    }
    if let failure { throw failure }
    return bytes
}
