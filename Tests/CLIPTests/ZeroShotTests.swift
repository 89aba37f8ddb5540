import CLIPTestSupport
import Foundation
import Testing

@testable import CLIP

@Suite struct ZeroShotTests {
    private let model: CLIPModel
    private let labels = ["dog", "red car", "naïve café", "x"]
    private let templates = ["a photo of a {}", "{}, and {} again", "a very bad drawing of the {}."]

    init() throws {
        model = try CLIPModel(contentsOf: Fixtures.model("quickgelu-f32"))
    }

    private func unit(_ values: [Double]) -> [Double] {
        let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return values.map { $0 / length }
    }

    private func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

    private func mean(_ rows: [[Double]]) -> [Double] {
        rows[0].indices.map { index in rows.reduce(0) { $0 + $1[index] } / Double(rows.count) }
    }

    /// A text's embedding in Double, of length 1.
    private func embed(_ text: String) throws -> [Double] {
        unit(try model.embed(text, normalize: false).values.map(Double.init))
    }

    @Test func `Scores are those of the formulas in Double`() throws {
        let image = try Picture(contentsOf: Fixtures.picture("waves.png"))
        let picture = unit(try model.embed(image, normalize: false).values.map(Double.init))
        let classifier = try ZeroShotClassifier(model: model, labels: labels, templates: templates)
        let result = try classifier.classify(image)

        func ensemble(_ noun: String) throws -> [Double] {
            unit(mean(try templates.map { try embed($0.replacing("{}", with: noun)) }))
        }
        let cosines = try labels.map { dot(picture, try ensemble($0)) }
        let background =
            try ["thing", "object"].map { dot(picture, try ensemble($0)) }
            + ["a photo", "a picture of something", "an object"].map { dot(picture, try embed($0)) }
        let scale = Double(model.logitScale)
        let sum = cosines.reduce(0) { $0 + exp(scale * $1) }
        for (label, cosine) in zip(labels, cosines) {
            let score = try #require(result.labels.first { $0.label == label })
            #expect(abs(Double(score.similarity) - cosine) < 1e-6)
            #expect(abs(Double(score.probability) - exp(scale * cosine) / sum) < 1e-5)
            let independent = 1 / (1 + exp(-scale * (cosine - (background.max() ?? 0))))
            #expect(abs(Double(score.independent) - independent) < 1e-5)
        }
        #expect(result.labels.map(\.similarity) == result.labels.map(\.similarity).sorted(by: >))
        #expect(abs(result.labels.reduce(0) { $0 + $1.probability } - 1) < 1e-5)
        let shares = result.labels.map(\.probability)
        #expect(result.isAmbiguous == (shares[1] > shares[0] / 2))
        #expect(result.fitsNoLabel == result.labels.allSatisfy { $0.independent <= 0.5 })
        #expect(classifier.classify(try model.embed(image)) == result)
    }

    @Test func `What is exactly a label is that label, what is exactly nothing in particular is none`() throws {
        let classifier = try ZeroShotClassifier(model: model, labels: labels)
        let dog = classifier.classify(try model.embed("a photo of a dog"))
        #expect(dog.labels[0].label == "dog" && dog.labels[0].similarity > 0.99999)
        #expect(!dog.fitsNoLabel && dog.labels[0].independent > 0.5)
        for text in ["a photo", "a picture of something", "a photo of a thing"] {
            let nothing = classifier.classify(try model.embed(text))
            #expect(nothing.fitsNoLabel, "\(text)")
            #expect(abs(nothing.labels.reduce(0) { $0 + $1.probability } - 1) < 1e-5)
        }
    }

    @Test func `Two labels as near are ambiguous, and keep their order`() throws {
        let scores = [("b", 0.4), ("a", 0.4), ("c", 0.2)].map {
            LabelScore(label: $0.0, probability: $0.1, similarity: $0.1, independent: $0.1)
        }
        let result = Classification(scores, background: 0)
        #expect(result.labels.map(\.label) == ["b", "a", "c"])
        #expect(result.labels[0].probability == result.labels[1].probability && result.isAmbiguous)
        let single = try ZeroShotClassifier(model: model, labels: ["dog"]).classify(try model.embed("x"))
        #expect(single.labels[0].probability == 1 && !single.isAmbiguous)
    }

    @Test(arguments: [["Dog", "dog"], ["red car", "dog", "Red  car"], ["dog", "\u{a0}dog"]])
    func `Labels that are one to the model are an error`(labels: [String]) {
        let message = refusal { _ = try ZeroShotClassifier(model: model, labels: labels) }
        #expect(message?.contains("are the same to this model") == true)
    }

    @Test(
        arguments: [
            ([], ["a {}"], "no labels"), (["a", " \n"], ["a {}"], "label 2 of 2 is empty"),
            (["a", "b", "a"], ["a {}"], "the label \"a\" is there twice"), (["a"], [], "no template"),
            (["a"], ["a {}", "of a"], "the template \"of a\" has no {}"),
        ] as [([String], [String], String)])
    func `Labels and templates that make no sense are errors`(labels: [String], templates: [String], part: String) {
        let message = refusal { _ = try ZeroShotClassifier(model: model, labels: labels, templates: templates) }
        #expect(message?.contains(part) == true)
    }
}
