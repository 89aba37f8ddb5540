/// A call of the operating system that failed.
package struct SystemError: Error, Hashable, Sendable {
    package let code: Int32

    package init(code: Int32) { self.code = code }

    /// The call that failed last on this thread.
    package static var last: SystemError { SystemError(code: errno) }

    /// The operating system's words for it.
    package var message: String { String(cString: strerror(code)) }

    /// Whether it says that nothing is there. Every other error leaves that open.
    package var isAbsence: Bool { code == ENOENT || code == ENOTDIR }
}

/// The result of a call that answers −1 when it failed, made again as long as a signal is what stopped it.
/// - Throws: the call's error; that of an interruption too when it never ends.
package func uninterrupted<Value: FixedWidthInteger>(_ call: () -> Value) throws(SystemError) -> Value {
    for _ in 0..<1000 {
        let value = call()
        if value != -1 { return value }
        if errno != EINTR { break }
    }
    throw .last
}
