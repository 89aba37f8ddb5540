/// What the file system says of a file.
package struct FileStatus: Hashable, Sendable {
    package enum Kind: Sendable {
        case file, folder, link, other
    }

    /// Two paths with the same identity lead to one and the same file.
    package struct Identity: Hashable, Sendable {
        package let device: UInt64
        package let inode: UInt64

        package init(device: UInt64, inode: UInt64) {
            self.device = device
            self.inode = inode
        }
    }

    package let kind: Kind
    package let identity: Identity
    package let byteCount: Int
    /// Who may read, write and run it.
    package let permissions: mode_t
    /// How many names it has.
    package let linkCount: Int
    /// Nanoseconds since 1970; 0 for a time that they can't say.
    package let modified: Int64
    /// When anything about the file last changed, its name included; as `modified`.
    package let changed: Int64

    package init(_ status: stat) {
        switch status.st_mode & S_IFMT {
        case S_IFREG: kind = .file
        case S_IFDIR: kind = .folder
        case S_IFLNK: kind = .link
        default: kind = .other
        }
        identity = Identity(
            device: UInt64(truncatingIfNeeded: status.st_dev), inode: UInt64(truncatingIfNeeded: status.st_ino))
        byteCount = Int(status.st_size)
        permissions = status.st_mode & 0o7777
        linkCount = Int(status.st_nlink)
        #if canImport(Darwin)
        (modified, changed) = (nanoseconds(status.st_mtimespec), nanoseconds(status.st_ctimespec))
        #else
        (modified, changed) = (nanoseconds(status.st_mtim), nanoseconds(status.st_ctim))
        #endif
    }

    /// Of what an open descriptor is of.
    package init(_ descriptor: Int32) throws(SystemError) {
        var status = stat()
        _ = try uninterrupted { fstat(descriptor, &status) }
        self.init(status)
    }
}

private func nanoseconds(_ time: timespec) -> Int64 {
    let (seconds, overflow) = Int64(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? 0 : seconds &+ Int64(time.tv_nsec)
}
