package import Foundation

/// A folder that is removed when its test ends.
package final class TemporaryFolder: Sendable {
    /// Absolute, without links.
    package let path: String

    package init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "clip-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.resolvingSymlinksInPath().path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The full path of `name`.
    package subscript(name: String) -> String { path + "/" + name }

    /// Writes `data` to `name`, making the folders that it names.
    /// - Returns: the full path.
    @discardableResult
    package func write(_ data: Data, to name: String) throws -> String {
        try makeFolder(ofFile: name)
        try data.write(to: URL(filePath: self[name]))
        return self[name]
    }

    @discardableResult
    package func write(_ bytes: [UInt8], to name: String) throws -> String { try write(Data(bytes), to: name) }

    @discardableResult
    package func write(_ text: String, to name: String) throws -> String { try write(Data(text.utf8), to: name) }

    /// Copies a file or a folder that stands elsewhere.
    @discardableResult
    package func copy(_ source: URL, to name: String) throws -> String {
        try makeFolder(ofFile: name)
        if FileManager.default.fileExists(atPath: self[name]) { try remove(name) }
        try FileManager.default.copyItem(at: source, to: URL(filePath: self[name]))
        return self[name]
    }

    /// Makes the folder that a file is to stand in.
    private func makeFolder(ofFile name: String) throws {
        // NSString's own way to the folder of a name traps for a name of one letter.
        try makeFolder(name.split(separator: "/").dropLast().joined(separator: "/"))
    }

    package func makeFolder(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: self[name], withIntermediateDirectories: true)
    }

    package func link(_ name: String, to destination: String) throws {
        try makeFolder(ofFile: name)
        try FileManager.default.createSymbolicLink(atPath: self[name], withDestinationPath: destination)
    }

    package func move(_ name: String, to other: String) throws {
        try FileManager.default.moveItem(atPath: self[name], toPath: self[other])
    }

    package func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: self[name]) }

    package func data(_ name: String) throws -> Data { try Data(contentsOf: URL(filePath: self[name])) }

    package func bytes(_ name: String) throws -> [UInt8] { Array(try data(name)) }

    package func text(_ name: String) throws -> String { String(decoding: try data(name), as: UTF8.self) }

    /// The names inside, hidden ones too.
    package func contents() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }

    /// Every file and link below, a link with where it points.
    package func tree() throws -> [String] {
        let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        return try names.sorted().compactMap { name in
            let kind = try FileManager.default.attributesOfItem(atPath: self[name])[.type] as? FileAttributeType
            if kind == .typeDirectory { return nil }
            guard kind == .typeSymbolicLink else { return name }
            return "\(name) -> \(try FileManager.default.destinationOfSymbolicLink(atPath: self[name]))"
        }
    }
}
