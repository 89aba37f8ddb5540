import CLIPPictures
import CLIPSystem
import CLIPTestSupport
import Foundation
import Testing

@testable import CLIP
@testable import CLIPWeights

/// SigLIP 2's pictures that keep their shape. That pixels and embeddings are the reference's is told in `SigLIPTests` and
/// `TowerTests`.
@Suite struct NaFlexTests {
    private let scratch: ScratchFolder
    private let model: CLIPModel
    private let pictures: [Picture]

    init() throws {
        scratch = try ScratchFolder()
        model = try CLIPModel(contentsOf: Fixtures.model("naflex"), threads: 2)
        pictures = try ["blocks.png", "ring_grey.png", "speck.png", "waves.png"].map {
            try Picture(contentsOf: Fixtures.picture($0))
        }
    }

    /// By transformers' get_image_size_for_max_num_patches.
    @Test(arguments: [
        (224, 224, 16, 256, 256, 256), (640, 480, 16, 256, 288, 224), (480, 640, 16, 256, 224, 288),
        (4032, 3024, 16, 256, 288, 224), (1080, 2400, 16, 256, 176, 368), (1, 1, 16, 256, 112, 112),
        (3, 5, 16, 256, 192, 320), (10000, 10, 16, 256, 4096, 16), (17, 8000, 16, 256, 16, 4096),
        (1000, 1001, 16, 256, 256, 256), (333, 257, 16, 1024, 576, 448), (78, 153, 8, 21, 24, 48),
        (1920, 1080, 14, 729, 504, 280), (512, 512, 16, 1, 16, 16), (700, 300, 16, 64, 192, 80),
    ])
    func `A picture becomes as large as the reference makes it`(
        width: Int, height: Int, side: Int, count: Int, newWidth: Int, newHeight: Int
    ) {
        var configuration = PreprocessingConfiguration()
        configuration.patches = PatchBudget(side: side, count: count)
        let plan = FittingPlan(width: width, height: height, configuration)
        #expect(plan.windows == [PixelWindow(left: 0, top: 0, width: newWidth, height: newHeight)])
    }

    @Test func `Pictures of several shapes are the same to the bit in any batch`() throws {
        let shapes = try pictures.map { try model.preprocess($0).shape }
        #expect(shapes == [[1, 3, 48, 24], [1, 3, 32, 40], [1, 3, 40, 24], [1, 3, 32, 40]])
        let alone = try CLIPModel(contentsOf: Fixtures.model("naflex"), threads: 1)
        let expected = try pictures.map { try alone.embed($0) }
        let order = [0, 1, 2, 3, 2, 0, 3, 1, 1]
        let together: [Embedding] = try model.embed(order.map { pictures[$0] })
        #expect(together == order.map { expected[$0] })
    }

    @Test func `A fit that is asked for makes squares`() throws {
        for fit in PictureFit.allCases {
            let pixels = try model.preprocess(pictures[0], fit: fit)
            #expect(pixels.shape == [fit == .multicrop ? 2 : 1, 3, 32, 32])
        }
        // Squashed, the picture is another one than in its own shape.
        let squashed = try model.embed(pictures[0], fit: .squash)
        #expect(squashed.similarity(to: try model.embed(pictures[0])) < 0.9999)
        #expect(try model.embed(pictures, fit: .squash)[0] == squashed)
    }

    @Test func `Pixels of a shape that the model doesn't take are refused`() throws {
        for (height, width) in [(8, 168), (56, 24), (8, 8)] {
            let values = [Float](repeating: 0.5, count: 3 * height * width)
            #expect(try model.embed(PixelTensor(shape: [1, 3, height, width], values: values)).count == 1)
        }
        for (height, width) in [(8, 176), (48, 32), (12, 8), (0, 8), (8, 0)] {
            let pixels = PixelTensor(
                shape: [1, 3, height, width], values: Array(repeating: 0, count: 3 * height * width))
            let message = refusal { _ = try model.embed(pixels) }
            #expect(message?.contains("[count, 3, height, width] of at most 21 patches of [8, 8]") == true, "\(height)")
        }
    }

    @Test func `What is written for transformers is read again to the bit`() throws {
        try model.export(to: scratch["folder"])
        let before = try Checkpoint(folder: PathBytes(Fixtures.model("naflex").path))
        let after = try Checkpoint(folder: PathBytes(scratch["folder"].path))
        #expect(Set(before.names) == Set(after.names))
        for name in before.names {
            let (old, new) = (try #require(try before.tensor(name)), try #require(try after.tensor(name)))
            let numbers = (try old.floats(), try new.floats())
            #expect(old.shape == new.shape && numbers.0 == numbers.1, "\(name)")
        }
        let exported = try CLIPModel(contentsOf: scratch["folder"])
        #expect(exported.info.configuration == model.info.configuration)
        #expect(exported.info.preprocessing == model.info.preprocessing)
        for picture in pictures { #expect(try exported.embed(picture) == model.embed(picture)) }
        #expect(try exported.embed("a DOG") == model.embed("a DOG"))
    }

    @Test func `An int8 file keeps shapes too`() throws {
        try model.pack(to: scratch["small.clip"], weights: .int8)
        let small = try CLIPModel(contentsOf: scratch["small.clip"])
        #expect(small.info.keepsShape)
        #expect(try small.verify().allSatisfy(\.passes))
        let together: [Embedding] = try small.embed(pictures)
        for (picture, embedding) in zip(pictures, together) {
            #expect(try small.embed(picture) == embedding)
            #expect(embedding.similarity(to: try model.embed(picture)) >= 0.99)
        }
    }

    @Test func `A view has the picture's shape`() throws {
        let view = model.view(of: pictures[0], side: 100)
        #expect((view.width, view.height) == (96, 192))
    }

    @Test(arguments: [
        ("config.json", #""num_patches": 16"#, #""num_patches": 15"#, "a square number"),
        ("config.json", #""num_patches": 16"#, #""num_patches": 25"#, "has shape [16, 48], expected [1200]"),
        ("config.json", #""patch_size": 8"#, #""patch_size": 16"#, "expected the model's patch_size 16"),
        ("preprocessor_config.json", #""patch_size": 8"#, #""patch_size": 9"#, "expected the model's patch_size 8"),
        (
            "preprocessor_config.json", #""max_num_patches": 21"#, #""max_num_patches": 0"#,
            "expected a whole number from 1 to 65536"
        ),
        (
            "preprocessor_config.json", "Siglip2ImageProcessor", "SiglipImageProcessor",
            #"expected "Siglip2ImageProcessor""#
        ),
        ("preprocessor_config.json", #""do_resize": true"#, #""do_resize": false"#, "expected true"),
    ])
    func `What makes no sense is refused by name`(file: String, text: String, other: String, reason: String) throws {
        let folder = try scratch.copy(of: "naflex")
        let url = folder.appending(path: file)
        let config = try String(contentsOf: url, encoding: .utf8)
        #expect(config.contains(text))
        try config.replacing(text, with: other).write(to: url, atomically: true, encoding: .utf8)
        let message = refusal { _ = try CLIPModel(contentsOf: folder).embed(pictures[0]) }
        #expect(message?.contains(reason) == true, "\(message ?? "loads")")
    }

    @Test func `Without a processor's file SigLIP 2's own rules count, and it is said`() throws {
        let folder = try scratch.copy(of: "naflex")
        try FileManager.default.removeItem(at: folder.appending(path: "preprocessor_config.json"))
        let bare = try CLIPModel(contentsOf: folder)
        #expect(bare.info.preprocessing.patches == PatchBudget(side: 8, count: 256))
        #expect(bare.info.settings.contains { $0.name == "picture preprocessing" && $0.warning != nil })
    }
}
