import Foundation

/// A folder that is removed when its test ends.
final class TemporaryFolder {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "command-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The full path of `name`.
    subscript(name: String) -> String { path + "/" + name }

    /// Writes `data` to `name`, making the folders that it names.
    @discardableResult
    func write(_ data: Data, to name: String) throws -> String {
        let url = URL(filePath: self[name])
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: url)
        return url.path
    }

    @discardableResult
    func write(_ text: String, to name: String) throws -> String { try write(Data(text.utf8), to: name) }

    /// Copies a fixture picture.
    @discardableResult
    func copyPicture(_ picture: String, to name: String) throws -> String {
        try write(Data(contentsOf: URL(filePath: Fixtures.pictures + "/" + picture)), to: name)
    }

    func makeFolder(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: self[name], withIntermediateDirectories: true)
    }

    func data(_ name: String) throws -> Data { try Data(contentsOf: URL(filePath: self[name])) }

    func text(_ name: String) throws -> String { String(decoding: try data(name), as: UTF8.self) }

    /// The names inside, hidden ones too.
    func contents() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
}
