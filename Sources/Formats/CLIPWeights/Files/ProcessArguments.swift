#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
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
        #if canImport(Glibc) && compiler(>=6.3)
        if let argumentVector { return (argumentCount, argumentVector) }
        #endif
        return (CommandLine.argc, CommandLine.unsafeArgv)
    }
}

private typealias Vector = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

#if canImport(Glibc) && compiler(>=6.3)
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
