import CLIPSystem
import CLIPTestSupport
import Foundation

@testable import CLIP
@testable import CLIPWeights

/// A fixture model whose tensors and configuration are changed before it is written again, as one safetensors file.
struct EditedModel {
    struct Tensor {
        var type: ElementType
        var shape: [Int]
        var bytes: [UInt8]
    }

    var tensors: [String: Tensor] = [:]
    let folder: URL

    /// A copy of the fixture in `scratch`.
    init(_ name: String, in scratch: ScratchFolder) throws {
        folder = try scratch.copy(of: name)
        let checkpoint = try Checkpoint(folder: PathBytes(folder.path))
        for name in checkpoint.names {
            guard let tensor = try checkpoint.tensor(name) else { continue }
            tensors[name] = Tensor(type: tensor.type, shape: tensor.shape, bytes: tensor.withBytes(Array.init))
        }
        for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        where file.lastPathComponent.contains("safetensors") {
            try FileManager.default.removeItem(at: file)
        }
    }

    /// Writes the tensors and loads the model.
    func load() throws -> CLIPModel {
        let names = tensors.keys.sorted()
        let writer = try SafetensorsWriter(
            PathBytes(folder.appending(path: "model.safetensors").path), metadata: ["format": "pt"],
            tensors: names.compactMap { name in
                tensors[name].map { TensorDeclaration(name: name, type: $0.type, shape: $0.shape) }
            })
        for name in names { try writer.write(name, tensors[name]?.bytes ?? []) }
        try writer.finish()
        return try CLIPModel(contentsOf: folder)
    }

    /// Replaces text in config.json.
    func replaceInConfig(_ text: String, with other: String) throws {
        let url = folder.appending(path: "config.json")
        let config = try String(contentsOf: url, encoding: .utf8)
        precondition(config.contains(text))
        try config.replacing(text, with: other).write(to: url, atomically: true, encoding: .utf8)
    }

    /// The numbers of an f32 tensor.
    func floats(_ name: String) -> [Float] {
        (tensors[name]?.bytes ?? []).withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    }

    /// Replaces a tensor by f32 numbers of the same shape, or of another.
    mutating func set(_ name: String, _ numbers: [Float], shape: [Int]? = nil) {
        tensors[name] = Tensor(
            type: .f32, shape: shape ?? tensors[name]?.shape ?? [numbers.count],
            bytes: numbers.withUnsafeBytes(Array.init))
    }

    /// Renames tensors; nil drops one.
    mutating func rename(_ change: (String) -> String?) {
        var renamed: [String: Tensor] = [:]
        for (name, tensor) in tensors { if let other = change(name) { renamed[other] = tensor } }
        tensors = renamed
    }
}
