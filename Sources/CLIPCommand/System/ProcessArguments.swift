/// The arguments of this process as the bytes that they are: Swift's own strings repair what is not UTF-8, and a
/// repaired name opens no file.
enum ProcessArguments {
    /// All but the program's name.
    static var all: [[UInt8]] {
        (1..<max(1, Int(CommandLine.argc))).compactMap { index in
            CommandLine.unsafeArgv[index].map { pointer in
                var length = 0
                while pointer[length] != 0 { length += 1 }
                return (0..<length).map { UInt8(bitPattern: pointer[$0]) }
            }
        }
    }
}
