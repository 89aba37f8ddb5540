import CLIPTestSupport
import Foundation
import Testing

@testable import CLIP

/// Pixels that a program prepared itself.
@Suite struct PixelTensorTests {
    @Test func `Preprocessed pixels give the picture's embedding`() throws {
        let model = try CLIPModel(contentsOf: Fixtures.model("quickgelu-f32"))
        let images = try ["waves.png", "blocks.png"].map { try Picture(contentsOf: Fixtures.picture($0)) }
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

    /// ViT-B/32 on 224 pixels: 4.4 billion multiply-adds for a picture, less what the last layer leaves out.
    @Test func `Work is counted`() {
        let vision = VisionConfiguration(
            transformer: TransformerConfiguration(width: 768, intermediateWidth: 3072, layerCount: 12, headCount: 12))
        let text = TextConfiguration(
            transformer: TransformerConfiguration(width: 512, intermediateWidth: 2048, layerCount: 12, headCount: 8))
        let model = ModelConfiguration(vision: vision, text: text, embeddingDimension: 512)
        #expect((8.1e9...8.3e9).contains(model.operationsPerImage))
        let tokens = (0..<77).map { PlacedToken(id: Int32($0), position: $0) }
        let whole = TextLayout.Text(tokens: tokens[...], position: 76)
        var layout = TextLayout(whole, sharesBeginnings: true)
        let one = model.operations(of: layout)
        #expect((5.4e9...5.7e9).contains(one))
        // The same beginning: one row more in eleven layers.
        _ = layout.append(
            TextLayout.Text(tokens: tokens.dropLast() + [PlacedToken(id: 99, position: 76)], position: 76), limit: 100)
        let another = model.operations(of: layout) - one
        #expect((0.07e9...0.09e9).contains(another))
    }

    @Test func `Of equal crops the first is encoded`() throws {
        let values: [Float] = [1, 2, 3, 1, 2, 4, 1, 2, 3, 0, 0, 0, 1, 2, 3, -0.0, 0, 0]
        let crops = values.withUnsafeBytes { DistinctCrops($0, Array(repeating: PixelSize(side: 1), count: 6)) }
        #expect(crops.firsts == [0, 1, 3, 5])
        #expect(crops.places == [0, 1, 0, 2, 0, 3])
        #expect(DistinctCrops(UnsafeRawBufferPointer(start: nil, count: 0), []).firsts.isEmpty)

        // Of other shapes, whatever their values.
        let sizes = [(2, 1), (1, 2), (2, 1)].map { PixelSize(width: $0, height: $1) }
        let shapes = [Float](repeating: 1, count: 18).withUnsafeBytes { DistinctCrops($0, sizes) }
        #expect(shapes.firsts == [0, 1] && shapes.places == [0, 1, 0])
        #expect(shapes.ranges == [0..<6, 6..<12, 12..<18])

        // Large crops that differ in one value alone.
        var large = [Float](repeating: 0.5, count: 3 * 1200)
        large[2777] = 0.25
        let found = large.withUnsafeBytes { DistinctCrops($0, Array(repeating: PixelSize(side: 20), count: 3)) }
        #expect(found.firsts == [0, 2] && found.places == [0, 0, 1])

        let model = try CLIPModel(contentsOf: Fixtures.model("quickgelu-f32"))
        let images = try ["waves.png", "blocks.png"].map { try Picture(contentsOf: Fixtures.picture($0)) }
        let alone = try images.map { try model.embed($0) }
        #expect(try model.embed([0, 1, 0, 0, 1].map { images[$0] }) == [0, 1, 0, 0, 1].map { alone[$0] })
    }
}
