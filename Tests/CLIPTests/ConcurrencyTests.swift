import CLIPTestSupport
import Foundation
import Synchronization
import Testing

@testable import CLIP

/// The synchronous forms and the asynchronous ones, called side by side from asynchronous functions.
@Suite(.timeLimit(.minutes(5))) struct ConcurrencyTests {
    private let model: CLIPModel
    private let pictures: [Picture]

    init() throws {
        model = try CLIPModel(contentsOf: Fixtures.model("quickgelu-f32"), threads: 2)
        let names = ["blocks.png", "waves.png", "ring_grey.png", "speck.png"]
        pictures = try names.map { try Picture(contentsOf: Fixtures.picture($0)) }
    }

    /// Throws `CLIPError` alone, so that every form has to.
    private func bothForms() async throws(CLIPError) {
        let (picture, texts) = (pictures[1], (0..<300).map { "text \($0 % 77)" })
        let many = (0..<70).map { pictures[$0 % pictures.count] }
        let pixels = try model.preprocess(picture)
        #expect(try await model.pixels(of: picture) == pixels)
        let one = try model.embed(picture)
        #expect(try await model.embedding(of: picture) == one)
        let all = try model.embed(many)
        #expect(try await model.embeddings(of: many) == all)
        let text = try model.embed("a dog", normalize: false)
        #expect(try await model.embedding(of: "a dog", normalize: false) == text)
        let words = try model.embed(texts)
        #expect(try await model.embeddings(of: texts) == words)
        let prepared = try model.embed(pixels)
        #expect(try await model.embeddings(of: pixels) == prepared)
        let classifier = try ZeroShotClassifier(model: model, labels: ["dog", "cat"])
        let answer = try classifier.classify(picture)
        #expect(try await classifier.classification(of: picture) == answer)
        let other = try await withoutBlocking { [model] () throws(CLIPError) in
            try ZeroShotClassifier(model: model, labels: ["dog", "cat"]).classify(picture)
        }
        #expect(other == answer)
    }

    @Test func `Both forms are called from an asynchronous function, and give the same`() async throws {
        try await bothForms()
    }

    @Test func `The error of the work is the caller's`() async {
        let model = model
        do throws(CLIPError) {
            _ = try await model.embeddings(of: [String(repeating: "long ", count: 99)], longText: .error)
            Issue.record("a text that is too long was embedded")
        } catch {
            #expect(error.kind == .text)
        }
    }

    @Test func `In a cancelled task every form throws that it was cancelled`() async {
        let (model, pictures) = (model, pictures)
        let calls: [@Sendable () async throws -> Void] = [
            { _ = try model.embed(pictures[0]) }, { _ = try await model.embedding(of: pictures[0]) },
            { _ = try model.embed(pictures) }, { _ = try await model.embeddings(of: pictures) },
            { _ = try model.embed("a dog") }, { _ = try await model.embedding(of: "a dog") },
            { _ = try model.embed(["a dog", "a cat"]) }, { _ = try await model.embeddings(of: ["a dog", "a cat"]) },
            { _ = try await model.pixels(of: pictures[0]) },
            { _ = try ZeroShotClassifier(model: model, labels: ["dog", "cat"]) },
            { for try await _ in model.embeddings(of: [.bytes([], name: "empty")]) {} },
            { _ = try Picture(contentsOf: Fixtures.picture("blocks.png")) },
            { try await withoutBlocking { () throws(CLIPError) in _ = Issue.record("the work has begun") } },
        ]
        for (index, call) in calls.enumerated() {
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                try await call()
            }
            let result = await task.result
            #expect(throws: CLIPError.cancelled, "call \(index)") { try result.get() }
        }
    }

    @Test func `Work that has begun ends when its task is cancelled`() async {
        let hasBegun = Signal()
        let task = Task {
            try await withoutBlocking { () throws(CLIPError) in
                hasBegun.give()
                while true { try checkCancellation() }
            }
        }
        while !hasBegun.isGiven { await Task.yield() }
        task.cancel()
        let result = await task.result
        #expect(throws: CLIPError.cancelled) { try result.get() }
    }

    @Test func `Work that waits for a thread doesn't keep a cancelled task waiting`() async throws {
        let mayGoOn = Signal()
        let blocked = (0..<64).map { _ in
            Task {
                await withoutBlocking {
                    while !mayGoOn.isGiven { usleep(100) }
                }
            }
        }
        let late = Task {
            try await withoutBlocking { () throws(CLIPError) in _ = Issue.record("the work has begun") }
        }
        late.cancel()
        let result = await late.result
        #expect(throws: CLIPError.cancelled) { try result.get() }
        mayGoOn.give()
        for task in blocked { await task.value }
    }

    @Test func `More tasks at once than there are threads all come to their end`() async throws {
        let (model, pictures) = (model, pictures)
        let expected = (try model.embed(pictures), try model.embed("a dog"))
        let inputs = try inputs(9)
        let count = try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<64 {
                group.addTask {
                    switch index % 3 {
                    case 0: return try await model.embeddings(of: pictures) == expected.0
                    case 1: return try await model.embedding(of: "a dog") == expected.1
                    default:
                        var count = 0
                        for try await (input, _) in model.embeddings(of: inputs, batchSize: 2) {
                            if input == inputs[count] { count += 1 }
                        }
                        return count == 9
                    }
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(count == 64)
    }

    @Test(arguments: [1, 2, 3], [1, 7, 32])
    func `A sequence gives every input with its result, in order`(threads: Int, batchSize: Int) async throws {
        let inputs = try inputs(41)
        let model = try CLIPModel(contentsOf: Fixtures.model("quickgelu-f32"), threads: threads)
        var expected: [Result<Embedding, CLIPError>] = []
        try model.embedEach(inputs) { expected.append($1) }
        var results: [Result<Embedding, CLIPError>] = []
        for try await (input, result) in model.embeddings(of: inputs, batchSize: batchSize) {
            #expect(input == inputs[results.count])
            results.append(result)
        }
        #expect(results == expected)
        results = []
        for try await (input, result) in model.embeddings(of: Hesitant(inputs), batchSize: batchSize) {
            #expect(input == inputs[results.count])
            results.append(result)
        }
        #expect(results == expected)
    }

    @Test(arguments: [1, 2, 3], [1, 7, 256])
    func `Texts that stream bring their embeddings or their errors, in order`(threads: Int, batchSize: Int) async throws
    {
        let long = String(repeating: "long ", count: 99)
        let texts = (0..<40).map { $0 % 9 == 4 ? long : "a photo of \($0 % 13) dogs" }
        let model = try CLIPModel(contentsOf: Fixtures.model("quickgelu-f32"), threads: threads)
        let expected: [Result<Embedding, CLIPError>] = texts.map { text in
            Result { () throws(CLIPError) in try model.embed(text, longText: .error) }
        }
        #expect(expected.count { (try? $0.get()) == nil } == 4)
        var (seen, results): ([String], [Result<Embedding, CLIPError>]) = ([], [])
        try model.embedEach(texts, longText: .error, batchSize: batchSize) { text, result in
            seen.append(text)
            results.append(result)
        }
        #expect(seen == texts && results == expected)
        #expect(try model.embeddingResults(of: texts, longText: .error) == expected)
        (seen, results) = ([], [])
        for try await (text, result) in model.embeddings(of: Hesitant(texts), longText: .error, batchSize: batchSize) {
            seen.append(text)
            results.append(result)
        }
        #expect(seen == texts && results == expected)
        #expect(throws: CLIPError.self) { try model.embedEach(["a dog"], batchSize: 0) { _, _ in } }
    }

    @Test func `Texts given to a model without a text encoder end the stream with its error`() async throws {
        let folder = try TemporaryFolder()
        let images = URL(filePath: folder["images.clip"])
        try model.pack(to: images, parts: .images)
        let model = try CLIPModel(contentsOf: images)
        do {
            for try await _ in model.embeddings(of: Hesitant(["a dog"])) {
                Issue.record("an embedding without an encoder")
            }
            Issue.record("no error")
        } catch {
            #expect(error.kind == .model)
        }
        #expect(throws: CLIPError.self) { try model.embedEach(["a dog"]) { _, _ in } }
    }

    @Test func `A picture doesn't wait for the next one to come`() async throws {
        let inputs = try inputs(5)
        let (stream, continuation) = AsyncStream.makeStream(of: PictureInput.self)
        continuation.yield(inputs[0])
        var count = 0
        for try await (input, _) in model.embeddings(of: stream) {
            #expect(input == inputs[count])
            count += 1
            if count < inputs.count { continuation.yield(inputs[count]) } else { continuation.finish() }
        }
        #expect(count == 5)
    }

    @Test func `Inputs are taken a few batches ahead, and no more once nobody reads`() async throws {
        let input = try inputs(1)[0]
        let taken = Mutex(0)
        let endless = sequence(state: 0) { (_: inout Int) -> PictureInput? in
            taken.withLock { $0 += 1 }
            return input
        }
        var count = 0
        for try await _ in model.embeddings(of: Unchecked(endless), batchSize: 4) {
            count += 1
            if count == 10 { break }
        }
        // Three batches are embedded, one is prepared, one waits, and one input waits for room.
        #expect((10...21).contains(taken.withLock { $0 }))
    }

    @Test func `Cancelling the reader ends the sequence, whatever it waits for`() async throws {
        let (model, inputs) = (model, try inputs(100))
        let busy = Task {
            var count = 0
            for try await _ in model.embeddings(of: inputs, batchSize: 8) {
                count += 1
                if count == 11 { withUnsafeCurrentTask { $0?.cancel() } }
            }
        }
        let busyResult = await busy.result
        #expect(throws: CLIPError.cancelled) { try busyResult.get() }
        let (silent, continuation) = AsyncStream.makeStream(of: PictureInput.self)
        let idle = Task {
            for try await _ in model.embeddings(of: silent) { Issue.record("an embedding of nothing") }
        }
        await Task.yield()
        idle.cancel()
        let idleResult = await idle.result
        #expect(throws: CLIPError.cancelled) { try idleResult.get() }
        continuation.finish()
    }

    @Test func `A model without an image encoder ends the sequence`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "clip-texts-\(UUID()).clip")
        defer { try? FileManager.default.removeItem(at: folder) }
        try model.pack(to: folder, weights: .float32, parts: .texts)
        let texts = try CLIPModel(contentsOf: folder)
        do throws(CLIPError) {
            for try await _ in texts.embeddings(of: try inputs(3)) { Issue.record("an embedding without an encoder") }
            Issue.record("no error")
        } catch {
            #expect(error.kind == .model)
        }
    }

    private func inputs(_ count: Int) throws(CLIPError) -> [PictureInput] {
        let bytes = pictures.map { $0.png() }
        return (0..<count).map { index in
            .bytes(index % 11 == 5 ? Array(bytes[0].prefix(60)) : bytes[index % bytes.count], name: "\(index)")
        }
    }
}

/// What one thread tells others.
private final class Signal: Sendable {
    private let flag = Atomic(false)

    var isGiven: Bool { flag.load(ordering: .acquiring) }

    func give() { flag.store(true, ordering: .releasing) }
}

/// Elements that come at odd times.
private struct Hesitant<Element: Sendable>: AsyncSequence, Sendable {
    typealias Failure = Never

    private let elements: [Element]

    init(_ elements: [Element]) { self.elements = elements }

    func makeAsyncIterator() -> Iterator { Iterator(elements: elements) }

    struct Iterator: AsyncIteratorProtocol {
        let elements: [Element]
        var index = 0

        mutating func next(isolation actor: isolated (any Actor)?) async -> Element? {
            guard index < elements.count else { return nil }
            defer { index += 1 }
            for _ in 0..<index * 7 % 5 { await Task.yield() }
            return elements[index]
        }
    }
}

/// A sequence that one task at a time reads.
private struct Unchecked<Base: Sequence>: Sequence, @unchecked Sendable {
    private let base: Base

    init(_ base: Base) { self.base = base }

    func makeIterator() -> Base.Iterator { base.makeIterator() }
}
