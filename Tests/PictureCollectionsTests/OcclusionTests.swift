import CLIP
import CLIPTestSupport
import PictureCollections
import Testing

@Suite struct OcclusionTests {
    @Test func `Each cell's drop is the mean of its four windows`() throws {
        let model = try Fixtures.model()
        let picture = try Fixtures.picture("waves.png")
        let text = try model.embed("a dog")
        var counts: [Int] = []
        let map = try OcclusionMap(model: model, image: picture, text: text, side: 2) { counts.append($0) }
        #expect(map.side == 2 && map.drops.count == 4 && counts == [9])
        let pixels = try model.preprocess(picture)
        let edge = pixels.shape[3]
        let whole = try model.embed(pixels)[0].similarity(to: text)
        #expect(map.similarity == whole)
        func drop(_ rows: Range<Int>, _ columns: Range<Int>) throws -> Float {
            var values = pixels.values
            for channel in 0..<3 {
                for y in rows { for x in columns { values[(channel * edge + y) * edge + x] = 0 } }
            }
            return whole - (try model.embed(PixelTensor(shape: pixels.shape, values: values))[0].similarity(to: text))
        }
        let half = edge / 2
        let corner = try drop(0..<half, 0..<half) + drop(0..<half, 0..<edge) + drop(0..<edge, 0..<half)
        let all = try drop(0..<edge, 0..<edge)
        #expect(abs(map.drops[0] - (corner + all) / 4) < 1e-6)
    }

    @Test func `The drawing is orange where covering hurts`() throws {
        let model = try CLIPModel.embedded()
        let picture = try Fixtures.photograph()
        let map = try OcclusionMap(model: model, image: picture, text: model.embed("a photo of a cat"), side: 4)
        #expect((map.drops.max() ?? 0) > 0.001)
        let view = model.view(of: picture)
        #expect(view.width >= 448 && view.width % model.info.preprocessing.cropSize == 0)
        let drawn = map.drawn(over: view)
        #expect(drawn.width == view.width && drawn.height == view.height && drawn.png() != view.png())
    }

    @Test func `A map that can't be made is refused`() throws {
        let model = try Fixtures.model()
        let picture = try Fixtures.picture("waves.png")
        let text = try model.embed("a dog")
        for side in [0, 1000] {
            #expect(throws: CLIPError.self) {
                try OcclusionMap(model: model, image: picture, text: text, side: side)
            }
        }
    }

    @Test func `Words are left out one by one`() throws {
        let model = try Fixtures.model()
        let image = try model.embed(Fixtures.picture("waves.png"))
        let drops = try WordDrop.drops(model: model, image: image, text: " a  red\tdog ")
        #expect(drops.map(\.word) == ["a", "red", "dog"])
        let whole = image.similarity(to: try model.embed("a red dog"))
        let without = image.similarity(to: try model.embed("a dog"))
        #expect(abs(drops[1].drop - (whole - without)) < 1e-6)
        #expect(try WordDrop.drops(model: model, image: image, text: "dog").isEmpty)
    }
}
