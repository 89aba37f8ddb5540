import Foundation
import Testing

@testable import CLIP

/// Pixels that a program prepared itself.
@Suite struct PixelTensorTests {
    @Test func `Preprocessed pixels give the picture's embedding`() throws {
        let model = try CLIPModel(contentsOf: Fixtures.model("quickgelu-f32"))
        let images = try ["waves.png", "blocks.png"].map { try Image(contentsOf: Fixtures.picture($0)) }
        let pixels = try images.map { try model.preprocess($0) }
        let batch = PixelTensor(shape: [2] + pixels[0].shape.dropFirst(), values: pixels.flatMap(\.values))
        #expect(try model.embed(batch) == model.embed(images))
        #expect(try model.embed(pixels[1], normalize: false) == [model.embed(images[1], normalize: false)])
        #expect(try model.embed(PixelTensor(shape: [0] + pixels[0].shape.dropFirst(), values: [])) == [])
    }

    @Test(arguments: [[], [3], [1, 3, 8, 8], [1, 1, 32, 32]])
    func `Pixels of another shape are refused`(shape: [Int]) throws {
        let model = try CLIPModel(contentsOf: Fixtures.model("quickgelu-f32"))
        let pixels = PixelTensor(shape: shape, values: Array(repeating: 0, count: shape.reduce(1, *)))
        #expect(refusal { _ = try model.embed(pixels) }?.contains("expected [count, 3, 32, 32]") == true)
    }

    /// ViT-B/32 on 224 pixels: 4.4 billion multiply-adds for a picture.
    @Test func `Work is counted`() {
        let vision = VisionConfiguration(
            transformer: TransformerConfiguration(width: 768, intermediateWidth: 3072, layerCount: 12, headCount: 12))
        let text = TextConfiguration(
            transformer: TransformerConfiguration(width: 512, intermediateWidth: 2048, layerCount: 12, headCount: 8))
        let model = ModelConfiguration(vision: vision, text: text, embeddingDimension: 512)
        #expect((8.7e9...8.9e9).contains(model.operationsPerImage))
        #expect((5.8e9...6.1e9).contains(model.operationsPerText(tokens: 77)))
    }
}
