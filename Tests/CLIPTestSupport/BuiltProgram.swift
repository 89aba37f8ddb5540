internal import Foundation

/// The programs of this package, as tests start them.
package enum BuiltProgram {
    /// The program `name`: in the folder that the variable CLIP_TEST_PROGRAMS names, else where the build put it, beside the
    /// tests.
    package static func path(_ name: String) -> String {
        if let folder = ProcessInfo.processInfo.environment["CLIP_TEST_PROGRAMS"] {
            let path = URL(filePath: folder).appending(path: name).path
            guard isProgram(path) else { fatalError("CLIP_TEST_PROGRAMS: no program \(path)") }
            return path
        }
        for place in places {
            var folder = URL(filePath: place)
            for _ in 0..<4 {
                let candidate = folder.appending(path: name).path
                if isProgram(candidate) { return candidate }
                folder.deleteLastPathComponent()
            }
        }
        fatalError("\(name) is not beside the tests: build it first, or set CLIP_TEST_PROGRAMS to its folder")
    }

    /// What lies in the folder of the tests, or in one inside it.
    private static var places: [String] {
        let own = [Bundle.main.bundlePath] + CommandLine.arguments.prefix(1)
        #if canImport(Darwin)
        // There the tests are a bundle that another program loads.
        return own + Bundle.allBundles.map(\.bundlePath)
        #else
        return own
        #endif
    }

    private static func isProgram(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.isExecutableFile(atPath: path)
            && FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
    }
}
