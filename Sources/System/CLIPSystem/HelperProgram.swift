import Synchronization

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

    /// The program at `path`.
    package init(path: String) { self.path = path }

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
        return try End(of: child)
    }

    /// Begins it with an open file for its standard input, to be asked for its answer.
    package func begin(_ arguments: [String], input: Int32) throws(SystemError) -> RunningHelper {
        // Neither end of the pipe may be inherited by a program that another thread starts at this moment.
        try HelperProgram.starting.withLock { _ throws(SystemError) in
            let output = try Pipe()
            let child = try start(arguments, input: input, output: output.writing)
            output.closeWriting()
            return RunningHelper(child, output)
        }
    }

    private static let starting = Mutex(())

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
        // Should it crash, its end is told in a line; and many threads take no more address space than a few. Of a variable
        // that is given twice the first counts.
        var variables: [UnsafeMutablePointer<CChar>?] = []
        if var given = environmentVector {
            while let variable = given.pointee {
                variables.append(strdup(variable))
                given += 1
            }
        }
        variables += [strdup("SWIFT_BACKTRACE=enable=no"), strdup("MALLOC_ARENA_MAX=2"), nil]
        defer { for variable in variables { free(variable) } }
        let code = posix_spawn(&child, path, &actions, nil, &words, &variables)
        guard code == 0 else { throw SystemError(code: code) }
        return child
    }
}

extension HelperProgram.End {
    /// Waits for the end of a process of this one.
    fileprivate init(of child: pid_t) throws(SystemError) {
        var status: Int32 = 0
        _ = try uninterrupted { waitpid(child, &status, 0) }
        if status & 0x7F != 0 {
            self = .signal(status & 0x7F)
        } else {
            // What a program loader answers when libraries are missing.
            self = status >> 8 & 0xFF == 127 ? .notLoaded : .status(status >> 8 & 0xFF)
        }
    }
}

/// A program at work that answers on its standard output. It is ended when nobody holds this any more.
package final class RunningHelper {
    private let child: pid_t
    private let output: Pipe
    private var hasEnded = false

    fileprivate init(_ child: pid_t, _ output: Pipe) {
        self.child = child
        self.output = output
    }

    deinit {
        guard !hasEnded else { return }
        kill(child, SIGKILL)
        _ = try? HelperProgram.End(of: child)
    }

    /// The next bytes of its answer.
    /// - Parameters:
    ///   - buffer: is filled, unless the answer ends or the time is over.
    ///   - deadline: by `monotonicSeconds`.
    ///   - checkWanted: asked some times a second whether to wait on.
    /// - Returns: how many bytes there were; nil when the time was over.
    package func receive<Failure>(
        into buffer: UnsafeMutableRawBufferPointer, until deadline: Double, checkWanted: () throws(Failure) -> Void
    ) throws(Failure) -> Int? {
        var filled = 0
        while filled < buffer.count {
            try checkWanted()
            var event = pollfd(fd: output.reading, events: Int16(POLLIN), revents: 0)
            if poll(&event, 1, 100) <= 0 {
                if monotonicSeconds() > deadline { return nil }
                continue
            }
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
            guard let count = try? uninterrupted({ read(output.reading, rest.baseAddress, rest.count) }) else {
                return filled
            }
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    /// Waits for its end.
    package func end() throws(SystemError) -> HelperProgram.End {
        hasEnded = true
        return try HelperProgram.End(of: child)
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
