/// A program that comes with this one and does a part of its work.
package struct HelperProgram {
    let path: String

    /// The program `name`, beside this one or in `../libexec/clip` as seen from there; nil if it is in neither place.
    package init?(named name: String) {
        guard let own = programFolder() else { return nil }
        let places: [String] = ["\(own)/\(name)", "\(own)/../libexec/clip/\(name)"]
        guard let path = places.first(where: { access($0, X_OK) == 0 }) else { return nil }
        self.path = path
    }

    /// How it ended.
    package enum End: Equatable, Sendable {
        case status(Int32), signal(Int32)
        /// It never began: the system can't load it, and has said why on standard error.
        case notLoaded
    }

    /// The signals by which a program ends that has come upon what it can't go on with.
    package static let crashes: Set<Int32> = [SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGBUS, SIGSEGV]

    /// Runs it to its end. It is told by its standard input, which ends, when this program is gone.
    ///
    /// - Parameter line: takes each line that it writes on standard output.
    package func run(_ arguments: [String], line: ([UInt8]) throws -> Void) throws -> End {
        let output = try Pipe()
        let life = try Pipe()
        let child = try start(arguments, input: life.reading, output: output.writing)
        output.closeWriting()
        life.closeReading()
        // What throws here ends the child too.
        defer { withExtendedLifetime(life) {} }
        var rest: [UInt8] = []
        while true {
            let part = try readSome(from: output.reading, atMost: 1 << 16)
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
        if status & 0x7F != 0 { return .signal(status & 0x7F) }
        // What a program loader answers when libraries are missing.
        return status >> 8 & 0xFF == 127 ? .notLoaded : .status(status >> 8 & 0xFF)
    }

    private func start(_ arguments: [String], input: Int32, output: Int32) throws(SystemError) -> pid_t {
        #if canImport(Darwin)
        var actions: posix_spawn_file_actions_t?
        #else
        var actions = posix_spawn_file_actions_t()
        #endif
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // The copies stay open in the child, the pipes themselves don't.
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        var words = ([path] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var child = pid_t()
        // Should it crash, its end is told in a line.
        setenv("SWIFT_BACKTRACE", "enable=no", 0)
        let code = posix_spawn(&child, path, &actions, nil, &words, environmentVector)
        guard code == 0 else { throw SystemError(code: code) }
        return child
    }
}

/// A pipe that other programs don't inherit.
private final class Pipe {
    private(set) var reading: Int32
    private(set) var writing: Int32

    init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemError(code: errno) }
        (reading, writing) = (ends[0], ends[1])
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    }

    deinit {
        closeReading()
        closeWriting()
    }

    func closeReading() {
        if reading >= 0 { close(reading) }
        reading = -1
    }

    func closeWriting() {
        if writing >= 0 { close(writing) }
        writing = -1
    }
}
