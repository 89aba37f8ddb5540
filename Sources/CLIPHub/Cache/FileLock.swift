internal import CLIPWeights
internal import CLIPSystem

/// An exclusive lock on a file (`flock`, as Python's filelock takes it): one process at a time fetches a blob.
final class FileLock: Sendable {
    private let file: OpenFile

    /// Takes the lock at `path`, waiting for whoever has it.
    ///
    /// - Parameter waiting: told once that it is taken.
    /// - Returns: nil if the file system has no locks.
    init?(path: String, clock: any PullClock, waiting: () -> Void) async throws(CLIPError) {
        var isFirst = true
        while true {
            let file = try openOwnFile(path)
            guard let isLocked = try? file.lock() else { return nil }
            if isLocked {
                // Other programs remove a lock's file when they are done: whoever waited has then locked a file without a name.
                guard file.isAtPath else { continue }
                self.file = file
                return
            }
            if isFirst { waiting() }
            isFirst = false
            guard await clock.sleep(0.1) else { throw CLIPError(.cancelled, path: path, "was cancelled") }
        }
    }
}

/// Opens or makes a file of the cache whose name can be foretold, to read and write it.
///
/// - Throws: when a link stands there, or a file that has another name elsewhere: writing would change what it leads to.
func openOwnFile(_ path: String) throws(CLIPError) -> OpenFile {
    func foreign(_ found: String) -> CLIPError {
        CLIPError(.storage, path: path, "is \(found), which this program doesn't put there: remove it")
    }
    let file: OpenFile
    do throws(CLIPError) {
        file = try OpenFile(PathBytes(path), O_RDWR | O_CREAT | O_NOFOLLOW, kind: .storage)
    } catch {
        throw error.systemCode == ELOOP ? foreign("a link") : error
    }
    guard try file.status().linkCount <= 1 else { throw foreign("a file that has other names too") }
    return file
}
