import CLIP
import CLIPTestSupport
import Foundation
import Synchronization
import Testing

@testable import PictureCollections

/// The synchronous forms and the asynchronous ones, called side by side from asynchronous functions, and cancelled.
@Suite(.timeLimit(.minutes(5))) struct ConcurrencyTests {
    private let folder: TemporaryFolder
    private let index: PictureIndex
    private let queries: [SearchQuery]
    private let filter: PictureFilter

    init() throws {
        folder = try TemporaryFolder()
        index = try Fixtures.index(at: folder["i"], count: 700, dimension: 64)
        var numbers = SeededNumbers(seed: 7)
        queries = (0..<3).map { _ in SearchQuery(numbers.embedding(64)) }
        filter = PictureFilter(keep: [numbers.embedding(64)], drop: [], threshold: 0.1)
    }

    /// Throws `CLIPError` alone, so that every form has to.
    private func bothForms() async throws(CLIPError) {
        let hits = try index.search(queries[0])
        #expect(try await index.hits(for: queries[0]).map(\.score) == hits.map(\.score))
        let all = try index.search(queries)
        #expect(try await index.hits(for: queries).map { $0.map(\.score) } == all.map { $0.map(\.score) })
        let embeddings = queries.map { $0.wanted[0].embedding }
        let nearest = try index.findNearest(to: embeddings, top: 5)
        #expect(try await index.nearest(to: embeddings, top: 5) == nearest)
        let groups = try index.findDuplicates(threshold: 0.3)
        #expect(try await index.duplicates(threshold: 0.3).map(\.kept.number) == groups.map(\.kept.number))
        let means = try index.findClusters(count: 4)
        #expect(try await index.clusters(count: 4).clusters.map(\.numbers) == means.clusters.map(\.numbers))
        let dense = try index.findClusters(reaching: 0.3)
        #expect(try await index.clusters(reaching: 0.3).noise == dense.noise)
        let outliers = try index.findOutliers()
        #expect(try await index.outliers().map(\.number) == outliers.map(\.number))
        let verdicts = try index.filter(filter)
        #expect(try await index.verdicts(of: filter).map(\.isKept) == verdicts.map(\.isKept))
        let verification = try index.verify()
        #expect(try await index.verification().pictureCount == verification.pictureCount)
        let comparison = try index.compareWithFiles()
        #expect(try await index.comparisonWithFiles().goneCount == comparison.goneCount)
    }

    @Test func `Both forms are called from an asynchronous function, and give the same`() async throws {
        try await bothForms()
    }

    @Test func `In a cancelled task every form throws that it was cancelled`() async throws {
        let (index, queries, filter, path) = (index, queries, filter, URL(filePath: folder["i"]))
        let embeddings = queries.map { $0.wanted[0].embedding }
        let model = try Fixtures.model()
        let picture = try Fixtures.picture("waves.png")
        let text = try model.embed("a dog")
        let texts: [Embedding] = try model.embed(["a dog", "a cat"])
        let head = try PictureHead(
            labels: ["a", "b"], examples: [[embeddings[0]], [embeddings[1]]], regressionC: nil, logitScale: 1,
            fingerprint: Fixtures.fingerprint, modelName: "seeded", threads: 1)
        let before = try folder.bytes("i")
        let calls: [@Sendable () async throws -> Void] = [
            { _ = try index.search(queries[0]) }, { _ = try await index.hits(for: queries) },
            { _ = try index.findNearest(to: embeddings, top: 5) },
            { _ = try await index.nearest(to: embeddings, top: 5) },
            { _ = try index.findDuplicates() }, { _ = try await index.duplicates() },
            { _ = try index.findClusters(count: 4) }, { _ = try await index.clusters(count: 4) },
            { _ = try index.findClusters(reaching: 0.3) }, { _ = try await index.clusters(reaching: 0.3) },
            { _ = try index.findOutliers() }, { _ = try await index.outliers() },
            { _ = try index.filter(filter) }, { _ = try await index.verdicts(of: filter) },
            { _ = try index.verify() }, { _ = try await index.verification() },
            { _ = try index.compareWithFiles() }, { _ = try await index.comparisonWithFiles() },
            { _ = try PictureIndex.prune(path, allowsEmpty: true) },
            { _ = try PictureSetDistance(embeddings, embeddings) },
            { _ = try Audit(model: model, pictures: [text], labels: [AuditLabel("dog"), AuditLabel("cat")]) },
            { _ = try LabelEvaluation(model: model, pictures: [text], truths: [0], labels: ["dog", "cat"]) },
            { _ = try RetrievalEvaluation(pictures: embeddings, captions: embeddings, owners: [0, 1, 2]) },
            {
                _ = try PictureHead(
                    model: model, labels: ["a", "b"], examples: [[texts[0]], [texts[1]]], regressionC: 1)
            },
            { _ = try await index.classifications(by: head) },
            { _ = try OcclusionMap(model: model, image: picture, text: text, side: 2) },
            { _ = try WordDrop.drops(model: model, image: text, text: "a big dog") },
            { _ = try await withoutBlocking { try PictureIndex.prune(path, allowsEmpty: true) } },
            { _ = try await withoutBlocking { try PictureSetDistance(embeddings, embeddings) } },
        ]
        for (place, call) in calls.enumerated() {
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                try await call()
            }
            let result = await task.result
            let error = #expect(throws: CLIPError.self, "call \(place)") { try result.get() }
            #expect(error?.kind == .cancelled, "call \(place)")
        }
        #expect(try folder.bytes("i") == before)
    }

    @Test func `What is cancelled in the middle ends there`() async throws {
        let index = index
        let calls: [@Sendable (Stop) async throws -> Void] = [
            { stop in _ = try await index.duplicates(threshold: 0.9, progress: { stop.reach($0, of: $1) }) },
            { stop in _ = try await index.clusters(reaching: 0.9, progress: { stop.reach($0, of: $1) }) },
            { stop in _ = try await index.clusters(count: 20, progress: { stop.reach($0, of: 50) }) },
            { stop in _ = try await index.outliers(progress: { stop.reach($0, of: $1) }) },
        ]
        for (place, call) in calls.enumerated() {
            let stop = Stop()
            let task = Task { try await call(stop) }
            await stop.cancel(task)
            let result = await task.result
            let error = #expect(throws: CLIPError.self, "call \(place)") { try result.get() }
            #expect(error?.kind == .cancelled && stop.count == 1, "call \(place)")
        }
    }

    /// What is in the index then is what was done, and the next run does the rest.
    @Test(arguments: [1, 2]) func `A cancelled update leaves an index that is intact`(threads: Int) async throws {
        for number in 0..<40 { try folder.copy(number % Fixtures.pictures.count, to: "in/\(number).png") }
        let model = try CLIPModel(
            contentsOf: Fixtures.path.appending(path: "models/quickgelu-f32"), threads: threads)
        let indexer = PictureIndexer(model: model, batchSize: 2)
        let (path, pictures) = (URL(filePath: folder["new"]), URL(filePath: folder["in"]))
        let stop = Stop()
        let task = Task {
            try await indexer.bringUpToDate(path, folders: [pictures]) { progress in
                if progress.done == 6 { stop.reach(6, of: 40) }
            }
        }
        await stop.cancel(task)
        let result = await task.result
        let error = #expect(throws: CLIPError.self) { try result.get() }
        #expect(error?.kind == .cancelled)
        let partial = try PictureIndex(contentsOf: path)
        let found = try await partial.verification()
        #expect(partial.count == 6 && found.damagedPaths.isEmpty && found.otherDamage.isEmpty)
        let update = try await indexer.bringUpToDate(path, folders: [pictures])
        #expect(update.unchanged == 6 && update.added == 34 && update.unreadable == 0)
        #expect(try PictureIndex(contentsOf: path).verify().isIntact)
    }

    @Test func `An update that waits for another writer can be cancelled`() async throws {
        let model = try Fixtures.model()
        let path = URL(filePath: folder["new"])
        let writer = try PictureIndexWriter(
            path, dimension: model.embeddingDimension, fingerprint: model.fingerprint, modelName: "other")
        let indexer = PictureIndexer(model: model, waits: true)
        let pictures = URL(filePath: folder.path)
        let task = Task { try await indexer.bringUpToDate(path, folders: [pictures]) }
        for _ in 0..<100 { await Task.yield() }
        task.cancel()
        let result = await task.result
        let error = #expect(throws: CLIPError.self) { try result.get() }
        #expect(error?.kind == .cancelled)
        try writer.finish()
    }

    @Test func `More searches at once than there are threads all come to their end`() async throws {
        let (index, query) = (index, queries[0])
        let expected = try index.search(query).map(\.picture.number)
        try await withThrowingTaskGroup(of: [Int].self) { group in
            for _ in 0..<64 { group.addTask { try await index.hits(for: query).map(\.picture.number) } }
            for try await found in group { #expect(found == expected) }
        }
    }
}

/// Holds work up at its first progress until its task is cancelled.
private final class Stop: Sendable {
    private let reached = Atomic(0)
    private let isCancelled = Atomic(false)

    /// How often there was progress.
    var count: Int { reached.load(ordering: .acquiring) }

    func reach(_ done: Int, of total: Int) {
        guard done > 0, done < total else { return }
        reached.add(1, ordering: .releasing)
        while !isCancelled.load(ordering: .acquiring) { usleep(100) }
    }

    func cancel(_ task: Task<some Sendable, any Error>) async {
        while count == 0 { await Task.yield() }
        task.cancel()
        isCancelled.store(true, ordering: .releasing)
    }
}
