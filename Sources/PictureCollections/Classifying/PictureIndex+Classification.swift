public import CLIP
import CLIPCompute
import CLIPThreads

/// How a picture of an index relates to labels.
public struct PictureClassification: Sendable {
    /// The number of the picture in its index.
    public let number: Int
    /// The labels for it.
    public let classification: Classification
}

extension PictureIndex {
    /// Scores labels for pictures of the index by the embeddings that it holds: no picture is read.
    /// ```swift
    /// let classifier = try ZeroShotClassifier(model: try index.model(), labels: ["dog", "cat"])
    /// try index.classify(by: classifier, top: 1) { print(try index.picture($0.number).url, $0.classification.labels[0]) }
    /// ```
    /// - Parameters:
    ///   - numbers: the pictures; nil is all of them, in the order in which they were indexed.
    ///   - classifier: of the model that made the index.
    ///   - top: how many labels of each picture are wanted; nil is all.
    ///   - threads: by default `CLIP_THREADS`, else the cores this process may use.
    ///   - body: takes one picture after another, in their order, on the caller's thread.
    /// - Throws: `CLIPError` of kind `.index` when the classifier is of another model, or a vector is damaged; what `body`
    ///   throws.
    /// - Complexity: O(pictures · labels · dimension) products. Memory: 512 products a label and thread, and the labels that are
    ///   wanted of some hundred pictures.
    public func classify(
        _ numbers: [Int]? = nil, by classifier: ZeroShotClassifier, top: Int? = nil, threads: Int? = nil,
        _ body: (PictureClassification) throws -> Void
    ) throws {
        let parts = try classification(by: classifier, top: top, threads: threads)
        try parts.batches.forEachBatch(of: inParts(numbers), size: parts.threads) { (_, results) throws in
            for result in results { for found in try result.get() { try body(found) } }
        }
    }

    /// What `classify(_:by:top:threads:_:)` finds, without blocking the caller's executor.
    /// - Complexity: as the synchronous method; memory for all labels that are wanted of all pictures.
    /// - Throws: `CLIPError` as the synchronous method; of kind `.cancelled` once the task is cancelled.
    public func classifications(
        of numbers: [Int]? = nil, by classifier: ZeroShotClassifier, top: Int? = nil, threads: Int? = nil
    ) async throws(CLIPError) -> [PictureClassification] {
        try await withoutBlocking { () throws(CLIPError) in
            var all: [PictureClassification] = []
            let parts = try classification(by: classifier, top: top, threads: threads)
            try parts.batches.forEachBatch(of: inParts(numbers), size: parts.threads) {
                (_, results) throws(CLIPError) in
                for result in results { all += try result.get() }
            }
            return all
        }
    }

    private typealias Classified = OrderedBatches<[Int], Result<[PictureClassification], CLIPError>>

    /// Classifies parts of the index, each on a thread.
    private func classification(
        by classifier: ZeroShotClassifier, top: Int?, threads: Int?
    ) throws(CLIPError) -> (batches: Classified, threads: Int) {
        try check(classifier.model)
        let threads = try Compute(threads: threads).threads
        let compute = try Compute(threads: 1)
        let prompts = try QueryRows(classifier.prompts, dimension: dimension)
        let batches = Classified(threads: threads) { numbers, _ in
            Result { () throws(CLIPError) in
                let vectors = try VectorCopy(self, numbers: numbers)
                let found = try vectors.scan(prompts, compute, initial: { [Classification]() }) {
                    found, products in
                    found += classifier.classifications(
                        of: products.all, count: products.rowCount, top: top ?? .max, compute)
                }
                return zip(numbers, found.joined()).map { PictureClassification(number: $0, classification: $1) }
            }
        }
        return (batches, threads)
    }

    /// Pictures by the block, of which the products stay in a cache.
    private func inParts(_ numbers: [Int]?) -> some Sequence<[Int]> {
        let numbers = numbers ?? pictureNumbers
        return stride(from: 0, to: numbers.count, by: PictureIndex.blockRows).lazy.map {
            Array(numbers[$0..<min($0 + PictureIndex.blockRows, numbers.count)])
        }
    }
}
