import CLIP
import CLIPCompute
import CLIPSystem
import CLIPTestSupport
import Foundation

@testable import PictureCollections

/// The small models and pictures of the library's own tests.
extension Fixtures {
    static let path = folder(of: "CLIPTests")
    static let pictures = ["blocks.png", "ring_grey.png", "speck.png", "waves.png"].map { pictureFile($0).path }
    static let fingerprint = String(repeating: "ab", count: 32)

    static func model(_ name: String = "quickgelu-f32") throws -> CLIPModel {
        try CLIPModel(contentsOf: modelFolder(name), threads: 2)
    }

    static func picture(_ name: String) throws -> Picture {
        try Picture(contentsOf: pictureFile(name))
    }

    /// The photograph that comes with the package.
    static func photograph() throws -> Picture {
        try Picture(contentsOf: example("cat.jpg"))
    }

    /// An index of seeded vectors under the names `0.png`, `1.png`…
    static func index(
        at path: String, count: Int, dimension: Int, type: VectorType = .float16, seed: UInt64 = 1, batch: Int = 1000
    ) throws -> PictureIndex {
        var numbers = SeededNumbers(seed: seed)
        let writer = try PictureIndexWriter(
            URL(filePath: path), dimension: dimension, fingerprint: fingerprint, modelName: "seeded", vectorType: type)
        let folder = URL(filePath: path).deletingLastPathComponent()
        for start in stride(from: 0, to: count, by: batch) {
            try writer.append(
                (start..<min(start + batch, count)).map {
                    PictureIndexWriter.Entry(
                        folder.appending(path: "\($0).png"), embedding: numbers.embedding(dimension), width: $0 + 1,
                        height: 2)
                })
        }
        try writer.finish()
        return try PictureIndex(path: path)
    }
}

extension SeededNumbers {
    mutating func embedding(_ dimension: Int) -> Embedding { Embedding(values: floats(dimension)).normalized() }
}

extension TemporaryFolder {
    /// Copies a fixture picture.
    func copy(_ picture: Int, to name: String) throws { try copy(URL(filePath: Fixtures.pictures[picture]), to: name) }
}

// Tests name files by text.

extension PictureIndex {
    init(path: String) throws(CLIPError) { try self.init(path: PathBytes(path)) }

    static func prune(path: String, waits: Bool = false, allowsEmpty: Bool = false) throws(CLIPError) -> IndexUpdate {
        try prune(path: PathBytes(path), waits: waits, allowsEmpty: allowsEmpty)
    }

    func compareWithFiles(in folders: [String]) throws(CLIPError) -> IndexComparison {
        try compareWithFiles(in: folders.map { PathBytes($0) })
    }
}

extension PictureIndexer {
    @discardableResult
    func update(
        _ path: String, folders: [String], progress: (IndexProgress) -> Void = { _ in }
    ) throws(CLIPError) -> IndexUpdate {
        try update(PathBytes(path), roots: folders.map { PathBytes($0) }, progress: progress)
    }
}

extension DuplicateAction {
    static func move(to path: String) -> DuplicateAction { move(to: PathBytes(path)) }
}

extension PictureIndexWriter {
    convenience init(
        path: String, dimension: Int, fingerprint: String, modelName: String,
        settings: PictureSettings = PictureSettings(), vectorType: VectorType = .float16, waits: Bool = false
    ) throws(CLIPError) {
        try self.init(
            URL(filePath: path), dimension: dimension, fingerprint: fingerprint, modelName: modelName,
            settings: settings, vectorType: vectorType, waits: waits)
    }
}

extension PictureIndexWriter.Entry {
    init(path: String, embedding: Embedding, width: Int = 0, height: Int = 0) {
        self.init(URL(filePath: path), embedding: embedding, width: width, height: height)
    }
}

extension DuplicateGroup.Handled {
    var goalText: Result<String, CLIPError> { goal.map(\.text) }
}
