import CLIPSystem

/// A folder that appears complete or not at all.
///
/// Its files go to a temporary folder beside the target. `commit` renames that to the target, which must not be there, or
/// be an empty folder. Without a commit (an error, a full disk, the object dropped) the temporary folder is removed.
package final class AtomicFolder {
    /// The path as given, for messages.
    package let path: String
    private let target: String
    private let temporaryPath: String
    private var registered: [String] = []
    private var isCommitted = false

    /// Starts a folder that will stand at `path`.
    ///
    /// - Throws: if something is there that isn't an empty folder, or the folder around it may not be written.
    package init(path: String) throws(WeightsError) {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw WeightsError(path: path.isEmpty ? "\"\"" : path, problem: "is not a path to write to")
        }
        self.path = path
        var mode: mode_t?
        switch try FileKind(at: path) {
        case .missing: target = AtomicFolder.droppingSlashes(path)
        case .folder:
            guard try AtomicFolder.isEmpty(path) else {
                throw WeightsError(path: path, problem: "is a folder with something in it, expected an empty one")
            }
            // A link to an empty folder stays: what it leads to is replaced.
            target = AtomicFolder.resolvingLinks(path)
            var status = stat()
            if stat(target, &status) == 0 { mode = status.st_mode & 0o7777 }
        case .file, .other:
            throw WeightsError(path: path, problem: "is no folder, expected one that is empty or none")
        }
        let suffix = String(UInt64.random(in: .min ... .max), radix: 36)
        temporaryPath = Path.join(Path.folder(of: target), ".clip-\(suffix).tmp")
        guard mkdir(temporaryPath, 0o777) == 0 else {
            throw WeightsError(
                path: path, problem: "can't be made: \(systemMessage()) (folder \(Path.folder(of: target)))")
        }
        if let mode { _ = chmod(temporaryPath, mode) }
        register(temporaryPath)
    }

    deinit {
        if !isCommitted {
            for name in (try? Path.contents(of: temporaryPath)) ?? [] { unlink(Path.join(temporaryPath, name)) }
            rmdir(temporaryPath)
        }
        for path in registered { TemporaryFiles.remove(path) }
    }

    /// Where the file `name` of the folder is to be written, now.
    package func temporaryPath(of name: String) -> String {
        let path = Path.join(temporaryPath, name)
        register(path)
        return path
    }

    /// `error` about a file that is being written, with the path that the file would have had.
    package func renaming(_ error: WeightsError) -> WeightsError {
        guard error.path.hasPrefix(temporaryPath + "/") else { return error }
        return WeightsError(
            path: Path.join(path, String(error.path.dropFirst(temporaryPath.count + 1))), problem: error.problem)
    }

    /// Makes the folder appear at `path`. All its files must have been synced.
    package func commit() throws(WeightsError) {
        guard !isCommitted else { throw WeightsError(path: path, problem: "is already written") }
        try sync(temporaryPath)
        guard rename(temporaryPath, target) == 0 else {
            throw WeightsError(path: path, problem: "can't be written: \(systemMessage()): nothing was written there")
        }
        isCommitted = true
        try sync(Path.folder(of: target))
    }

    private func register(_ path: String) {
        registered.append(path)
        TemporaryFiles.add(path)
    }

    /// Some file systems can't sync a folder: they say EINVAL.
    private func sync(_ folder: String) throws(WeightsError) {
        let descriptor = open(folder, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        if fsync(descriptor) != 0 && errno != EINVAL && errno != ENOTSUP {
            throw WeightsError(path: path, problem: "can't be synced: \(systemMessage())")
        }
    }

    private static func isEmpty(_ folder: String) throws(WeightsError) -> Bool {
        guard let stream = opendir(folder) else {
            throw WeightsError(path: folder, problem: "can't be looked into: \(systemMessage())")
        }
        defer { closedir(stream) }
        // "." and "..", and anything else.
        var count = 0
        errno = 0
        while count < 3, readdir(stream) != nil { count += 1 }
        guard errno == 0 else { throw WeightsError(path: folder, problem: "can't be looked into: \(systemMessage())") }
        return count < 3
    }

    private static func droppingSlashes(_ path: String) -> String {
        var path = path[...]
        while path.utf8.count > 1, path.utf8.last == UInt8(ascii: "/") { path = path.dropLast() }
        return String(path)
    }

    private static func resolvingLinks(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
