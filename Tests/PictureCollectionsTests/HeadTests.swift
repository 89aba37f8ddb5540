import CLIP
import CLIPCompute
import CLIPTestSupport
import Foundation
import Testing

@testable import PictureCollections

@Suite struct HeadTests {
    private struct Regression: Decodable {
        struct Fit: Decodable {
            let c: Double
            let weights: [[Double]]
            let intercepts: [Double]
            let shares: [[Float]]
        }
        let rows: [[Float]]
        let labels: [Int]
        let classes: Int
        let fits: [Fit]
    }

    private struct Heads: Decodable {
        let rows: [[Float]]
        let mlp: [[Float]]
        let linear: [[Float]]
    }

    private static let folder = Fixtures.folder(of: "PictureCollectionsTests")

    private func decoded<Value: Decodable>(_ name: String) throws -> Value {
        try JSONDecoder().decode(Value.self, from: Data(contentsOf: Self.folder.appending(path: name)))
    }

    private func head(
        _ examples: [[Embedding]], c: Double? = nil, words: [Embedding]? = nil, threads: Int = 1
    ) throws(CLIPError) -> PictureHead {
        try PictureHead(
            labels: examples.indices.map { "label \($0)" }, examples: examples, words: words, regressionC: c,
            logitScale: 50,
            fingerprint: Fixtures.fingerprint, modelName: "seeded", threads: threads)
    }

    @Test func `A label reaches as far as its farthest example is from the mean of its others`() throws {
        var random = SeededNumbers(seed: 4)
        let examples = [5, 1, 2, 30].map { count in
            (0..<count).map { _ in Embedding(values: random.floats(16).map { $0 + 0.5 }).normalized() }
        }
        func reach(_ pictures: [Embedding]) -> Float {
            pictures.indices.map { place in
                let others = pictures[..<place] + pictures[(place + 1)...]
                return pictures[place].similarity(to: Embedding(meanOf: Array(others), normalize: true))
            }.min() ?? 1
        }
        let reaches = try head(examples).reaches
        for label in [0, 2, 3] { #expect(abs(reaches[label] - reach(examples[label])) < 1e-6) }
        // Of one example nothing is known but what the others say.
        #expect(reaches[1] == reaches.min() && reaches[1] == min(reaches[0], reaches[2], reaches[3]))
        #expect(try head([[examples[0][0]], [examples[0][1]]]).reaches == [-1, -1])
        let opposite = Embedding(values: examples[0][0].values.map { -$0 })
        #expect(abs(try head([[examples[0][0], opposite, examples[0][0]], examples[3]]).reaches[0] + 1) < 1e-6)
    }

    @Test func `Regressions are those of scikit-learn`() throws {
        let sets: [Regression] = try decoded("regression.json")
        #expect(sets.map(\.classes) == [2, 3, 5])
        for set in sets {
            let rows = set.rows.map { Embedding(values: $0).normalized().values }
            for fit in set.fits {
                let found = try LogisticRegression(
                    rows, labels: set.labels, classes: set.classes, c: fit.c, compute: Compute(threads: 2))
                // Of two classes it has one row, the other is zero here.
                let weights = set.classes == 2 ? Array(found.weights[1...]) : found.weights
                let intercepts = set.classes == 2 ? Array(found.intercepts[1...]) : found.intercepts
                for (found, expected) in zip(weights.joined(), fit.weights.joined()) {
                    #expect(abs(found - expected) < 1e-4, "\(set.classes) classes, C = \(fit.c)")
                }
                for (found, expected) in zip(intercepts, fit.intercepts) { #expect(abs(found - expected) < 1e-4) }
                let examples = (0..<set.classes).map { label in
                    zip(set.rows, set.labels).filter { $0.1 == label }.map { Embedding(values: $0.0) }
                }
                let head = try head(examples, c: fit.c)
                for (row, shares) in zip(set.rows, fit.shares) {
                    for (found, expected) in zip(head.values(for: Embedding(values: row)), shares) {
                        #expect(abs(found - expected) < 1e-4)
                    }
                }
            }
        }
    }

    @Test func `A regression is the same to the bit on any number of threads`() throws {
        let set: Regression = try #require(try decoded("regression.json") as [Regression]?)[2]
        let rows = set.rows.map { Embedding(values: $0).normalized().values }
        let found = try [1, 2, 5].map { threads in
            try LogisticRegression(rows, labels: set.labels, classes: 5, c: 10, compute: Compute(threads: threads))
                .weights
        }
        #expect(found[0] == found[1] && found[1] == found[2])
    }

    /// Examples around a direction for each label.
    private func examples(labels: Int, each count: Int, seed: UInt64 = 3) -> [[Embedding]] {
        var numbers = SeededNumbers(seed: seed)
        return (0..<labels).map { _ in
            let middle = numbers.embedding(32)
            return (0..<count).map { _ in
                Embedding(values: zip(middle.values, numbers.embedding(32).values).map { $0 + 0.4 * $1 }).normalized()
            }
        }
    }

    @Test func `Prototypes are means, shares a softmax of their cosines`() throws {
        let examples = examples(labels: 3, each: 4)
        let head = try head(examples)
        let means = examples.map { pictures in
            Embedding(values: (0..<32).map { column in pictures.reduce(0) { $0 + $1.values[column] } })
        }
        for (label, pictures) in examples.enumerated() {
            for picture in pictures {
                let found = head.classify(picture)
                let cosines = means.map { Double(picture.similarity(to: $0)) }
                #expect(found.labels[0].label == "label \(label)" && !found.fitsNoLabel)
                #expect(abs(Double(found.labels[0].similarity) - cosines.max()!) < 1e-6)
                let powers = cosines.map { exp(50 * ($0 - cosines.max()!)) }
                #expect(abs(Double(found.labels[0].probability) - 1 / powers.reduce(0, +)) < 1e-4)
                #expect(found.labels[0].independent >= 0.5)
            }
        }
        var numbers = SeededNumbers(seed: 9)
        let other = head.classify(numbers.embedding(32))
        #expect(other.fitsNoLabel && other.labels.allSatisfy { $0.independent < 0.5 })
    }

    @Test func `Words count as one more example`() throws {
        let examples = examples(labels: 2, each: 2)
        var numbers = SeededNumbers(seed: 5)
        let words = (0..<2).map { _ in numbers.embedding(32) }
        let beside = try head(examples, words: words)
        let among = try head(zip(examples, words).map { $0 + [$1] })
        let picture = numbers.embedding(32)
        #expect(beside.values(for: picture) == among.values(for: picture))
        #expect(beside.values(for: picture) != (try head(examples)).values(for: picture))
        #expect(beside.card["words"] != nil && among.card["words"] == nil)
    }

    @Test func `A head is read back as it was written, and refused with another model`() throws {
        let folder = try TemporaryFolder()
        let model = try Fixtures.model()
        var numbers = SeededNumbers(seed: 5)
        let examples = (0..<2).map { _ in (0..<3).map { _ in numbers.embedding(model.embeddingDimension) } }
        for c in [nil, 2.0] {
            let head = try PictureHead(model: model, labels: ["a \"b\"", "ü,c"], examples: examples, regressionC: c)
            try head.write(to: URL(filePath: folder["head"]))
            let read = try PictureHead(contentsOf: URL(filePath: folder["head"]))
            #expect(read.names == head.names && read.output == .softmax && read.hasExamples)
            let picture = numbers.embedding(model.embeddingDimension)
            #expect(read.classify(picture) == head.classify(picture))
            #expect(read.card.filter { $0.key != "path" } == head.card)
            try read.check(model)
            let other = try Fixtures.model("gelu-f16-sharded")
            let error = #expect(throws: CLIPError.self) { try read.check(other) }
            #expect(error?.kind == .model && error?.message.contains("belongs to model") == true)
        }
    }

    @Test func `Heads that PyTorch made give its values`() throws {
        let golden: Heads = try decoded("heads.json")
        let mlp = try PictureHead(contentsOf: Self.folder.appending(path: "mlp.safetensors"), activation: .relu)
        let linear = try PictureHead(contentsOf: Self.folder.appending(path: "linear.safetensors"))
        #expect(mlp.names == ["output 0", "output 1", "output 2"] && mlp.output == .value && mlp.fingerprint == nil)
        #expect(linear.names == ["taste"] && linear.output == .sigmoid && linear.activation == .none)
        #expect(linear.card["license"] == "CC0-1.0" && linear.card["names"] == nil)
        for (place, row) in golden.rows.enumerated() {
            for (head, expected) in [(mlp, golden.mlp), (linear, golden.linear)] {
                for (found, expected) in zip(head.values(for: Embedding(values: row)), expected[place]) {
                    #expect(abs(found - expected) < 1e-5)
                }
            }
        }
        let error = #expect(throws: CLIPError.self) {
            try PictureHead(contentsOf: Self.folder.appending(path: "mlp.safetensors"))
        }
        #expect(error?.message.contains("doesn't say what stands between them") == true)
        #expect(!linear.hasExamples)
        let model = try Fixtures.model()
        #expect(throws: CLIPError.self) { try linear.check(model) }
    }

    @Test func `Damaged heads are refused or read, never more`() throws {
        let folder = try TemporaryFolder()
        let head = try head(examples(labels: 3, each: 2))
        try head.write(to: URL(filePath: folder["head"]))
        var random = SeededGenerator(seed: 8)
        for name in ["head", "mlp.safetensors"] {
            let whole =
                name == "head"
                ? try folder.bytes("head") : Array(try Data(contentsOf: Self.folder.appending(path: name)))
            for _ in 0..<2000 {
                try folder.write(random.damaged(whole, within: 700), to: "damaged")
                guard let read = try? PictureHead(contentsOf: URL(filePath: folder["damaged"]), activation: .gelu)
                else { continue }
                let picture = Embedding(values: [Float](repeating: 1, count: read.dimension))
                #expect(read.values(for: picture).count == read.names.count)
                if read.hasExamples { _ = read.classify(picture) }
            }
        }
    }

    @Test func `What makes no sense is refused`() throws {
        let examples = examples(labels: 2, each: 2)
        func kind(_ make: () throws -> PictureHead) -> CLIPError.Kind? {
            do { _ = try make() } catch { return (error as? CLIPError)?.kind }
            return nil
        }
        #expect(kind { try head([examples[0]]) } == .argument)
        #expect(kind { try head([examples[0], []]) } == .argument)
        #expect(kind { try head([examples[0], examples[0]]) } == .argument)
        #expect(kind { try head(examples, c: 0) } == .argument)
        #expect(kind { try head(examples, c: .infinity) } == .argument)
        #expect(kind { try head([examples[0], [Embedding(values: [1, 2])]]) } == .argument)
        #expect(kind { try head(examples, words: [examples[0][0]]) } == .argument)
    }

    @Test func `An index is classified by its embeddings`() async throws {
        let folder = try TemporaryFolder()
        let index = try Fixtures.index(at: folder["i"], count: 40, dimension: 32, type: .float32)
        let head = try head(examples(labels: 3, each: 3))
        var found: [PictureClassification] = []
        try index.classify(by: head) { found.append($0) }
        #expect(found.map(\.number) == index.pictureNumbers)
        for picture in found {
            #expect(picture.classification == head.classify(try index.embedding(of: picture.number)))
        }
        #expect(try await index.classifications(by: head).map(\.classification) == found.map(\.classification))
        let other = try Fixtures.index(at: folder["j"], count: 3, dimension: 16)
        #expect(throws: CLIPError.self) { try other.classify(by: head) { _ in } }
    }
}
