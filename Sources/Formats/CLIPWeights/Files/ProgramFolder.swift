#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The folder of the running program, links resolved; nil when the system doesn't tell.
package func programFolder() -> String? {
    #if canImport(Darwin)
    var size: UInt32 = 0
    _NSGetExecutablePath(nil, &size)
    var name = [CChar](repeating: 0, count: Int(size) + 1)
    guard _NSGetExecutablePath(&name, &size) == 0, let resolved = realpath(name, nil) else { return nil }
    #else
    guard let resolved = realpath("/proc/self/exe", nil) ?? startedPath() else { return nil }
    #endif
    defer { free(resolved) }
    let path = String(cString: resolved)
    return path.lastIndex(of: "/").map { String(path[..<$0]) }
}

#if !canImport(Darwin)
/// Where /proc is not mounted: the program as it was called, by its path or by its name in one of `PATH`'s folders.
private func startedPath() -> UnsafeMutablePointer<CChar>? {
    guard let name = ProcessArguments.program, !name.isEmpty else { return nil }
    guard !name.contains("/") else { return realpath(name, nil) }
    let folders = getenv("PATH").map { String(cString: $0) } ?? ""
    let places = folders.split(separator: ":").map { "\($0)/\(name)" }
    return places.first { access($0, X_OK) == 0 }.flatMap { realpath($0, nil) }
}
#endif
