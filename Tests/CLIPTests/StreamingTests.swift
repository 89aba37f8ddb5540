import CLIPSystem
import CLIPTestSupport
import Foundation
import Testing

@testable import CLIP

@Suite struct StreamingTests {
    private let model: CLIPModel
    private let names = ["blocks.png", "waves.png", "ring_grey.png", "speck.png"]

    init() throws {
        model = try CLIPModel(contentsOf: Fixtures.model("quickgelu-f32"), threads: 2)
    }

    /// Good pictures in turn, a missing one and a broken one among them.
    private func inputs(_ count: Int) throws -> [PictureInput] {
        let bytes = [UInt8](try Data(contentsOf: Fixtures.picture("blocks.png")))
        return (0..<count).map { index in
            switch index % 11 {
            case 3: .file(PathBytes("missing-\(index).png"))
            case 5: .bytes(Array(bytes.prefix(200)), name: "broken-\(index)")
            case 8: .bytes(bytes, name: "bytes-\(index)")
            default: .file(Fixtures.picture(names[index % names.count]))
            }
        }
    }

    private func expected(_ inputs: [PictureInput]) -> [Result<Embedding, CLIPError>] {
        inputs.map { input in
            Result { () throws(CLIPError) in
                try model.embed(input.picture(PictureOptions()))
            }
        }
    }

    @Test(arguments: [1, 2, 3], [1, 7, 32])
    func `Every input brings its embedding or its error, in order`(threads: Int, batchSize: Int) throws {
        let inputs = try inputs(41)
        let expected = expected(inputs)
        let model = try CLIPModel(contentsOf: Fixtures.model("quickgelu-f32"), threads: threads)
        var seen: [PictureInput] = []
        var results: [Result<Embedding, CLIPError>] = []
        try model.embedEach(inputs, batchSize: batchSize) { input, result in
            seen.append(input)
            results.append(result)
        }
        #expect(seen == inputs)
        #expect(results == expected)
        guard case .failure(let missing) = results[3], case .failure(let broken) = results[5] else {
            Issue.record("damaged inputs gave embeddings")
            return
        }
        #expect(missing.kind == .picture && missing.path == "missing-3.png")
        #expect(broken.kind == .picture && broken.path == "broken-5" && broken.description.hasPrefix("broken-5: "))
    }

    @Test func `Inputs are taken as they are needed, and what body throws ends the run`() throws {
        struct Stop: Error {}
        let bytes = [UInt8](try Data(contentsOf: Fixtures.picture("speck.png")))
        var taken = 0
        let endless = sequence(state: 0) { (index: inout Int) -> PictureInput? in
            index += 1
            taken = index
            return .bytes(bytes, name: "\(index)")
        }
        var count = 0
        #expect(throws: Stop.self) {
            try model.embedEach(endless, batchSize: 4) { _, _ in
                count += 1
                if count == 10 { throw Stop() }
            }
        }
        #expect(count == 10)
        #expect(taken == 16)
        var none = 0
        try model.embedEach([]) { _, _ in none += 1 }
        #expect(none == 0)
        #expect(throws: CLIPError.self) { try model.embedEach([], batchSize: 0) { _, _ in } }
    }
}
