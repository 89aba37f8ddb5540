#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif
import CLIP

/// Finds the pictures in folders, and what can't be looked into.
///
/// Hidden entries are left out, and links to folders are not followed, so that a scan always ends.
struct FolderScan {
    /// A picture file, by its absolute path.
    struct Found {
        let path: [UInt8]
        let identity: FileIdentity
    }

    /// Folders that can't be read, and why. What an index has inside them is kept.
    private(set) var unreadableFolders: [(path: [UInt8], message: String)] = []

    /// Calls `body` for every picture at or below the absolute path `root`, in the bytewise order of paths.
    mutating func run(_ root: [UInt8], _ body: (Found) throws -> Void) rethrows {
        var stack: [(path: [UInt8], status: stat)] = []
        if let status = status(of: root, followsLinks: true) { stack.append((root, status)) }
        while let (path, status) = stack.popLast() {
            if status.st_mode & S_IFMT == S_IFDIR {
                stack += contents(of: path).reversed()
            } else {
                try body(Found(path: path, identity: FileIdentity(status)))
            }
        }
    }

    private mutating func contents(of folder: [UInt8]) -> [(path: [UInt8], status: stat)] {
        guard let stream = withCString(folder, { opendir($0) }) else {
            unreadableFolders.append((folder, systemMessage()))
            return []
        }
        defer { closedir(stream) }
        var entries: [(key: [UInt8], path: [UInt8], status: stat)] = []
        let prefix = folder.last == UInt8(ascii: "/") ? folder : folder + [UInt8(ascii: "/")]
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            guard name.first != UInt8(ascii: ".") else { continue }
            let path = prefix + name
            guard let status = status(of: path, followsLinks: false) else { continue }
            switch status.st_mode & S_IFMT {
            // A folder's contents sort as their paths do: by the name and a slash.
            case S_IFDIR: entries.append((name + [UInt8(ascii: "/")], path, status))
            case S_IFREG where isPictureName(name): entries.append((name, path, status))
            case S_IFLNK where isPictureName(name):
                if let target = self.status(of: path, followsLinks: true), target.st_mode & S_IFMT == S_IFREG {
                    entries.append((name, path, target))
                }
            default: break
            }
        }
        return entries.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { ($0.path, $0.status) }
    }

    /// Whether nothing stands at `path`. What can't be looked at may be there.
    static func isMissing(_ path: [UInt8]) -> Bool {
        var status = stat()
        return withCString(path) { stat($0, &status) } != 0 && (errno == ENOENT || errno == ENOTDIR)
    }

    private func isPictureName(_ name: [UInt8]) -> Bool {
        Image.isPictureName(String(decoding: name, as: UTF8.self))
    }

    private func status(of path: [UInt8], followsLinks: Bool) -> stat? {
        var status = stat()
        return withCString(path) { followsLinks ? stat($0, &status) : lstat($0, &status) } == 0 ? status : nil
    }
}

extension FileIdentity {
    init(_ status: stat) {
        #if canImport(Darwin)
        let time = status.st_mtimespec
        #else
        let time = status.st_mtim
        #endif
        let (seconds, overflow) = Int64(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
        self.init(byteCount: Int(status.st_size), modified: overflow ? 0 : seconds &+ Int64(time.tv_nsec))
    }
}

/// Calls `body` with `path` as a C string.
func withCString<Result>(_ path: [UInt8], _ body: (UnsafePointer<CChar>) -> Result) -> Result {
    path.map { CChar(bitPattern: $0) }.withUnsafeBufferPointer { path in
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: path.count + 1) { buffer in
            _ = buffer.initialize(from: path)
            buffer[path.count] = 0
            return body(buffer.baseAddress!)
        }
    }
}

/// The absolute path without links and dots that leads where `path` does; nil when nothing is there.
func resolvedPath(_ path: [UInt8]) -> [UInt8]? {
    guard !path.contains(0), let resolved = withCString(path, { realpath($0, nil) }) else { return nil }
    defer { free(resolved) }
    return Array(UnsafeRawBufferPointer(start: resolved, count: strlen(resolved)))
}
