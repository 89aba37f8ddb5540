import Foundation

@testable import CLIP

/// The models and pictures of Fixtures, and what the reference makes of them.
enum Fixtures {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    static let modelNames = ["quickgelu-f32", "gelu-f16-sharded"]

    static func model(_ name: String) -> URL { folder.appending(path: "models").appending(path: name) }

    static func picture(_ name: String) -> URL { folder.appending(path: "pictures").appending(path: name) }

    static func golden(_ model: String) throws -> Golden {
        try JSONDecoder().decode(
            Golden.self, from: Data(contentsOf: Fixtures.model(model).appending(path: "golden.json")))
    }
}

/// golden.json, see Fixtures/README.md.
struct Golden: Decodable {
    struct Picture: Decodable {
        let picture: String
        let pixels_first_row: [Float]
        let pixels_mean: [Float]
        let embedding: [Float]
    }

    struct Text: Decodable {
        let text: String
        let tokens: [Int]
        let embedding: [Float]
    }

    let logit_scale: Float
    let pictures: [Picture]
    let texts: [Text]
}

/// A folder that is removed when its test ends.
final class ScratchFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "clip-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }

    subscript(name: String) -> URL { url.appending(path: name) }

    /// A copy of a fixture model that may be damaged.
    func copy(of model: String) throws -> URL {
        try FileManager.default.copyItem(at: Fixtures.model(model), to: self[model])
        return self[model]
    }

    func contents() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: url.path).sorted()
    }
}

/// The largest difference of two embeddings' coordinates, relative to the second's largest.
func relativeError(_ values: [Float], _ reference: [Float]) -> Float {
    guard values.count == reference.count else { return .infinity }
    let largest = reference.reduce(0) { max($0, abs($1)) }
    return zip(values, reference).reduce(0) { max($0, abs($1.0 - $1.1)) } / largest
}

/// Why `body` was refused, in one line; nil if it was not.
func refusal(_ body: () throws -> Void) -> String? {
    do {
        try body()
        return nil
    } catch {
        return "\(error)"
    }
}
