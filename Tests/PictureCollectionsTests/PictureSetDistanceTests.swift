import CLIP
import Foundation
import PictureCollections
import Testing

@Suite struct PictureSetDistanceTests {
    /// Directions around one of two axes.
    private func set(_ count: Int, axis: Int, seed: Double) -> [Embedding] {
        (0..<count).map { index in
            var values = (0..<20).map { Float(sin(seed + Double(37 * index + 11 * $0))) * 0.3 }
            values[axis] += 1
            return Embedding(values: values)
        }
    }

    /// The published formula, term by term in Double.
    private func reference(_ a: [Embedding], _ b: [Embedding]) -> Double {
        func mean(_ a: [Embedding], _ b: [Embedding]) -> Double {
            var sum = 0.0
            for x in a {
                for y in b {
                    let (x, y) = (x.normalized().values, y.normalized().values)
                    let distance = zip(x, y).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
                    sum += exp(-distance / (2 * 10 * 10))
                }
            }
            return sum / Double(a.count * b.count)
        }
        return 1000 * (mean(a, a) + mean(b, b) - 2 * mean(a, b))
    }

    @Test func `The distance is the published one`() throws {
        let (a, b) = (set(33, axis: 0, seed: 1), set(50, axis: 1, seed: 2))
        let distance = try PictureSetDistance(a, b, resamples: 40)
        let expected = reference(a, b)
        #expect(abs(distance.distance - expected) < 1e-5 * expected, "\(distance.distance), \(expected)")
        #expect(distance.counts.first == 33 && distance.counts.second == 50)
    }

    @Test func `Different sets are far apart, and that is not chance`() throws {
        let distance = try PictureSetDistance(set(40, axis: 0, seed: 1), set(40, axis: 1, seed: 2), resamples: 200)
        #expect(distance.interval.contains(distance.distance))
        #expect(distance.interval.lowerBound > distance.expectedByChance)
        #expect(abs(distance.chance - 1 / 201) < 1e-9)
    }

    @Test func `Two halves of one set differ as chance has it`() throws {
        let all = set(80, axis: 0, seed: 3)
        let distance = try PictureSetDistance(
            all.enumerated().filter { $0.offset % 2 == 0 }.map(\.element),
            all.enumerated().filter { $0.offset % 2 == 1 }.map(\.element), resamples: 200)
        #expect(distance.distance < 2 * distance.expectedByChance && distance.chance > 0.02)
        let same = try PictureSetDistance(all, all, resamples: 40)
        #expect(same.distance < 1e-4 && same.chance == 1)
    }

    @Test func `Seeds, not threads, decide the resamples`() throws {
        let (a, b) = (set(20, axis: 0, seed: 1), set(25, axis: 1, seed: 2))
        let one = try PictureSetDistance(a, b, resamples: 100, threads: 1)
        #expect(try PictureSetDistance(a, b, resamples: 100, threads: 3) == one)
        #expect(try PictureSetDistance(a, b, resamples: 100, seed: 2).interval != one.interval)
    }

    @Test func `Sets that can't be compared are refused`() {
        let one = set(1, axis: 0, seed: 1)
        let many = set(5, axis: 0, seed: 1)
        #expect(throws: CLIPError.self) { try PictureSetDistance(one, many) }
        #expect(throws: CLIPError.self) {
            try PictureSetDistance(many, [Embedding(values: [1]), Embedding(values: [2])])
        }
    }
}
