import CLIPTestSupport
import Foundation

@testable import CLIPWeights

extension Fixtures {
    struct Expected: Decodable {
        let shape: [Int]
        let values: [Float]
    }

    static let folder = folder(of: "CLIPWeightsTests")

    static func path(_ name: String) -> String { folder.appending(path: name).path }

    static func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: folder.appending(path: name))) }

    static func expected(_ name: String) throws -> [String: Expected] {
        let all = try JSONDecoder().decode(
            [String: [String: Expected]].self, from: Data(contentsOf: folder.appending(path: "expected.json")))
        return all[name] ?? [:]
    }
}

/// A safetensors file put together by hand: the length of `header`, `header`, then `data`.
func safetensors(_ header: String, data: [UInt8] = []) -> [UInt8] {
    withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian, Array.init) + Array(header.utf8) + data
}
