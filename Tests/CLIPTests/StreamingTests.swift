import CLIPSystem
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
            case 3: .file("missing-\(index).png")
            case 5: .bytes(Array(bytes.prefix(200)), name: "broken-\(index)")
            case 8: .bytes(bytes, name: "bytes-\(index)")
            default: .file(Fixtures.picture(names[index % names.count]).path)
            }
        }
    }

    private func expected(_ inputs: [PictureInput]) -> [Result<Embedding, CLIPError>] {
        inputs.map { input in
            Result { () throws(CLIPError) in
                switch input {
                case .file(let path): try model.embed(Picture(path: PathBytes(path), options: PictureOptions()))
                case .filePath(let bytes):
                    try model.embed(Picture(path: PathBytes(bytes), options: PictureOptions()))
                case .bytes(let bytes, let name):
                    try model.embed(Picture(bytes: bytes, name: name, options: PictureOptions()))
                }
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

    @Test func `The asynchronous sequence gives the same`() async throws {
        let inputs = try inputs(41)
        let expected = expected(inputs)
        var results: [Result<Embedding, CLIPError>] = []
        for await (input, result) in model.embeddings(of: inputs) {
            #expect(input == inputs[results.count])
            results.append(result)
        }
        #expect(results == expected)
    }

    @Test func `Cancelling ends the sequence`() async throws {
        let inputs = try inputs(100)
        let model = model
        let task = Task {
            var count = 0
            for await _ in model.embeddings(of: inputs) {
                count += 1
                if count == 3 { withUnsafeCurrentTask { $0?.cancel() } }
            }
            return count
        }
        let count = await task.value
        #expect(count >= 3 && count < 100)
    }

    @Test func `Asynchronous batches give the same, and stop when cancelled`() async throws {
        let images = try (0..<40).map { try Picture(contentsOf: Fixtures.picture(names[$0 % names.count])) }
        let texts = (0..<90).map { "text \($0 % 77)" }
        let model = model
        let (expectedImages, expectedTexts) = try Self.synchronously(model, images, texts)
        #expect(try await model.embed(images) == expectedImages)
        #expect(try await model.embed(texts) == expectedTexts)
        #expect(try await model.embed(images[0]) == expectedImages[0])
        #expect(try await model.embed(texts[0]) == expectedTexts[0])
        let pictures = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await model.embed(images)
        }
        await #expect(throws: CancellationError.self) { try await pictures.value }
        let words = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await model.embed(texts)
        }
        await #expect(throws: CancellationError.self) { try await words.value }
        await #expect(throws: CLIPError.self) {
            try await model.embed([String(repeating: "long ", count: 99)], longText: .error)
        }
    }

    private static func synchronously(
        _ model: CLIPModel, _ images: [Picture], _ texts: [String]
    ) throws -> ([Embedding], [Embedding]) {
        (try model.embed(images), try model.embed(texts))
    }

    @Test func `Many tasks share one model`() async throws {
        let model = try CLIPModel(contentsOf: Fixtures.model("gelu-f16-sharded"))
        let image = try Picture(contentsOf: Fixtures.picture("waves.png"))
        let all = try await withThrowingTaskGroup(of: [Embedding].self) { group in
            for index in 0..<24 {
                group.addTask {
                    index.isMultiple(of: 2) ? [try await model.embed(image)] : [try await model.embed("a dog")]
                }
            }
            return try await group.reduce(into: Set<[Embedding]>()) { $0.insert($1) }
        }
        #expect(all.count == 2)
    }
}
