import CLIPSystem
import Foundation
import CLIPJSON
import CLIPCompute
import Testing
import CLIPWeights

@testable import CLIP

/// One of the tiny models with random weights, its shape written out.
struct SeededModel: Sendable, CustomTestStringConvertible {
    let name: String
    let configuration: ModelConfiguration
    var testDescription: String { name }

    static let all = [
        SeededModel(
            name: "quickgelu-f32",
            configuration: ModelConfiguration(
                vision: VisionConfiguration(
                    transformer: TransformerConfiguration(
                        width: 32, intermediateWidth: 40, layerCount: 3, headCount: 2),
                    imageSize: 32, patchSize: 8),
                text: TextConfiguration(
                    transformer: TransformerConfiguration(
                        width: 16, intermediateWidth: 40, layerCount: 2, headCount: 2),
                    vocabularySize: 814, contextLength: 24, pooling: .firstToken(813)),
                embeddingDimension: 20)),
        SeededModel(
            name: "gelu-f16-sharded",
            configuration: ModelConfiguration(
                vision: VisionConfiguration(
                    transformer: TransformerConfiguration(
                        width: 48, intermediateWidth: 88, layerCount: 2, headCount: 1, activation: .gelu,
                        layerNormEpsilon: 1e-3),
                    imageSize: 56, patchSize: 14),
                text: TextConfiguration(
                    transformer: TransformerConfiguration(
                        width: 24, intermediateWidth: 60, layerCount: 2, headCount: 2, activation: .gelu),
                    vocabularySize: 814, contextLength: 40, pooling: .largestToken),
                embeddingDimension: 40)),
    ]

    func weights() throws -> CheckpointTensors {
        CheckpointTensors(
            checkpoint: try Checkpoint(folder: PathBytes(fixture("models/\(name)").path)),
            elementType: name.contains("f16") ? .float16 : .float32)
    }

    /// The pixels that Scripts/fixtures/make_encoder_golden.py computes, `[3, side, side]`.
    func pixels(picture: Int) -> [Float] {
        let side = configuration.vision.imageSize
        return (0..<3 * side * side).map { Float(($0 * 7919 + picture * 104729) % 1009) / 256 - 2 }
    }

    /// What the reference makes of the first pictures.
    func imageEmbeddings() throws -> [[Float]] {
        let json = try JSONValue(parsing: Array(Data(contentsOf: fixture("encoders/\(name).json"))))
        return try #require(json.array).map { try #require(SeededModel.floats($0)) }
    }

    func texts() throws -> [(tokens: [Int32], embedding: [Float])] {
        let json = try JSONValue(parsing: Array(Data(contentsOf: fixture("models/\(name)/golden.json"))))
        return try #require(json["texts"]?.array).map { text in
            (
                try #require(text["tokens"]?.array).map { Int32(try #require($0.int)) },
                try #require(text["embedding"].flatMap(SeededModel.floats))
            )
        }
    }

    private static func floats(_ value: JSONValue) -> [Float]? { value.array?.compactMap { $0.double.map(Float.init) } }

    private func fixture(_ path: String) -> URL {
        Bundle.module.url(forResource: "Fixtures", withExtension: nil)!.appendingPathComponent(path)
    }
}

/// The tensors of a checkpoint, packed as they are asked for.
struct CheckpointTensors: TensorSource {
    let checkpoint: Checkpoint
    let elementType: PanelPackedMatrix.ElementType

    func matrix(_ key: String, outputs: Int, inputs: Int) throws(CLIPError) -> PanelPackedMatrix {
        let values = try floats(key, count: outputs * inputs)
        return PanelPackedMatrix(values, outputs: outputs, inputs: inputs, elementType: elementType)
    }

    func vector(_ key: String, shape: [Int]) throws(CLIPError) -> ParameterVector {
        ParameterVector(try floats(key, count: shape.reduce(1, *)))
    }

    private func floats(_ key: String, count: Int) throws(CLIPError) -> [Float] {
        guard let values = try? checkpoint.tensor(key)?.floats(), values.count == count else {
            throw CLIPError(.model, "tensor \(key) is missing or not of \(count) numbers")
        }
        return values
    }

    func table(_ key: String, rows: Int, columns: Int) throws(CLIPError) -> RowTable {
        let values = Floats(try floats(key, count: rows * columns))
        return RowTable(rows: rows, columns: columns, elementType: .float32, bytes: values.bytes, owner: values)
    }

    private final class Floats: @unchecked Sendable {
        let bytes: UnsafeRawBufferPointer

        init(_ values: [Float]) {
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: 4 * values.count, alignment: 4)
            values.withUnsafeBytes(copy.copyMemory)
            bytes = UnsafeRawBufferPointer(copy)
        }

        deinit { bytes.deallocate() }
    }
}

/// Notes which tensors are asked for.
final class KeyRecorder: TensorSource, @unchecked Sendable {
    private(set) var keys: [String] = []
    private let source: CheckpointTensors

    init(_ source: CheckpointTensors) { self.source = source }

    func matrix(_ key: String, outputs: Int, inputs: Int) throws(CLIPError) -> PanelPackedMatrix {
        keys.append(key)
        return try source.matrix(key, outputs: outputs, inputs: inputs)
    }

    func vector(_ key: String, shape: [Int]) throws(CLIPError) -> ParameterVector {
        keys.append(key)
        return try source.vector(key, shape: shape)
    }

    func table(_ key: String, rows: Int, columns: Int) throws(CLIPError) -> RowTable {
        keys.append(key)
        return try source.table(key, rows: rows, columns: columns)
    }
}
