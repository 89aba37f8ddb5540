import CLIP
import CLIPTestSupport
import Foundation
import Testing

@testable import PictureCollections

@Suite struct EvaluationTests {
    /// What CLIP_benchmark says: see the README of the fixtures.
    private struct Golden: Decodable {
        struct Labels: Decodable {
            let labels: [String]
            let truths: [Int]
            let pictures: [[Float]]
            let prompts: [[[Float]]]
            let logit_scale: Float
            let together: [String: Double?]
            let alone: [[String: Double?]]
            let calibration_error: Double
        }
        struct Captions: Decodable {
            let pictures: [[Float]]
            let captions: [[Float]]
            let owners: [Int]
            let recalls: [String: Double]
        }
        let many: Labels
        let few: Labels
        let retrieval: Captions
    }

    private func golden() throws -> Golden {
        let file = Fixtures.folder(of: "PictureCollectionsTests").appending(path: "evaluation.json")
        return try JSONDecoder().decode(Golden.self, from: Data(contentsOf: file))
    }

    private func evaluation(_ set: Golden.Labels, prompts: [[[Float]]]) throws -> LabelEvaluation {
        try LabelEvaluation(
            pictures: set.pictures.map { Embedding(values: $0) }, truths: set.truths, labels: set.labels,
            templates: prompts.indices.map { "\($0) {}" },
            prompts: prompts.map { $0.map { Embedding(values: $0) } }, logitScale: set.logit_scale, threads: 2)
    }

    @Test func `Shares of right answers are those of CLIP_benchmark on the same embeddings`() throws {
        for set in [try golden().many, try golden().few] {
            let rows = [(set.prompts, set.together)] + zip(set.prompts.map { [$0] }, set.alone)
            for (prompts, expected) in rows {
                let found = try evaluation(set, prompts: prompts)
                #expect(found.top1.value == expected["acc1"])
                #expect(found.top5?.value == expected["acc5"] ?? nil)
                let recall = try #require(expected["mean_per_class_recall"] ?? nil)
                #expect(abs(found.meanRecall - recall) < 1e-15 * 8)
            }
            let together = try evaluation(set, prompts: set.prompts)
            #expect(abs(together.calibration.expectedError - set.calibration_error) < 1e-5)
            let alone = set.alone.map { ($0["acc1"] ?? nil) ?? 0 }
            #expect(together.templates.map(\.accuracy.value) == alone.sorted(by: >))
            for finding in together.templates {
                let number = try #require(Int(finding.template.prefix(1)))
                #expect(finding.accuracy.value == alone[number])
                #expect(abs(finding.togetherAhead.value - (together.top1.value - alone[number])) < 1e-12)
                #expect(abs((finding.bestAhead?.value ?? 0) - (alone.max()! - alone[number])) < 1e-12)
            }
        }
    }

    @Test func `Captions find pictures as often as in CLIP_benchmark, and pictures captions`() throws {
        let set = try golden().retrieval
        let found = try RetrievalEvaluation(
            pictures: set.pictures.map { Embedding(values: $0) }, captions: set.captions.map { Embedding(values: $0) },
            owners: set.owners, threads: 1)
        #expect(found.recalls.map(\.k) == [1, 5, 10])
        for recall in found.recalls {
            // Its means are float32.
            #expect(
                Float(recall.picturesFound.value) == set.recalls["image_retrieval_recall@\(recall.k)"].map { Float($0) }
            )
            #expect(
                Float(recall.captionsFound.value) == set.recalls["text_retrieval_recall@\(recall.k)"].map { Float($0) })
        }
    }

    @Test func `What is counted adds up`() throws {
        let set = try golden().many
        let found = try evaluation(set, prompts: set.prompts)
        #expect(found.classes.map(\.recall.count).reduce(0, +) == set.truths.count)
        #expect(found.classes.map(\.precision.count).reduce(0, +) == set.truths.count)
        #expect(found.classes.map(\.recall.successes).reduce(0, +) == found.top1.successes)
        #expect(found.confusions.map(\.count).reduce(0, +) == found.top1.count - found.top1.successes)
        #expect(found.confusions.map(\.count) == found.confusions.map(\.count).sorted(by: >))
        #expect(found.calibration.bins.map(\.accuracy.count).reduce(0, +) == set.truths.count)
        #expect(found.classes[8].recall.count == 0 && found.classes[8].recall.interval == 0...1)
        for picture in found.pictures {
            #expect((picture.rank == 0) == (picture.answer == picture.truth))
            #expect(picture.similarity >= picture.truthSimilarity && picture.probability <= 1)
        }
    }

    @Test func `Answers are those of the classifier`() throws {
        let model = try Fixtures.model()
        let labels = ["dog", "cat", "tree"]
        let templates = ["a photo of a {}", "{}"]
        let pictures = (0..<30).map { index in
            Embedding(values: (0..<model.embeddingDimension).map { Float(sin(Double(1 + 7 * index + 3 * $0))) })
        }
        let found = try LabelEvaluation(
            model: model, pictures: pictures, truths: pictures.indices.map { $0 % 3 }, labels: labels,
            templates: templates)
        let classifier = try ZeroShotClassifier(model: model, labels: labels, templates: templates)
        for (picture, answer) in zip(pictures, found.pictures) {
            let expected = classifier.classify(picture).labels
            #expect(labels[answer.answer] == expected[0].label)
            #expect(abs(answer.probability - expected[0].probability) < 1e-4)
            #expect(abs(answer.similarity - expected[0].similarity) < 1e-5)
            #expect(expected[answer.rank].label == labels[answer.truth])
        }
    }

    @Test func `What makes no sense is refused`() throws {
        let unit = [Embedding(values: [1, 0]), Embedding(values: [0, 1])]
        func evaluate(_ pictures: [Embedding], _ truths: [Int], _ prompts: [[Embedding]]) -> CLIPError.Kind? {
            do {
                _ = try LabelEvaluation(
                    pictures: pictures, truths: truths, labels: ["a", "b"], templates: ["{}"], prompts: prompts,
                    logitScale: 100)
                return nil
            } catch { return error.kind }
        }
        #expect(evaluate(unit, [0, 1], [unit]) == nil)
        #expect(evaluate([], [], [unit]) == .argument)
        #expect(evaluate(unit, [0], [unit]) == .argument)
        #expect(evaluate(unit, [0, 2], [unit]) == .argument)
        #expect(evaluate(unit, [0, 1], [[unit[0]]]) == .argument)
        #expect(evaluate(unit, [0, 1], [[unit[0], unit[0]]]) == .argument)
        #expect(evaluate([unit[0], Embedding(values: [1])], [0, 1], [unit]) == .argument)
        #expect(throws: CLIPError.self) { try RetrievalEvaluation(pictures: unit, captions: unit, owners: [0, 2]) }
        #expect(throws: CLIPError.self) { try RetrievalEvaluation(pictures: unit, captions: [], owners: []) }
    }

    @Test func `Of 1,000 samples the intervals hold the truth in 95 of 100`() {
        var random = SeededGenerator(seed: 22)
        func uniform() -> Double { Double.random(in: 0..<1, using: &random) }
        var shares: [Double] = []
        for (truth, count) in [(0.5, 40), (0.8, 100), (0.95, 200), (0.995, 300), (0.1, 60)] {
            var held = 0
            for _ in 0..<1000 {
                let right = (0..<count).count { _ in uniform() < truth }
                if Proportion(right, of: count).interval.contains(truth) { held += 1 }
            }
            // Exact coverage wavers around 95 % since shares of so many are a few; 1,000 draws add 0.7 points.
            #expect((920...985).contains(held), "\(truth) of \(count): \(held)")
            shares.append(Double(held) / 1000)
        }
        #expect(abs(shares.reduce(0, +) / Double(shares.count) - 0.95) < 0.015)

        // Two ways of answering that are mostly right on the same pictures.
        for (both, first, second, count) in [(0.7, 0.1, 0.05, 120), (0.6, 0.15, 0.15, 80), (0.9, 0.03, 0.01, 300)] {
            var held = 0
            for _ in 0..<1000 {
                var answers: ([Bool], [Bool]) = ([], [])
                for _ in 0..<count {
                    let draw = uniform()
                    answers.0.append(draw < both + first)
                    answers.1.append(draw < both || (draw >= both + first && draw < both + first + second))
                }
                if PairedDifference(answers.0, answers.1).interval.contains(first - second) { held += 1 }
            }
            #expect((925...985).contains(held), "\(both), \(first), \(second) of \(count): \(held)")
        }
    }

    @Test func `Intervals are those that were published`() {
        // Newcombe, 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
        for (right, count, low, high) in [
            (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718),
        ] {
            let interval = Proportion(right, of: count).interval
            #expect(abs(interval.lowerBound - low) < 5e-5 && abs(interval.upperBound - high) < 5e-5)
        }
        // The same author, "Improved confidence intervals for the difference … based on paired data", table II, method 10.
        func difference(_ both: Int, _ first: Int, _ second: Int, _ neither: Int) -> ClosedRange<Double> {
            func answers(_ a: Bool, _ b: Bool, _ c: Bool, _ d: Bool) -> [Bool] {
                [(a, both), (b, first), (c, second), (d, neither)].flatMap { Array(repeating: $0, count: $1) }
            }
            return PairedDifference(answers(true, true, false, false), answers(true, false, true, false)).interval
        }
        for (cells, low, high) in [((36, 12, 2, 0), 0.0569, 0.3404), ((54, 0, 0, 0), -0.0664, 0.0664)] {
            let interval = difference(cells.0, cells.1, cells.2, cells.3)
            #expect(abs(interval.lowerBound - low) < 5e-4 && abs(interval.upperBound - high) < 5e-4, "\(interval)")
        }
    }
}
