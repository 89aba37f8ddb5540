import CLIP
import CLIPCompute
import CLIPSystem
import Foundation

@testable import PictureCollections

/// The small models and pictures of the library's own tests.
enum Fixtures {
    static let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "CLIPTests/Fixtures")
    static let pictures = ["blocks.png", "ring_grey.png", "speck.png", "waves.png"].map {
        path.appending(path: "pictures/\($0)").path
    }
    static let fingerprint = String(repeating: "ab", count: 32)

    static func model(_ name: String = "quickgelu-f32") throws -> CLIPModel {
        try CLIPModel(contentsOf: path.appending(path: "models/\(name)"), threads: 2)
    }

    static func picture(_ name: String) throws -> Picture {
        try Picture(contentsOf: path.appending(path: "pictures/\(name)"))
    }

    /// The photograph that comes with the package.
    static func photograph() throws -> Picture {
        let root = path.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return try Picture(contentsOf: root.appending(path: "Models/examples/cat.jpg"))
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

/// Numbers from −1 to 1 that are the same on every run.
struct SeededNumbers {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> Float {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Float(Int32(truncatingIfNeeded: state >> 32)) * 0x1p-31
    }

    mutating func embedding(_ dimension: Int) -> Embedding {
        Embedding(values: (0..<dimension).map { _ in next() }).normalized()
    }
}

/// A folder that is removed when its test ends.
final class TemporaryFolder {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "collections-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.resolvingSymlinksInPath().path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The full path of `name`.
    subscript(name: String) -> String { path + "/" + name }

    @discardableResult
    func write(_ data: Data, to name: String) throws -> String {
        let url = URL(filePath: self[name])
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: url)
        return url.path
    }

    /// Copies a fixture picture.
    func copy(_ picture: Int, to name: String) throws {
        try write(Data(contentsOf: URL(filePath: Fixtures.pictures[picture])), to: name)
    }

    func move(_ name: String, to other: String) throws {
        try FileManager.default.moveItem(atPath: self[name], toPath: self[other])
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: self[name]) }

    func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: self[name]))) }
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
