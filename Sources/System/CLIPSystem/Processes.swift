#if canImport(Darwin)
import MachO
#endif

/// The arguments of this process as the bytes that they are: Swift's own strings repair what is not UTF-8, and a
/// repaired name opens no file.
package enum ProcessArguments {
    /// All but the program's name.
    package static var all: [[UInt8]] {
        let (count, vector) = given
        guard let vector else { return [] }
        return (1..<max(1, Int(count))).compactMap { index in
            vector[index].map { Array(UnsafeRawBufferPointer(start: $0, count: strlen($0))) }
        }
    }

    /// How the program was called.
    static var program: String? { given.vector?[0].map { String(cString: $0) } }

    private static var given: (count: Int32, vector: Vector?) {
        #if canImport(Glibc) && !canImport(Darwin) && !canImport(Musl) && compiler(>=6.3)
        if let argumentVector { return (argumentCount, argumentVector) }
        #endif
        return (CommandLine.argc, CommandLine.unsafeArgv)
    }
}

private typealias Vector = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

#if canImport(Glibc) && !canImport(Darwin) && !canImport(Musl) && compiler(>=6.3)
// On Linux CommandLine reads /proc/self/cmdline, and has no arguments where /proc is not mounted. The C library hands main's
// own to every function of this section, before main.
nonisolated(unsafe) private var argumentCount: Int32 = 0
nonisolated(unsafe) private var argumentVector: Vector?

@section(".init_array") @used
private let rememberArguments: @convention(c) (Int32, Vector?, Vector?) -> Void = { count, vector, _ in
    argumentCount = count
    argumentVector = vector
}
#endif

/// The value of a variable of this process's environment.
package func environmentVariable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

/// The variables of this process's environment, for programs that it starts.
package var environmentVector: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>! {
    #if canImport(Darwin)
    _NSGetEnviron().pointee
    #else
    environ
    #endif
}

/// The folder of the running program, links resolved; nil when the system doesn't tell.
package func programFolder() -> String? {
    programPath().flatMap { path in path.lastIndex(of: "/").map { String(path[..<$0]) } }
}

/// The running program, links resolved; nil when the system doesn't tell.
package func programPath() -> String? {
    #if canImport(Darwin)
    var size: UInt32 = 0
    _NSGetExecutablePath(nil, &size)
    var name = [CChar](repeating: 0, count: Int(size) + 1)
    guard _NSGetExecutablePath(&name, &size) == 0, let resolved = realpath(name, nil) else { return nil }
    #else
    guard let resolved = realpath("/proc/self/exe", nil) ?? startedPath() else { return nil }
    #endif
    defer { free(resolved) }
    return String(cString: resolved)
}

#if !canImport(Darwin)
/// Where /proc is not mounted: the program as it was called, by its path or by its name in one of `PATH`'s folders.
private func startedPath() -> UnsafeMutablePointer<CChar>? {
    guard let name = ProcessArguments.program, !name.isEmpty else { return nil }
    guard !name.contains("/") else { return realpath(name, nil) }
    let folders = environmentVariable("PATH") ?? ""
    let places = folders.split(separator: ":").map { "\($0)/\(name)" }
    return places.first { access($0, X_OK) == 0 }.flatMap { realpath($0, nil) }
}
#endif

/// Standard input, output and error of a program that may be started without them.
package enum StandardDescriptors {
    /// Gives those that are closed to `/dev/null`: the next file that is opened would get their numbers, and with them
    /// whatever is written to standard error. Reading from such an input and writing to such an output fail as before. For
    /// a program to call before it opens anything.
    package static func fill() {
        for (descriptor, flags) in [(STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_WRONLY)] {
            guard fcntl(descriptor, F_GETFD) < 0, errno == EBADF else { continue }
            // The lowest number that is free: this one. A system without devices has a root folder at least.
            if open("/dev/null", flags) < 0 { _ = open("/", O_RDONLY) }
        }
    }
}
