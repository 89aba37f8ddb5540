import Foundation

@testable import CLIPWeights

/// The files of Fixtures, and what they hold.
enum Fixtures {
    struct Expected: Decodable {
        let shape: [Int]
        let values: [Float]
    }

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

    static func path(_ name: String) -> String { folder.appending(path: name).path }

    static func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: folder.appending(path: name))) }

    static func expected(_ name: String) throws -> [String: Expected] {
        let all = try JSONDecoder().decode(
            [String: [String: Expected]].self, from: Data(contentsOf: folder.appending(path: "expected.json")))
        return all[name] ?? [:]
    }
}
