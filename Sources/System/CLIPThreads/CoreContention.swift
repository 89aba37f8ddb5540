internal import CLIPSystem

/// Whether other threads want the core that this thread runs on.
struct CoreContention {
    private var preemptions = 0
    private var remaining = 0

    /// - Returns: true for a while after the system has taken the core from this thread. Systems that don't tell count as
    ///   quiet.
    mutating func isLikely() -> Bool {
        let current = preemptionsOfThread()
        if current != preemptions {
            preemptions = current
            remaining = CoreContention.memory
        }
        guard remaining > 0 else { return false }
        remaining -= 1
        return true
    }

    /// Calls until a core counts as quiet again: some milliseconds of an encoder's regions, as long as others keep a core.
    private static let memory = 30
}
