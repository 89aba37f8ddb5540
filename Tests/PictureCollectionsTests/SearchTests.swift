import CLIP
import CLIPTestSupport
import Foundation
import CLIPCompute
import CLIPWeights
import Testing

@testable import PictureCollections

@Suite struct SearchTests {
    /// Every product in double precision, best first, equal ones by number.
    private func reference(_ index: PictureIndex, _ query: Embedding) throws -> [(number: Int, score: Double)] {
        try index.pictureNumbers.map { number in
            let vector = try index.embedding(of: number).values
            return (number, zip(vector, query.values).reduce(0) { $0 + Double($1.0) * Double($1.1) })
        }.sorted { ($1.score, $0.number) < ($0.score, $1.number) }
    }

    @Test(arguments: InstructionSet.available, VectorType.allCases)
    func `The nearest are those of brute force, whatever batch, threads and segments`(
        _ instructionSet: InstructionSet, _ type: VectorType
    ) throws {
        let folder = try TemporaryFolder()
        let index = try Fixtures.index(at: folder["i"], count: 1237, dimension: 70, type: type, batch: 333)
        var numbers = SeededNumbers(seed: 99)
        let queries = (0..<131).map { _ in numbers.embedding(70) }
        var first: [[Neighbor]]?
        for threads in [1, 2, 5] {
            let compute = try Compute(instructionSet: instructionSet, threads: threads)
            let found = try index.nearest(to: queries, top: 10, compute)
            if first == nil { first = found }
            #expect(found == first)
            for query in [0, 64, 130] {
                #expect(try index.nearest(to: [queries[query]], top: 10, compute) == [found[query]])
                let expected = try reference(index, queries[query]).prefix(10)
                #expect(found[query].map(\.number) == expected.map(\.number))
                for (a, b) in zip(found[query], expected) { #expect(abs(Double(a.score) - b.score) < 1e-6) }
            }
        }
    }

    @Test func `Equal scores come in the order of numbers, removed pictures not at all`() throws {
        let folder = try TemporaryFolder()
        func write(_ pictures: [PictureIndexWriter.Entry]) throws {
            let writer = try PictureIndexWriter(
                path: folder["i"], dimension: 2, fingerprint: Fixtures.fingerprint, modelName: "m")
            try writer.append(pictures)
            try writer.finish()
        }
        let same = Embedding(values: [0.6, 0.8])
        try write((0..<40).map { .init(path: "\($0)", embedding: same) })
        try write([.init(path: "0", embedding: Embedding(values: [-1, 0])), .init(path: "x", embedding: same)])
        let index = try PictureIndex(path: folder["i"])
        let found = try index.findNearest(to: [same], top: 50)[0]
        #expect(found.map(\.number) == Array(1..<40) + [41, 40])
        #expect(try index.findNearest(to: [same], top: 3)[0].map(\.number) == [1, 2, 3])
        #expect(try index.findNearest(to: [same], top: 0) == [[]])
    }

    @Test func `A picture's bytes are handed on as long as they are those that were indexed`() throws {
        let folder = try TemporaryFolder()
        try folder.copy(Fixtures.example("teapot.png"), to: "a.png")
        let bytes = try folder.bytes("a.png")
        let writer = try PictureIndexWriter(
            path: folder["i"], dimension: 2, fingerprint: Fixtures.fingerprint, modelName: "m")
        let point = point(10)
        let hash = bytes.withUnsafeBytes { SHA256.hexadecimal(of: $0) }
        let url = URL(filePath: folder["a.png"])
        for wrong in ["", String(hash.dropLast()), hash.uppercased(), hash + "0", "g" + hash.dropFirst()] {
            let fault = #expect(throws: CLIPError.self) {
                try writer.append([.init(url, embedding: point, contentHash: wrong)])
            }
            #expect(fault?.kind == .argument)
        }
        try writer.append([
            .init(url, embedding: point, contentHash: hash),
            .init(URL(filePath: folder["unknown.png"]), embedding: point),
        ])
        try writer.finish()
        try folder.write(bytes, to: "unknown.png")
        let index = try PictureIndex(path: folder["i"])
        let picture = try index.picture(0)
        #expect(try picture.fileBytes() == bytes && picture.contentHash == hash)
        func isRefused(_ picture: IndexedPicture, _ words: String) -> Bool {
            let fault = #expect(throws: CLIPError.self) { try picture.fileBytes() }
            return fault?.kind == .picture && fault?.description.contains(words) == true
        }
        #expect(isRefused(try index.picture(1), "its file has changed since it was indexed"))
        try folder.write(bytes + [0], to: "a.png")
        #expect(isRefused(picture, "a.png: its file has changed since it was indexed"))
        try folder.remove("a.png")
        #expect(isRefused(picture, "a.png: can't be opened"))
    }

    /// Pictures at angles around a circle, named by their degrees.
    private func circle(_ folder: TemporaryFolder) throws -> PictureIndex {
        let writer = try PictureIndexWriter(
            path: folder["i"], dimension: 2, fingerprint: Fixtures.fingerprint, modelName: "m", vectorType: .float32)
        try writer.append(
            stride(from: 0, to: 360, by: 10).map { .init(path: "\(folder.path)/a/\($0).png", embedding: point($0)) })
        try writer.finish()
        return try PictureIndex(path: folder["i"])
    }

    private func point(_ degrees: Int) -> Embedding {
        let angle = Double(degrees) / 180 * .pi
        return Embedding(values: [Float(cos(angle)), Float(sin(angle))])
    }

    private func names(_ hits: [SearchHit]) -> [String] {
        hits.map { URL(filePath: $0.picture.path).deletingPathExtension().lastPathComponent }
    }

    @Test func `Several terms count by their weights`() throws {
        let folder = try TemporaryFolder()
        let index = try circle(folder)
        var query = SearchQuery([.init(point(0)), .init(point(90))])
        #expect(names(try index.search(query, top: 2)).sorted() == ["40", "50"])
        query.wanted[1].weight = 3
        let hits = try index.search(query, top: 1)
        #expect(names(hits) == ["70"])
        #expect(
            hits[0].cosines.count == 2 && abs(hits[0].score - (hits[0].cosines[0] + 3 * hits[0].cosines[1]) / 4) < 1e-6)
        query.wanted[1].weight = -1
        #expect(["310", "320"].contains(names(try index.search(query, top: 1))[0]))
    }

    @Test func `An excluded text drops what matches it better, and subtracts nothing`() throws {
        let folder = try TemporaryFolder()
        let index = try circle(folder)
        var query = SearchQuery(point(0))
        query.excluded = [.init(point(40))]
        let hits = try index.search(query, top: 40)
        // The border is at 20 and at 200 degrees; on it neither is greater.
        let expected = try index.search(SearchQuery(point(0)), top: 40).filter { hit in
            let angle = Int(names([hit])[0])!
            return angle <= 20 || angle >= 200
        }
        #expect(names(hits) == names(expected) || names(hits).count == expected.count)
        #expect(zip(hits, expected).allSatisfy { abs($0.0.score - $0.1.score) < 1e-6 })
        query.exclusionThreshold = 0.9
        #expect(Set(names(try index.search(query, top: 40))).isDisjoint(with: ["20", "30", "40", "50", "60"]))
        #expect(try index.search(query, top: 40).count == 31)
    }

    @Test func `Like is compared with like`() throws {
        let folder = try TemporaryFolder()
        let index = try circle(folder)
        var query = SearchQuery([.init(point(0), kind: .picture)])
        query.excluded = [.init(point(40), kind: .text)]
        #expect(throws: CLIPError.self) { try index.search(query) }
        query.background = [point(10)]
        #expect(!names(try index.search(query, top: 8)).contains("30"))
        #expect(names(try index.search(query, top: 8)).contains("20"))
        query.excluded = [.init(point(40), kind: .picture)]
        #expect(names(try index.search(query, top: 40)).contains("350"))
        query.wanted[0].kind = .text
        let error = #expect(throws: CLIPError.self) { try index.search(query) }
        #expect(error?.kind == .argument)
    }

    @Test func `Thresholds and paths choose, several queries give what each gives alone`() throws {
        let folder = try TemporaryFolder()
        let index = try circle(folder)
        var near = SearchQuery(point(0))
        near.threshold = 0.98
        #expect(Set(names(try index.search(near, top: 10))) == ["0", "10", "350"])
        var named = SearchQuery(point(0))
        named.paths = Glob("1?0.png")
        #expect(names(try index.search(named, top: 2)) == ["100", "110"])
        named.background = [point(90)]
        #expect(try index.search(named, top: 1)[0].fits == false)
        let together = try index.search([near, named], top: 2)
        #expect(together.map { names($0) } == [names(try index.search(near, top: 2)), ["100", "110"]])
        #expect(throws: CLIPError.self) { try index.search(SearchQuery([])) }
        #expect(throws: CLIPError.self) { try index.search(SearchQuery(Embedding(values: [1, 2, 3]))) }
    }
}
