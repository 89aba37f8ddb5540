import Foundation
import CLIPJSON
import Testing
import CLIPWeights

@testable import CLIP
@testable import CLIPCompute

@Suite struct EncoderTests {
    @Test(arguments: SeededModel.all, InstructionSet.available)
    func `Images match the reference`(_ model: SeededModel, _ instructionSet: InstructionSet) throws {
        let compute = try Compute(instructionSet: instructionSet, threads: 2)
        let encoder = try ImageEncoder(configuration: model.configuration, weights: model.weights())
        let found = try embed(encoder, model, pictures: 0..<3, compute)
        let expected = try model.imageEmbeddings()
        #expect(expected.count == 3)
        for (index, expected) in expected.enumerated() {
            check(Array(found[index * expected.count..<(index + 1) * expected.count]), expected, "picture \(index)")
        }
    }

    @Test(arguments: SeededModel.all, InstructionSet.available)
    func `Texts match the reference`(_ model: SeededModel, _ instructionSet: InstructionSet) throws {
        let compute = try Compute(instructionSet: instructionSet, threads: 2)
        let encoder = try TextEncoder(configuration: model.configuration, weights: model.weights())
        let texts = try model.texts()
        #expect(texts.count == 14)
        let found = try encoder.embed(tokens: texts.map(\.tokens), compute: compute)
        for (index, text) in texts.enumerated() {
            let count = text.embedding.count
            check(Array(found[index * count..<(index + 1) * count]), text.embedding, "text \(index)")
        }
    }

    @Test(arguments: SeededModel.all, InstructionSet.available)
    func `Images are the same to the bit in any batch`(_ model: SeededModel, _ instructionSet: InstructionSet) throws {
        let encoder = try ImageEncoder(configuration: model.configuration, weights: model.weights())
        let one = try Compute(instructionSet: instructionSet, threads: 1)
        let alone = try (0..<32).flatMap { try embed(encoder, model, pictures: $0..<$0 + 1, one) }
        for threads in [1, 2, 3, 8] {
            let compute = try Compute(instructionSet: instructionSet, threads: threads)
            for count in [1, 7, 32] {
                let found = try embed(encoder, model, pictures: 0..<count, compute)
                #expect(found == Array(alone[..<found.count]), "\(count) pictures, \(threads) threads")
            }
        }
    }

    @Test(arguments: SeededModel.all, InstructionSet.available)
    func `Texts are the same to the bit in any batch`(_ model: SeededModel, _ instructionSet: InstructionSet) throws {
        let encoder = try TextEncoder(configuration: model.configuration, weights: model.weights())
        let tokens = try model.texts().map(\.tokens)
        let one = try Compute(instructionSet: instructionSet, threads: 1)
        let alone = try tokens.flatMap { try encoder.embed(tokens: [$0], compute: one) }
        for threads in [1, 2, 3, 8] {
            let compute = try Compute(instructionSet: instructionSet, threads: threads)
            #expect(try encoder.embed(tokens: tokens, compute: compute) == alone, "\(threads) threads")
        }
    }

    /// Memory that a call gets back holds what another left there, or anything.
    @Test(arguments: SeededModel.all)
    func `What memory held before changes nothing`(_ model: SeededModel) throws {
        let images = try ImageEncoder(configuration: model.configuration, weights: model.weights())
        let texts = try TextEncoder(configuration: model.configuration, weights: model.weights())
        let tokens = try model.texts().map(\.tokens)
        let compute = try Compute(threads: 2)
        let first = try embed(images, model, pictures: 0..<3, compute) + texts.embed(tokens: tokens, compute: compute)
        do {
            let held = compute.memory.idleByteCounts.map { (compute.memory.take(byteCount: $0), $0) }
            #expect(!held.isEmpty)
            // Four of these bytes make a float that is no number.
            for (memory, byteCount) in held {
                memory.start.initializeMemory(as: UInt8.self, repeating: 0xFF, count: byteCount)
            }
        }
        let second = try embed(images, model, pictures: 0..<3, compute) + texts.embed(tokens: tokens, compute: compute)
        #expect(second == first)
    }

    /// Beginnings in common: a template, none, one inside another, a whole text, a text that is the beginning of another.
    private static let relatedTexts: [[Int32]] = [
        [812, 5, 6, 7, 20, 813], [812, 5, 6, 7, 21, 22, 813], [812, 9, 813], [812, 5, 6, 7, 21, 23, 813],
        [812, 5, 6, 7, 20, 813], [812, 5, 6, 30, 813], [8, 5, 813], [812, 813], [812], [812, 5, 6, 7, 21, 22, 813, 4],
        [812, 5, 6, 7, 21, 22, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 813],
    ]

    @Test(arguments: SeededModel.all, InstructionSet.available)
    func `Shared beginnings give the same bits`(_ model: SeededModel, _ instructionSet: InstructionSet) throws {
        let encoder = try TextEncoder(configuration: model.configuration, weights: model.weights())
        let one = try Compute(instructionSet: instructionSet, threads: 1)
        // Sorted, every beginning is shared; in this order a few are.
        let sorted = EncoderTests.relatedTexts.sorted { $0.lexicographicallyPrecedes($1) }
        let texts = sorted + EncoderTests.relatedTexts
        let alone = try texts.map { try encoder.embed(tokens: [$0], compute: one) }
        for threads in [1, 2, 3, 8] {
            let compute = try Compute(instructionSet: instructionSet, threads: threads)
            for count in 2...texts.count {
                let found = try encoder.embed(tokens: Array(texts[..<count]), compute: compute)
                #expect(found == alone[..<count].flatMap { $0 }, "\(count) texts, \(threads) threads")
            }
        }
        // More rows than fit at once: a beginning is then computed again.
        let many = (0..<900).map { [812, 5, 6, 7, Int32($0 % 800), 200, 813] }
        let sample = [0, 411, 412, 899]
        let found = try encoder.embed(tokens: many, compute: one)
        for index in sample {
            let expected = try encoder.embed(tokens: [many[index]], compute: one)
            #expect(Array(found[index * expected.count..<(index + 1) * expected.count]) == expected)
        }
    }

    @Test func `What texts have in common is computed once`() {
        let texts: [[Int32]] = [[1, 2, 3, 9], [1, 2, 3, 9], [1, 2, 4, 5, 9], [1, 2, 4, 6, 9], [3, 9]]
        var layout = TextLayout(whole(texts[0]), sharesBeginnings: true)
        for text in texts.dropFirst() { _ = layout.append(whole(text), limit: 100) }
        #expect(layout.tokens.map(\.id) == [1, 2, 3, 9, 4, 5, 9, 6, 9, 3, 9])
        #expect(layout.tokens.map(\.position) == [0, 1, 2, 3, 2, 3, 4, 3, 4, 0, 1])
        let read = layout.sequences.map { $0.rows.flatMap { rows in rows.map { layout.tokens[$0].id } } }
        #expect(read == texts)
        #expect(layout.sequences.map(\.pooledRow) == [3, 3, 6, 8, 10])
        #expect(layout.sequences.map(\.sharedCount) == [0, 4, 2, 3, 0])

        // A thousand labels under one template: the template's five tokens once, two for each label.
        let labelled = (0..<1000).map { whole([49406, 320, 1125, 539, 320, Int32(1000 + $0), 49407]) }
        var labels = TextLayout(labelled[0], sharesBeginnings: true)
        for text in labelled.dropFirst() { _ = labels.append(text, limit: 3000) }
        #expect(labels.tokens.count == 5 + 2 * 1000)
        let wasAdded = labels.append(whole([7]), limit: 2005)
        #expect(!wasAdded)
        #expect(labels.sequences.count == 1000)
    }

    @Test func `Texts of an encoder that is not causal share nothing`() {
        let text = TextLayout.Text(tokens: placed([1, 2, 9, 0, 0]), position: 2)
        var layout = TextLayout(text, sharesBeginnings: false)
        _ = layout.append(text, limit: 100)
        #expect(layout.tokens.map(\.id) == [1, 2, 9, 0, 0, 1, 2, 9, 0, 0])
        #expect(layout.sequences.map(\.rows) == [[0..<5], [5..<10]])
        #expect(layout.sequences.map(\.pooledRow) == [2, 7])
    }

    /// Each at its own place.
    private func placed(_ tokens: [Int32]) -> ArraySlice<PlacedToken> {
        tokens.enumerated().map { PlacedToken(id: $1, position: $0) }[...]
    }

    private func whole(_ tokens: [Int32]) -> TextLayout.Text {
        TextLayout.Text(tokens: placed(tokens), position: tokens.count - 1)
    }

    @Test func `Batches larger than a group come out in order`() throws {
        let model = SeededModel.all[0]
        let encoder = try ImageEncoder(configuration: model.configuration, weights: model.weights())
        let compute = try Compute(threads: 2)
        let found = try embed(encoder, model, pictures: 0..<130, compute)
        let last = try embed(encoder, model, pictures: 129..<130, compute)
        #expect(found.count == 130 * last.count)
        #expect(Array(found.suffix(last.count)) == last)

        let textEncoder = try TextEncoder(configuration: model.configuration, weights: model.weights())
        let texts = try model.texts().map(\.tokens)
        let many = (0..<210).map { texts[$0 % texts.count] }
        let once = try textEncoder.embed(tokens: texts, compute: compute)
        #expect(try textEncoder.embed(tokens: many, compute: compute) == (0..<15).flatMap { _ in once })
    }

    @Test func `Nothing comes of nothing`() throws {
        let model = SeededModel.all[0]
        let compute = try Compute(threads: 2)
        let imageEncoder = try ImageEncoder(configuration: model.configuration, weights: model.weights())
        let textEncoder = try TextEncoder(configuration: model.configuration, weights: model.weights())
        #expect(try imageEncoder.embed(pixels: [0], count: 0, compute: compute).isEmpty)
        #expect(try textEncoder.embed(tokens: [], compute: compute).isEmpty)
    }

    @Test func `Tokens behind the pooled one change nothing`() throws {
        let model = SeededModel.all[0]
        let encoder = try TextEncoder(configuration: model.configuration, weights: model.weights())
        let compute = try Compute(threads: 1)
        let short = try encoder.embed(tokens: [[812, 5, 813]], compute: compute)
        #expect(try encoder.embed(tokens: [[812, 5, 813, 7, 813]], compute: compute) == short)
    }

    @Test func `An encoder loads its own tower only`() throws {
        let model = SeededModel.all[0]
        let images = KeyRecorder(try model.weights())
        _ = try ImageEncoder(configuration: model.configuration, weights: images)
        #expect(images.keys.allSatisfy { $0.hasPrefix("vision_model.") || $0 == "visual_projection.weight" })
        let texts = KeyRecorder(try model.weights())
        _ = try TextEncoder(configuration: model.configuration, weights: texts)
        #expect(texts.keys.allSatisfy { $0.hasPrefix("text_model.") || $0 == "text_projection.weight" })
    }

    @Test func `A missing tensor is an error`() throws {
        let model = SeededModel.all[0]
        var configuration = model.configuration
        configuration.vision.transformer.layerCount += 1
        configuration.text.transformer.layerCount += 1
        let weights = try model.weights()
        #expect(throws: CLIPError.self) { try ImageEncoder(configuration: configuration, weights: weights) }
        #expect(throws: CLIPError.self) { try TextEncoder(configuration: configuration, weights: weights) }
    }

    @Test(arguments: [
        ([9, 3, 7, 3], TextPooling.firstToken(3), 1), ([9, 3, 7], .firstToken(4), 0),
        ([1, 5, 9, 9, 2], .largestToken, 2),
    ])
    func `Finds the pooled token`(_ tokens: [Int32], _ pooling: TextPooling, _ position: Int) {
        #expect(pooling.position(in: tokens) == position)
    }

    private func embed(
        _ encoder: ImageEncoder, _ model: SeededModel, pictures: Range<Int>, _ compute: Compute
    ) throws -> [Float] {
        try encoder.embed(pixels: pictures.flatMap(model.pixels), count: pictures.count, compute: compute)
    }

    private func check(_ found: [Float], _ expected: [Float], _ name: String) {
        let largest = expected.map(abs).max() ?? 0
        let error = zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity
        #expect(error <= 1e-5 * largest, "\(name)")
        let dot = zip(found, expected).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        let squares = { (values: [Float]) in values.reduce(0.0) { $0 + Double($1) * Double($1) } }
        #expect(dot / (squares(found) * squares(expected)).squareRoot() >= 0.999_999, "\(name)")
    }
}
