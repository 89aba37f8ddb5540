import Foundation
import CLIPPictures
import CLIPJSON
import Testing

@testable import CLIP

private let fixtures = Bundle.module.url(forResource: "Fixtures", withExtension: nil)!

private func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: fixtures.appending(path: path)))
}

@Suite struct PreprocessingTests {
    @Test(arguments: ["quickgelu-f32", "gelu-f16-sharded"])
    func `Pixel values are those of transformers`(model: String) throws {
        let preprocessing = try ResolvedPreprocessing(
            huggingFace: bytes("models/\(model)/preprocessor_config.json"), path: "preprocessor_config.json")
        let preprocessor = ImagePreprocessor(preprocessing.configuration)
        let golden = try JSONValue(parsing: bytes("models/\(model)/golden.json"))
        let pictures = try #require(golden["pictures"]?.array)
        #expect(pictures.count == 4)
        for picture in pictures {
            let name = try #require(picture["picture"]?.string)
            let pixels = preprocessor.pixels(of: try decodePicture(bytes("pictures/\(name)")))
            #expect(pixels.count == PixelSize(side: preprocessor.configuration.cropSize).valueCount)
            let row = try #require(picture["pixels_first_row"]?.array).compactMap(\.double)
            #expect(row.count == 16)
            for (value, expected) in zip(pixels, row) { #expect(abs(Double(value) - expected) < 1e-6, "\(name)") }
            let means = try #require(picture["pixels_mean"]?.array).compactMap(\.double)
            let plane = pixels.count / 3
            for (channel, expected) in means.enumerated() {
                let sum = pixels[channel * plane..<(channel + 1) * plane].reduce(0.0) { $0 + Double($1) }
                #expect(abs(sum / Double(plane) - expected) < 1e-6, "\(name) channel \(channel)")
            }
        }
    }

    @Test func `Bands on several threads give the same pixels`() {
        let picture = Bitmap(width: 700, height: 600, pixels: (0..<1_260_000).map { UInt8(truncatingIfNeeded: $0 * 7) })
        let preprocessor = ImagePreprocessor(PreprocessingConfiguration())
        for fit in [PictureFit.crop, .pad] {
            let pixels = preprocessor.pixels(of: picture, fit: fit)
            for threads in [2, 3, 64] {
                #expect(preprocessor.pixels(of: picture, fit: fit, threads: threads) == pixels)
            }
        }
    }

    @Test func `A picture that is smaller than the crop is centred on black, the odd pixel before it`() {
        var configuration = PreprocessingConfiguration(cropSize: 6)
        configuration.resizeSize = 3
        let white = Bitmap(width: 3, height: 3, pixels: [UInt8](repeating: 255, count: 27))
        func columns() -> [Bool] {
            let square = ImagePreprocessor(configuration).fittedBitmaps(of: white)[0]
            #expect(square.width == 6 && square.height == 6)
            #expect(square.pixels[..<18].allSatisfy { $0 == 0 })
            return (0..<6).map { square.pixels[3 * (2 * 6 + $0)] == 255 }
        }
        #expect(columns() == [false, false, true, true, true, false])
        configuration.cropRounding = .halfToEven
        #expect(columns() == [false, true, true, true, false, false])
    }

    @Test func `Filled edges take the fill colour`() {
        var configuration = PreprocessingConfiguration(cropSize: 4)
        configuration.fillColor = [1, 2, 3]
        let wide = Bitmap(width: 8, height: 4, pixels: [UInt8](repeating: 200, count: 96))
        let square = ImagePreprocessor(configuration).fittedBitmaps(of: wide, fit: .pad)[0]
        let filled: [UInt8] = [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3]
        let seen = [UInt8](repeating: 200, count: 24)
        #expect(square.pixels == filled + seen + filled)
    }

    @Test func `Several crops stand one after the other`() {
        let preprocessor = ImagePreprocessor(PreprocessingConfiguration(cropSize: 8))
        let wide = Bitmap(width: 40, height: 16, pixels: (0..<1920).map { UInt8(truncatingIfNeeded: $0 * 7) })
        let crops = preprocessor.crops(width: 40, height: 16, fit: .multicrop)
        #expect(crops == Array(repeating: PixelSize(side: 8), count: 3))
        let pixels = preprocessor.pixels(of: wide, fit: .multicrop)
        #expect(pixels.count == crops.reduce(0) { $0 + $1.valueCount })
        let squares = preprocessor.fittedBitmaps(of: wide, fit: .multicrop)
        #expect(squares.count == 3)
        let whole = wide.resized(width: 20, height: 8, filter: .bicubic)
        for (square, left) in zip(squares, [0, 6, 12]) {
            #expect(square == whole.cropped(to: PixelWindow(left: left, top: 0, width: 8, height: 8)))
        }
    }
}

@Suite struct FittingPlanTests {
    private func plan(
        _ width: Int, _ height: Int, _ fit: PictureFit?, _ change: (inout PreprocessingConfiguration) -> Void = { _ in }
    ) -> FittingPlan {
        var configuration = PreprocessingConfiguration(cropSize: 224)
        change(&configuration)
        return FittingPlan(width: width, height: height, configuration, fit: fit)
    }

    @Test func `The long edge is truncated and the crop rounded as the format says`() {
        let floor = plan(1000, 757, nil)
        #expect(floor.width == 295 && floor.height == 224)
        #expect(floor.windows == [PixelWindow(left: 35, top: 0, width: 224, height: 224)])
        let even = plan(1000, 757, nil) { $0.cropRounding = .halfToEven }
        #expect(even.windows == [PixelWindow(left: 36, top: 0, width: 224, height: 224)])
        #expect(plan(224, 224, nil).windows == [PixelWindow(left: 0, top: 0, width: 224, height: 224)])
        let tall = plan(1, 5000, nil)
        #expect(tall.width == 224 && tall.height == 1_120_000)
    }

    @Test func `Another fit than the configuration's own shows the whole picture`() {
        func larger(_ configuration: inout PreprocessingConfiguration) { configuration.resizeSize = 256 }
        #expect(plan(512, 512, nil, larger).width == 256)
        #expect(plan(512, 512, .crop, larger).width == 256)
        #expect(plan(512, 512, .squash, larger).width == 224)
        #expect(plan(512, 256, .pad, larger).width == 224)
        #expect(plan(512, 256, .pad, larger).height == 112)
        #expect(plan(512, 256, .pad, larger).windows == [PixelWindow(left: 0, top: -56, width: 224, height: 224)])
        #expect(plan(100_000, 3, .pad).height == 1)
    }

    @Test func `Windows cover the long side, both ends included`() {
        let wide = plan(800, 224, .multicrop)
        #expect(wide.windows.map(\.left) == [0, 192, 384, 576])
        #expect(wide.windows.allSatisfy { $0.top == 0 && $0.width == 224 && $0.height == 224 })
        #expect(plan(224, 450, .multicrop).windows.map(\.top) == [0, 113, 226])
        #expect(plan(300, 300, .multicrop).windows.count == 1)
        let ribbon = plan(100_000, 10, .multicrop)
        #expect(ribbon.windows.count == FittingPlan.windowLimit)
        #expect(ribbon.windows.last?.left == ribbon.width - 224)
    }
}
