import CLIPTestSupport
import Foundation

@testable import CLIP

/// The models and pictures, and what the reference makes of them.
extension Fixtures {
    static let folder = folder(of: "CLIPTests")
    static let modelNames = ["quickgelu-f32", "gelu-f16-sharded"]

    static func model(_ name: String) -> URL { modelFolder(name) }

    static func picture(_ name: String) -> URL { pictureFile(name) }

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

/// A folder that is removed when its test ends, by URLs.
struct ScratchFolder {
    let folder: TemporaryFolder
    var url: URL { URL(filePath: folder.path) }

    init() throws { folder = try TemporaryFolder() }

    subscript(name: String) -> URL { url.appending(path: name) }

    /// A copy of a fixture model that may be damaged.
    func copy(of model: String) throws -> URL { URL(filePath: try folder.copy(Fixtures.model(model), to: model)) }

    func contents() throws -> [String] { try folder.contents() }
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
