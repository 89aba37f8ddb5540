import CLIPSystem
import Weights

/// A program that comes with this one and does a part of its work.
struct HelperProgram {
    let path: String

    /// The program `name`, beside this one or in `../libexec/clip` as seen from there; nil if it is in neither place.
    init?(named name: String) {
        guard let own = programFolder() else { return nil }
        let places: [String] = ["\(own)/\(name)", "\(own)/../libexec/clip/\(name)"]
        guard let path = places.first(where: { access($0, X_OK) == 0 }) else { return nil }
        self.path = path
    }

    /// Runs it to its end.
    ///
    /// - Parameter line: takes each line that it writes on standard output.
    /// - Returns: its exit status; nil if a signal ended it.
    func run(_ arguments: [String], line: ([UInt8]) throws -> Void) throws -> Int32? {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemError(code: errno) }
        // The other end must not stay open in the child, or the pipe would never end.
        _ = fcntl(ends[0], F_SETFD, FD_CLOEXEC)
        let started = Result { () throws(SystemError) in try start(arguments, output: ends[1]) }
        close(ends[1])
        defer { close(ends[0]) }
        let child = try started.get()
        var rest: [UInt8] = []
        while true {
            let part = try readSome(from: ends[0], atMost: 1 << 16)
            if part.isEmpty { break }
            rest += part
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                try line(Array(rest[..<end]))
                rest.removeSubrange(...end)
            }
        }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 {
            guard errno == EINTR else { throw SystemError(code: errno) }
        }
        return status & 0x7F == 0 ? status >> 8 & 0xFF : nil
    }

    private func start(_ arguments: [String], output: Int32) throws(SystemError) -> pid_t {
        #if canImport(Darwin)
        var actions: posix_spawn_file_actions_t?
        #else
        var actions = posix_spawn_file_actions_t()
        #endif
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        if output != STDOUT_FILENO { posix_spawn_file_actions_addclose(&actions, output) }
        var words = ([path] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var child = pid_t()
        let code = posix_spawn(&child, path, &actions, nil, &words, environ)
        guard code == 0 else { throw SystemError(code: code) }
        return child
    }
}
