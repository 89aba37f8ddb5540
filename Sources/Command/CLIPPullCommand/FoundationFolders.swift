import CLIPSystem

/// Folders for a cache and for cookies that Foundation on Linux makes for every program with a session, though none is
/// kept: what was not there before goes again, while it is empty.
struct FoundationFolders {
    private let absent: [String]

    /// Notes what is not there, before there is a session.
    init() {
        #if os(Linux)
        absent = FoundationFolders.places.filter { access($0, F_OK) != 0 }
        #else
        absent = []
        #endif
    }

    /// Removes what came since, the innermost first.
    func removeEmpty() {
        for folder in absent.reversed() { rmdir(folder) }
    }

    private static var places: [String] {
        func place(_ name: String, _ folder: String) -> String? {
            if let own = environmentVariable(name), !own.isEmpty { return own }
            return environmentVariable("HOME").map { "\($0)/\(folder)" }
        }
        let cache = place("XDG_CACHE_HOME", ".cache").map {
            [$0, "\($0)/org.swift.foundation.URLCache", "\($0)/org.swift.foundation.URLCache/clip-pull"]
        }
        let cookies = place("XDG_DATA_HOME", ".local/share").map { [$0, "\($0)/clip"] }
        let parent = environmentVariable("HOME").map { ["\($0)/.local"] }
        return (cache ?? []) + (parent ?? []) + (cookies ?? [])
    }
}
