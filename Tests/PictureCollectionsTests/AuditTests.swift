import CLIP
import CLIPTestSupport
import Foundation
import PictureCollections
import Testing

@Suite struct AuditTests {
    private let labels = [AuditLabel("dog", otherNames: ["puppy", "hound"]), AuditLabel("cat"), AuditLabel("tree")]

    private func pictures(_ model: CLIPModel) throws -> [Embedding] {
        (0..<40).map { index in
            Embedding(values: (0..<model.embeddingDimension).map { Float(sin(Double(1 + 7 * index + 3 * $0))) })
                .normalized()
        }
    }

    @Test func `Answers are those of the classifier, template by template`() throws {
        let model = try Fixtures.model()
        let pictures = try pictures(model)
        let templates = ["a photo of a {}", "{}", "this is a {}"]
        let audit = try Audit(model: model, pictures: pictures, labels: labels, templates: templates)
        var flips = 0
        for (picture, finding) in zip(pictures, audit.pictures) {
            let answers = try templates.map { template in
                try ZeroShotClassifier(model: model, labels: ["dog", "cat", "tree"], templates: [template])
                    .classify(picture).labels[0].label
            }
            #expect(finding.answers == answers)
            flips += Set(answers).count > 1 ? 1 : 0
        }
        #expect(audit.templateFlipRate == Double(flips) / 40)
        #expect(audit.pictures.allSatisfy { $0.synonymAnswers.count == 2 })
        #expect(audit.synonymFlipRate == Double(audit.pictures.count { $0.flipsWithSynonym }) / 40)
        #expect(audit.labelFindings.map(\.count).reduce(0, +) == 40)
        #expect(abs(audit.labelFindings.map(\.representation).reduce(0, +) - 3) < 1e-9)
    }

    @Test func `A lean that was put in is found, and none where there is none`() throws {
        let model = try Fixtures.model()
        let label = try model.embed("a photo of a dog")
        let pictures = try pictures(model).enumerated().map { index, picture in
            // The first group is moved towards the label.
            Embedding(values: zip(picture.values, label.values).map { $0 + (index < 20 ? 0.3 * $1 : 0) })
        }
        let groups = (0..<40).map { $0 < 20 ? "near" : "far" }
        let audit = try Audit(
            model: model, pictures: pictures, labels: labels, templates: ["a photo of a {}"], groups: groups,
            permutations: 200)
        let near = try #require(audit.associations.first { $0.label == "dog" && $0.group == "near" })
        let far = try #require(audit.associations.first { $0.label == "dog" && $0.group == "far" })
        #expect(near.effectSize > 0.8 && near.chance < 0.05 && near.skew > 0 && near.groupCount == 20)
        #expect(abs(near.effectSize + far.effectSize) < 1e-9 && far.skew < near.skew)

        let shuffled = try Audit(
            model: model, pictures: pictures, labels: labels, templates: ["a photo of a {}"],
            groups: (0..<40).map { $0 % 2 == 0 ? "even" : "odd" }, permutations: 200)
        let even = try #require(shuffled.associations.first { $0.label == "dog" && $0.group == "even" })
        #expect(abs(even.effectSize) < 0.6 && even.chance > 0.05)
        #expect(try Audit(model: model, pictures: pictures, labels: labels, groups: []).associations.isEmpty)
    }

    @Test func `Labels may have several names`() {
        #expect(AuditLabel(parsing: "dog| puppy |hound") == labels[0])
        #expect(AuditLabel(parsing: "cat") == labels[1])
    }
}
