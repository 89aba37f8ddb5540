import CLIP
import PictureCollections
import Testing

@Suite struct ScoringTests {
    @Test func `CLIPScore is two and a half times the cosine, never negative`() {
        let picture = Embedding(values: [3, 4])
        let near = CLIPScore(image: picture, text: Embedding(values: [4, 3]))
        #expect(abs(near.similarity - 0.96) < 1e-6 && abs(near.score - 2.4) < 1e-6 && near.referenceScore == nil)
        let opposite = CLIPScore(image: picture, text: Embedding(values: [-3, -4]))
        #expect(opposite.similarity == -1 && opposite.score == 0)
    }

    @Test func `RefCLIPScore is the harmonic mean with the best reference`() throws {
        let picture = Embedding(values: [1, 0])
        let caption = Embedding(values: [0.6, 0.8])
        let references = [Embedding(values: [0, 1]), Embedding(values: [-1, 0])]
        let score = try #require(CLIPScore(image: picture, text: caption, references: references).referenceScore)
        // CLIP-S is 1.5, the best cosine 0.8.
        #expect(abs(score - 2 * 1.5 * 0.8 / 2.3) < 1e-6)
        let unlike = CLIPScore(image: picture, text: caption, references: [Embedding(values: [-1, 0])])
        #expect(unlike.referenceScore == 0)
        let nothing = CLIPScore(image: picture, text: Embedding(values: [-1, 0]), references: references)
        #expect(nothing.referenceScore == 0)
    }
}
