import Synchronization

/// What becomes of pictures that the system may decode and nothing here does: HEIC, AVIF, JPEG XL.
package enum SystemDecoding: Sendable, Equatable {
    /// They are refused by name.
    case never
    /// The system's decoders do it, in this process.
    case here
    #if !canImport(ImageIO)
    /// A program is run for each, which answers by `ConfinedDecoding.answer`.
    case apart(program: String, arguments: [String])
    #endif

    /// What holds where nobody says otherwise.
    package static var usual: SystemDecoding {
        get { current.withLock { $0 } }
        set { current.withLock { $0 = newValue } }
    }

    #if canImport(ImageIO)
    /// Part of the system, and what every app there decodes pictures by.
    private static let current = Mutex(SystemDecoding.here)
    #else
    private static let current = Mutex(SystemDecoding.never)
    #endif
}
