import CLIP
import CLIPSystem
import CLIPTestSupport
import Foundation
import Testing

@testable import PictureCollections

@Suite struct IndexerTests {
    /// The index holds exactly the pictures that are there, each with the embedding of its file.
    private func expectExact(_ folder: TemporaryFolder, _ model: CLIPModel, _ names: Set<String>) throws {
        let index = try PictureIndex(path: folder["in/.clip-index"])
        var found: Set<String> = []
        for number in index.pictureNumbers {
            let path = try index.picture(number).path
            #expect(found.insert(String(path.dropFirst(folder["in/"].count))).inserted)
            let expected: Embedding = try model.embed(Picture(contentsOf: URL(filePath: path)))
            #expect(try index.embedding(of: number).values == expected.values.map { Float(Float16($0)) })
        }
        #expect(try found == names && index.verify().isIntact && index.isComplete)
    }

    @Test func `Of a watch's runs that change nothing is told too, to who asks for all`() throws {
        let folder = try TemporaryFolder()
        try folder.copy(0, to: "in/a.png")
        let picture = try Data(contentsOf: URL(filePath: folder["in/a.png"]))
        var runs: [IndexUpdate] = []
        let indexer = PictureIndexer(model: try Fixtures.model())
        #expect(throws: CLIPError.self) {
            try indexer.watch(
                PathBytes(folder["i"]), roots: [PathBytes(folder["in"])],
                ran: { update throws(CLIPError) in
                    runs.append(update)
                    guard runs.count == 1 else { throw CLIPError(.cancelled, "two runs are enough") }
                    // The same bytes at another time.
                    try? folder.write(picture, to: "in/a.png")
                }, updated: { _ in })
        }
        #expect(runs.count == 2 && runs[0].added == 1 && runs[0].isWorthTelling)
        #expect(runs.last?.unchanged == 1 && runs.last?.isWorthTelling == false)
    }

    @Test func `New, changed, moved, copied and deleted pictures are found`() throws {
        let folder = try TemporaryFolder()
        let model = try Fixtures.model()
        let indexer = PictureIndexer(model: model, batchSize: 2)
        func update() throws -> IndexUpdate {
            try indexer.update(folder["in/.clip-index"], folders: [folder["in"]])
        }
        for (picture, name) in ["in/a.png", "in/b.png", "in/c/d.png"].enumerated() {
            try folder.copy(picture, to: name)
        }
        try folder.write(Data("no picture".utf8), to: "in/bad.png")
        var result = try update()
        #expect(
            result.added == 3 && result.unreadable == 1 && result.newlyUnreadable.map(\.path) == [folder["in/bad.png"]])
        try expectExact(folder, model, ["a.png", "b.png", "c/d.png"])

        result = try update()
        #expect(result.unchanged == 3 + 0 && result.added == 0)

        try folder.move("in/a.png", to: "in/c/moved.png")
        try folder.copy(3, to: "in/b.png")
        try folder.remove("in/c/d.png")
        try folder.copy(0, to: "in/copy.png")
        try folder.remove("in/bad.png")
        result = try update()
        #expect(result.moved == 1 && result.changed == 1 && result.deleted == 2 && result.unreadable == 0)
        #expect(result.added == 1 && result.copied == 1)
        try expectExact(folder, model, ["b.png", "c/moved.png", "copy.png"])

        // Names change places.
        try folder.move("in/b.png", to: "in/x.png")
        try folder.move("in/copy.png", to: "in/b.png")
        try folder.move("in/x.png", to: "in/copy.png")
        result = try update()
        #expect(result.changed == 2 && result.unchanged == 1)
        try expectExact(folder, model, ["b.png", "c/moved.png", "copy.png"])
    }

    @Test(arguments: [1, 2, 5]) func `Equal contents are embedded once in a run`(batchSize: Int) throws {
        let folder = try TemporaryFolder()
        let model = try Fixtures.model()
        let names = ["a.png", "b.png", "c/d.png", "c/e.png", "f.png"]
        for (place, name) in names.enumerated() { try folder.copy([0, 1, 0, 0, 1][place], to: "in/" + name) }
        for name in ["x", "y", "z"] { try folder.write(Data("no picture".utf8), to: "in/\(name).png") }
        let indexer = PictureIndexer(model: model, batchSize: batchSize)
        var result = try indexer.update(folder["in/.clip-index"], folders: [folder["in"]])
        #expect(result.added == 5 && result.copied == 3 && result.unreadable == 3)
        #expect(result.newlyUnreadable.map(\.path) == ["x", "y", "z"].map { folder["in/\($0).png"] })
        try expectExact(folder, model, Set(names))
        // Two that change to the same are no copies of a picture that is new.
        try folder.copy(2, to: "in/a.png")
        try folder.copy(2, to: "in/b.png")
        result = try indexer.update(folder["in/.clip-index"], folders: [folder["in"]])
        #expect(result.changed == 2 && result.added == 0 && result.copied == 0)
        try expectExact(folder, model, Set(names))
    }

    @Test func `What a folder had is taken for what another has`() throws {
        let folder = try TemporaryFolder()
        let model = try Fixtures.model()
        for (picture, name) in ["old/a.png", "old/b/c.png", "other/d.png"].enumerated() {
            try folder.copy(picture, to: name)
        }
        try folder.write(Data("no picture".utf8), to: "old/bad.png")
        let indexer = PictureIndexer(model: model)
        let (path, url) = (folder["all.index"], URL(filePath: folder["all.index"]))
        try indexer.update(path, folders: [folder["old"], folder["other"]])
        let before = try folder.data("all.index")
        func relocate(_ from: String, _ to: String) throws -> Int {
            try PictureIndex.relocate(url, from: URL(filePath: folder[from]), to: URL(filePath: folder[to]))
        }
        try FileManager.default.createDirectory(atPath: folder["new"], withIntermediateDirectories: true)
        // A folder too high, one that the index doesn't know, one that isn't there.
        try folder.move("old", to: "new/library")
        #expect(throws: CLIPError.self) { try relocate("old", "new") }
        #expect(throws: CLIPError.self) { try relocate("olf", "new/library") }
        #expect(throws: CLIPError.self) { try relocate("old", "newer") }
        #expect(try folder.data("all.index") == before)

        #expect(try relocate("old", "new/library") == 3)
        let index = try PictureIndex(path: path)
        let names = try Set(index.pictureNumbers.map { try index.picture($0).path })
        #expect(names == Set(["new/library/a.png", "new/library/b/c.png", "other/d.png"].map { folder[$0] }))
        #expect(index.sources.map(\.lastPathComponent) == ["library", "other"] && index.unreadableCount == 1)
        #expect(try index.verify().isIntact && index.isComplete)
        let update = try indexer.update(path, folders: [folder["new/library"]])
        #expect(update.unchanged == 2 && update.added == 0 && update.deleted == 0)

        // Where the other folder was indexed already, what was read there last holds.
        try FileManager.default.copyItem(atPath: folder["new/library"], toPath: folder["third"])
        try folder.copy(2, to: "third/a.png")
        try indexer.update(path, folders: [folder["third"]])
        #expect(try relocate("new/library", "third") == 3)
        let merged = try PictureIndex(path: path)
        #expect(merged.count == 3 && merged.unreadableCount == 1)
        #expect(try indexer.update(path, folders: [folder["third"]]).unchanged == 2)
    }

    @Test func `An index that is being written is read as the run before left it`() throws {
        let folder = try TemporaryFolder()
        let model = try Fixtures.model()
        try folder.copy(0, to: "in/a.png")
        let indexer = PictureIndexer(model: model, batchSize: 1)
        let path = folder["in/.clip-index"]
        try indexer.update(path, folders: [folder["in"]])
        try folder.copy(1, to: "in/b.png")
        try folder.copy(2, to: "in/c.png")
        var seen: [Int] = []
        _ = try indexer.update(PathBytes(path), roots: [PathBytes(folder["in"])]) { _ in
            let index = try? PictureIndex(path: path)
            #expect(index?.isComplete == true)
            seen.append(index?.count ?? 0)
        }
        #expect(try seen.count > 2 && Set(seen) == [1] && PictureIndex(path: path).count == 3)
    }

    @Test func `Files of equal size and time that change places are told apart, and read once`() throws {
        let folder = try TemporaryFolder()
        let model = try Fixtures.model()
        for (number, name) in ["a", "b"].enumerated() {
            var pixels = Data("P6 8 8 255\n".utf8)
            pixels.append(contentsOf: (0..<192).map { UInt8(number == 0 ? $0 : 255 - $0) })
            try folder.write(pixels, to: "in/\(name).ppm")
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: 1e9)], ofItemAtPath: folder["in/\(name).ppm"])
        }
        let indexer = PictureIndexer(model: model)
        func update() throws -> IndexUpdate {
            try indexer.update(folder["in/.clip-index"], folders: [folder["in"]])
        }
        // A file whose state changed just now is read again by the next run.
        #expect(try update().added == 2)
        sleep(3)
        #expect(try update().unchanged == 2)
        let settled = try folder.bytes("in/.clip-index")
        #expect(try update().unchanged == 2)
        #expect(try folder.bytes("in/.clip-index") == settled)
        try folder.move("in/a.ppm", to: "in/x")
        try folder.move("in/b.ppm", to: "in/a.ppm")
        try folder.move("in/x", to: "in/b.ppm")
        #expect(try PictureIndex(path: folder["in/.clip-index"]).compareWithFiles(in: [folder["in"]]).changedCount == 2)
        #expect(try update().changed == 2)
        try expectExact(folder, model, ["a.ppm", "b.ppm"])
    }

    @Test func `What older indexes have of a file holds`() throws {
        let folder = try TemporaryFolder()
        try folder.copy(0, to: "a.png")
        let status = try PathBytes(folder["a.png"]).status()
        let size = status.byteCount
        #expect(FileIdentity(byteCount: size, modified: status.modified).isSurelyThat(of: status))
        #expect(!FileIdentity(byteCount: size, modified: status.modified - 1).isSurelyThat(of: status))
        #expect(!FileIdentity(byteCount: size, modified: 0).isSurelyThat(of: status))
        let now = FileIdentity(status)
        #expect(now.modified < 0 && now.isSurelyThat(of: status))
    }

    @Test func `Weights that are written to during a run get nothing into the index`() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.copyItem(
            at: Fixtures.path.appending(path: "models/quickgelu-f32"), to: URL(filePath: folder["m"]))
        let weights = folder["m/model.safetensors"]
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1e9)], ofItemAtPath: weights)
        let model = try CLIPModel(contentsOf: URL(filePath: folder["m"]))
        for picture in 0..<4 { try folder.copy(picture, to: "in/\(picture).png") }
        let error = #expect(throws: CLIPError.self) {
            try PictureIndexer(model: model, batchSize: 2).update(folder["i"], folders: [folder["in"]]) { progress in
                guard progress.done == 2, let file = FileHandle(forUpdatingAtPath: weights) else { return }
                file.write(Data([0]))
            }
        }
        #expect(error?.kind == .model && error?.path == weights && error?.message.contains("was written to") == true)
        #expect(try PictureIndex(path: folder["i"]).count == 2)
    }

    @Test func `An index behind a link is rewritten where it is`() throws {
        let folder = try TemporaryFolder()
        try folder.copy(0, to: "in/a.png")
        try folder.copy(1, to: "in/b.png")
        try folder.write(Data(), to: "store/all.index")
        try FileManager.default.createSymbolicLink(
            atPath: folder["in/.clip-index"], withDestinationPath: "../store/all.index")
        let model = try Fixtures.model()
        try PictureIndexer(model: model).update(folder["in/.clip-index"], folders: [folder["in"]])
        try folder.remove("in/b.png")
        #expect(try PictureIndex.prune(path: folder["in/.clip-index"]).deleted == 1)
        #expect(
            try FileManager.default.destinationOfSymbolicLink(atPath: folder["in/.clip-index"]) == "../store/all.index")
        let index = try PictureIndex(path: folder["store/all.index"])
        #expect(index.count == 1 && index.supersededCount == 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder["store"]) == ["all.index"])
    }

    @Test func `An index that can't be written serves as long as nothing is to be written`() throws {
        let folder = try TemporaryFolder()
        try folder.copy(0, to: "a.png")
        try folder.write(Data(), to: "i")
        let model = try Fixtures.model()
        let header = IndexHeader(
            elementType: .float16, dimension: model.embeddingDimension, settings: PictureSettings(),
            fingerprint: model.fingerprint, modelName: "m")
        try IndexLog(path: PathBytes(folder["i"]), header: header, waits: false).seal()
        let file = try OpenFile(PathBytes(folder["i"]), O_RDONLY, kind: .index)
        file.isReadOnly = true
        let bytes = try folder.bytes("i")
        let log = try IndexLog(file, header: header)
        #expect(try log.append(pictures: []) == 0 && !log.isWorthCompacting)
        let record = EntryRecord(
            identity: FileIdentity(byteCount: 1, modified: 1), contentHash: .none, width: 0, height: 0, name: [97],
            message: [98])
        #expect(throws: CLIPError.self) { try log.append(pictures: [], failures: [record]) }
        #expect(throws: CLIPError.self) { try log.compact() }
        #expect(try folder.bytes("i") == bytes)
    }

    @Test func `A name that is not UTF-8 goes through the library by its URL`() throws {
        let folder = try TemporaryFolder()
        let model = try Fixtures.model()
        let name = PathBytes(Array(folder["in/caf"].utf8) + [0xE9] + Array(".png".utf8))
        try folder.copy(0, to: "in/cafe.png")
        #expect(
            withCString(name.bytes) { new in withCString(Array(folder["in/cafe.png"].utf8)) { rename($0, new) } } == 0)
        let (index, pictures) = (URL(filePath: folder["in/.clip-index"]), URL(filePath: folder["in"]))
        #expect(try PictureIndexer(model: model).update(index, folders: [pictures]).added == 1)
        let picture = try PictureIndex(contentsOf: index).picture(0)
        #expect(picture.url == name.url && picture.url.absoluteString.hasSuffix("/caf%E9.png"))
        let expected = try model.embed(Picture(contentsOf: Fixtures.path.appending(path: "pictures/blocks.png")))
        #expect(try model.embed(Picture(contentsOf: picture.url)) == expected)
        try model.embedEach([.file(picture.url)]) { input, result in
            let embedding = try result.get()
            #expect(input.name.hasSuffix("caf\u{FFFD}.png") && embedding == expected)
        }
        #expect(try PictureIndexer(model: model).update(index, folders: [picture.url]).unchanged == 1)
        let address = try #require(URL(string: "https://example.org/in"))
        #expect(throws: CLIPError.self) { try PictureIndexer(model: model).update(index, folders: [address]) }
    }

    @Test func `What can't be read now is no verdict on it`() throws {
        let folder = try TemporaryFolder()
        let model = try Fixtures.model()
        try folder.copy(0, to: "in/a.png")
        try folder.write(Data("no picture".utf8), to: "in/bad.png")
        try PictureIndexer(model: model).update(folder["in/.clip-index"], folders: [folder["in"]])
        let index = try PictureIndex(path: folder["in/.clip-index"])
        let preparation = FilePreparation(model: model, settings: index.settings) { _ in nil }
        let files = ["in/a.png", "in/bad.png", "in/none.png"].map { name in
            Candidate(
                path: Array(folder[name].utf8), name: Array(name.utf8),
                status: FileStatus(stat()), isRoot: false, entry: nil)
        }
        let kinds = try files.map { file in
            switch try preparation(file, threads: 1).content {
            case .known: "known"
            case .picture: "picture"
            case .unreadable: "unreadable"
            case .unreachable: "unreachable"
            case .repeated: "repeated"
            case .undecodable: "undecodable"
            }
        }
        #expect(kinds == ["picture", "unreadable", "unreachable"])
    }

    @Test func `The folder moves with its index, and folders outside a run are left alone`() throws {
        let folder = try TemporaryFolder()
        let model = try Fixtures.model()
        try folder.copy(0, to: "in/a/1.png")
        try folder.copy(1, to: "in/b/2.png")
        let indexer = PictureIndexer(model: model)
        try indexer.update(folder["in/.clip-index"], folders: [folder["in/a"], folder["in"], folder["in/b"]])
        try expectExact(folder, model, ["a/1.png", "b/2.png"])
        try folder.move("in", to: "elsewhere")
        try folder.move("elsewhere", to: "in")
        try folder.remove("in/a/1.png")
        let result = try indexer.update(folder["in/.clip-index"], folders: [folder["in/b"]])
        #expect(result.deleted == 0)
        #expect(try PictureIndex(path: folder["in/.clip-index"]).count == 2)
        #expect(try PictureIndex.prune(path: folder["in/.clip-index"]).deleted == 1)
        try expectExact(folder, model, ["b/2.png"])
        #expect(throws: CLIPError.self) {
            try indexer.update(folder["in/.clip-index"], folders: [folder["nowhere"]])
        }
    }

    @Test func `Embeddings of two models or settings never mix`() throws {
        let folder = try TemporaryFolder()
        try folder.copy(0, to: "in/a.png")
        let (first, second) = (try Fixtures.model(), try Fixtures.model("gelu-f16-sharded"))
        try PictureIndexer(model: first).update(folder["i"], folders: [folder["in"]])
        let bytes = try folder.bytes("i")
        let error = #expect(throws: CLIPError.self) {
            try PictureIndexer(model: second).update(folder["i"], folders: [folder["in"]])
        }
        for model in [first, second] {
            #expect(error?.message.contains(model.fingerprint.prefix(12)) == true)
            #expect(error?.message.contains(model.info.path) == true)
        }
        let other = #expect(throws: CLIPError.self) {
            try PictureIndexer(model: first, settings: PictureSettings(fit: .pad)).update(
                folder["i"], folders: [folder["in"]])
        }
        #expect(other?.message.contains("fit pad") == true)
        #expect(try folder.bytes("i") == bytes)
    }

    @Test func `A picture in several crops is embedded as the model does it`() throws {
        let folder = try TemporaryFolder()
        try folder.copy(3, to: "in/a.png")
        let model = try Fixtures.model()
        let settings = PictureSettings(fit: .multicrop)
        try PictureIndexer(model: model, settings: settings, vectorType: .float32).update(
            folder["i"], folders: [folder["in"]])
        let index = try PictureIndex(path: folder["i"])
        let expected: Embedding = try model.embed(
            Picture(contentsOf: URL(filePath: folder["in/a.png"])), fit: .multicrop)
        #expect(try index.embedding(of: 0) == expected && index.settings == settings)
    }
}
