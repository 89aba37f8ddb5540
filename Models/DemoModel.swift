#if canImport(Darwin)
import Darwin
import Foundation
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The embedded default model: a small CLIP, trained for this project.
///
/// Apps on Apple's systems have it in a resource bundle. On Linux its file is found without one: a bundle's accessor loads
/// all of Foundation into every program, which costs more time than embedding a picture.
package enum DemoModel {
    /// The name of its weights file.
    package static let fileName = "clip-small.clip"

    /// Where the weights file lies; nil when it is nowhere. Looked for beside the program, in `../share/clip` as seen from
    /// there, and in the package's own folder, where it was built from.
    package static var path: String? {
        let found = places(beside: executableFolder).first { access($0, R_OK) == 0 }
        #if canImport(Darwin)
        return found ?? Bundle.module.url(forResource: "clip-small", withExtension: "clip")?.path
        #else
        return found
        #endif
    }

    static func places(beside folder: String?) -> [String] {
        let beside = ["", "clip_DemoModel.resources/", "clip_DemoModel.bundle/", "../share/clip/"]
        return (folder.map { folder in beside.map { "\(folder)/\($0)\(fileName)" } } ?? []) + [sourceFolder + fileName]
    }

    /// The folder of this source file, with a slash.
    private static let sourceFolder = String(#filePath.dropLast("DemoModel.swift".count))

    /// The folder of the running program, links resolved.
    private static var executableFolder: String? {
        #if canImport(Darwin)
        var size: UInt32 = 0
        _NSGetExecutablePath(nil, &size)
        var name = [CChar](repeating: 0, count: Int(size) + 1)
        guard _NSGetExecutablePath(&name, &size) == 0, let resolved = realpath(name, nil) else { return nil }
        #else
        guard let resolved = realpath("/proc/self/exe", nil) else { return nil }
        #endif
        defer { free(resolved) }
        let path = String(cString: resolved)
        return path.lastIndex(of: "/").map { String(path[..<$0]) }
    }
}
