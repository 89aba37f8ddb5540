import CLIP
import CLIPSystem
import CLIPTestSupport
import Foundation
import CLIPCompute
import Testing

@testable import PictureCollections

@Suite struct CurationTests {
    /// Seeded vectors in bundles: copies of a few directions with noise, and loners.
    private func bundles(_ folder: TemporaryFolder, count: Int, dimension: Int = 24) throws -> PictureIndex {
        var numbers = SeededNumbers(seed: 5)
        let directions = (0..<12).map { _ in numbers.embedding(dimension).values }
        let writer = try PictureIndexWriter(
            path: folder["i"], dimension: dimension, fingerprint: Fixtures.fingerprint, modelName: "m")
        try writer.append(
            (0..<count).map { index in
                let noise = numbers.embedding(dimension).values
                let spread: Float = index % 13 == 12 ? 50 : index % 3 == 0 ? 0.2 : 0.45
                let values = zip(directions[index % 13 % 12], noise).map { $0 + spread * $1 }
                return .init(
                    path: "\(folder.path)/\(index).png", embedding: Embedding(values: values),
                    width: 1 + index * 37 % 50,
                    height: 3)
            })
        try writer.finish()
        return try PictureIndex(path: folder["i"])
    }

    private func cosine(_ index: PictureIndex, _ a: Int, _ b: Int) throws -> Double {
        zip(try index.embedding(of: a).values, try index.embedding(of: b).values).reduce(0) {
            $0 + Double($1.0) * Double($1.1)
        }
    }

    @Test(arguments: [1, 3])
    func `Duplicates are those of brute force`(threads: Int) throws {
        let folder = try TemporaryFolder()
        let index = try bundles(folder, count: 700)
        let groups = try index.findDuplicates(threshold: 0.95, threads: threads)
        // The rule, word for word: from the largest to the smallest, each takes the smaller ones near it. Of equals the
        // shortest path comes first.
        let numbers = index.pictureNumbers
        let vectors = try numbers.map { try index.embedding(of: $0).values.map(Double.init) }
        let order = try numbers.sorted {
            let (a, b) = (try index.picture($0), try index.picture($1))
            return (b.width * b.height, a.path.utf8.count, a.path) < (a.width * a.height, b.path.utf8.count, b.path)
        }
        var taken: Set<Int> = []
        var expected: [[Int]] = []
        for (rank, first) in order.enumerated() where !taken.contains(first) {
            let near = order[(rank + 1)...].filter { other in
                !taken.contains(other) && zip(vectors[first], vectors[other]).reduce(0) { $0 + $1.0 * $1.1 } >= 0.95
            }
            taken.formUnion(near)
            if !near.isEmpty { expected.append([first] + near) }
        }
        #expect(expected.count > 10)
        #expect(groups.map { [$0.kept.number] + $0.duplicates.map(\.picture.number) } == expected)
        for group in groups {
            for duplicate in group.duplicates {
                #expect(!duplicate.isExact)
                let cosine = try cosine(index, group.kept.number, duplicate.picture.number)
                #expect(abs(cosine - Double(duplicate.similarity)) < 1e-6)
            }
        }
    }

    @Test func `Files of the same bytes are found first, and handled without loss`() throws {
        let folder = try TemporaryFolder()
        for (picture, names) in [0: ["a.png", "b/c.png", "d.png"], 1: ["e.png"], 3: ["f.png", "g.png"]] {
            for name in names { try folder.copy(picture, to: "in/" + name) }
        }
        let indexer = PictureIndexer(model: try Fixtures.model())
        try indexer.update(folder["in/.clip-index"], folders: [folder["in"]])
        let index = try PictureIndex(path: folder["in/.clip-index"])
        let groups = try index.findDuplicates(threshold: nil)
        #expect(groups.count == 2 && groups.flatMap(\.duplicates).allSatisfy(\.isExact))
        let names = groups.map { [$0.kept.path] + $0.duplicates.map(\.picture.path) }
        let expected = [["a.png", "d.png", "b/c.png"], ["f.png", "g.png"]].map { $0.map { folder["in/" + $0] } }
        #expect(Set(names) == Set(expected))
        #expect(try index.findDuplicates(threshold: 0.9999).map { $0.duplicates.count }.reduce(0, +) == 3)

        // A file that is no longer what was indexed is left alone.
        try folder.copy(1, to: "in/d.png")
        let three = try #require(groups.first { $0.duplicates.count == 2 })
        let linked = three.perform(.link)
        #expect(linked.map { (try? $0.goalText.get()) != nil } == [false, true])
        #expect(try folder.bytes("in/d.png") == folder.bytes("in/e.png"))
        let inode = { (name: String) in
            try FileManager.default.attributesOfItem(atPath: folder[name])[.systemFileNumber] as? Int
        }
        let inodes = try ["in/a.png", "in/b/c.png", "in/d.png"].map(inode)
        #expect(inodes[0] == inodes[1] && inodes[0] != inodes[2])

        let two = try #require(groups.first { $0.duplicates.count == 1 })
        let content = try folder.bytes("in/g.png")
        let moved = two.perform(.move(to: folder["aside"]))
        let target = try #require(try moved.first?.goalText.get())
        #expect(target.hasPrefix(folder["aside"] + "/") && target.hasSuffix("/in/g.png"))
        #expect(try Array(Data(contentsOf: URL(filePath: target))) == content)
        #expect(!FileManager.default.fileExists(atPath: folder["in/g.png"]))
        // A move that could not take the old name away is completed by the next.
        try FileManager.default.linkItem(atPath: target, toPath: folder["in/g.png"])
        #expect(try two.perform(.move(to: folder["aside"])).first?.goalText.get() == target)
        #expect(!FileManager.default.fileExists(atPath: folder["in/g.png"]))
        #expect(try Array(Data(contentsOf: URL(filePath: target))) == content)
        // Nothing is replaced, neither by a second move nor where the kept file has gone.
        try folder.copy(3, to: "in/g.png")
        #expect((try? two.perform(.move(to: folder["aside"])).first?.goalText.get()) == nil)
        try folder.remove("in/f.png")
        #expect((try? two.perform(.move(to: folder["other"])).first?.goalText.get()) == nil)
        #expect(FileManager.default.fileExists(atPath: folder["in/g.png"]))
    }

    @Test func `What was moved aside is not moved deeper by the next run`() throws {
        let folder = try TemporaryFolder()
        for name in ["in/a.png", "in/dups/in/b.png", "in/dups/in/c.png"] { try folder.copy(0, to: name) }
        let group = try #require(try index(folder).findDuplicates(threshold: nil).first)
        for handled in group.perform(.move(to: folder["in/dups"])) {
            #expect {
                try handled.goalText.get()
            } throws: {
                "\($0)".contains("is in \(folder["in/dups"]) already")
            }
        }
        #expect(FileManager.default.fileExists(atPath: folder["in/dups/in/b.png"]))
        #expect(FileManager.default.fileExists(atPath: folder["in/dups/in/c.png"]))
    }

    /// The index of a folder `in`, made anew.
    private func index(_ folder: TemporaryFolder) throws -> PictureIndex {
        try PictureIndexer(model: try Fixtures.model()).update(folder["in/.clip-index"], folders: [folder["in"]])
        return try PictureIndex(path: folder["in/.clip-index"])
    }

    @Test(arguments: [DuplicateAction.link, .move(to: "aside")])
    func `A symbolic link is never kept, moved or replaced`(action: DuplicateAction) throws {
        let folder = try TemporaryFolder()
        try folder.copy(0, to: "in/long name.png")
        try folder.copy(0, to: "in/the other copy.png")
        let content = try folder.bytes("in/long name.png")
        try FileManager.default.createSymbolicLink(
            atPath: folder["in/a.png"], withDestinationPath: "the other copy.png")
        let index = try index(folder)
        #expect(index.count == 3)
        var leftOut: [String] = []
        let groups = try index.findDuplicates(threshold: nil, leftOut: { leftOut += $1 == .link ? [$0.path] : [] })
        #expect(leftOut == [folder["in/a.png"]])
        let group = try #require(groups.first)
        // The link leads to one of two equals: that one stays.
        #expect(group.kept.path == folder["in/the other copy.png"])
        #expect(group.duplicates.map(\.picture.path) == [folder["in/long name.png"]])
        let action = action.folder == nil ? action : .move(to: folder["aside"])
        let handled = group.perform(action)
        #expect(handled.count == 1 && (try? handled[0].goalText.get()) != nil)
        #expect(try folder.bytes("in/the other copy.png") == content && folder.bytes("in/a.png") == content)
        let type = try FileManager.default.attributesOfItem(atPath: folder["in/the other copy.png"])[.type]
        #expect(type as? FileAttributeType == .typeRegular)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder["in/a.png"]) == "the other copy.png")
        #expect(try index.findDuplicates(threshold: nil).isEmpty)
    }

    @Test func `Names of one file are one picture, in the list and when it is handled`() throws {
        let folder = try TemporaryFolder()
        for name in ["in/b.png", "in/copy.png"] { try folder.copy(0, to: name) }
        let link = { (old: String, new: String) in
            try FileManager.default.linkItem(atPath: folder[old], toPath: folder[new])
        }
        try link("in/b.png", "in/b2.png")
        try link("in/copy.png", "in/copy2.png")
        let index = try index(folder)
        let group = try #require(try index.findDuplicates(threshold: nil).first)
        #expect(group.kept.path == folder["in/b.png"] && group.duplicates.count == 1)
        #expect(group.duplicates[0].picture.path == folder["in/copy.png"])
        #expect(group.duplicates[0].otherNames.map(\.path) == [folder["in/copy2.png"]])
        // Near duplicates are compared by the same names.
        #expect(try index.findDuplicates(threshold: 0.99).flatMap(\.duplicates).count == 1)
        let handled = group.perform(.link)
        #expect(handled.map { (try? $0.goalText.get()) != nil } == [true, true])
        #expect(
            try index.findDuplicates(threshold: nil).isEmpty
                && self.index(folder).findDuplicates(threshold: nil).isEmpty)
        // What was linked in between is not the only copy to be moved away.
        #expect(group.perform(.move(to: folder["aside"])).allSatisfy { (try? $0.goalText.get()) == nil })
        for name in ["in/b.png", "in/b2.png", "in/copy.png", "in/copy2.png"] {
            #expect(FileManager.default.fileExists(atPath: folder[name]))
        }
    }

    @Test func `All names of a duplicate move`() throws {
        let folder = try TemporaryFolder()
        for name in ["in/a.png", "in/copy.png"] { try folder.copy(0, to: name) }
        for (old, new) in [("in/a.png", "in/a2.png"), ("in/copy.png", "in/copy2.png")] {
            try FileManager.default.linkItem(atPath: folder[old], toPath: folder[new])
        }
        let group = try #require(try index(folder).findDuplicates(threshold: nil).first)
        let goals = try group.perform(.move(to: folder["aside"])).map { try $0.goalText.get() }
        #expect(goals.count == 2 && goals.allSatisfy { FileManager.default.fileExists(atPath: $0) })
        let left = try FileManager.default.contentsOfDirectory(atPath: folder["in"]).filter { $0.hasSuffix("png") }
        #expect(left.sorted() == ["a.png", "a2.png"])
    }

    @Test func `Of equals the shortest path is kept, whatever the alphabet says`() throws {
        let folder = try TemporaryFolder()
        for name in ["in/album.png", "in/@cache/album.png/THUMB.png"] { try folder.copy(0, to: name) }
        let group = try #require(try index(folder).findDuplicates(threshold: nil).first)
        #expect(group.kept.path == folder["in/album.png"])
    }

    @Test func `What has gone is not kept, and a file that changes is left alone`() throws {
        let folder = try TemporaryFolder()
        for name in ["in/a.png", "in/bb.png", "in/ccc.png"] { try folder.copy(0, to: name) }
        let index = try index(folder)
        let before = try #require(try index.findDuplicates(threshold: nil).first)
        try folder.remove("in/a.png")
        var leftOut: [LeftOutPicture] = []
        let group = try #require(try index.findDuplicates(threshold: nil, leftOut: { leftOut.append($1) }).first)
        #expect(leftOut == [.gone] && group.kept.path == folder["in/bb.png"] && group.duplicates.count == 1)
        // The kept one went, or became a link to the duplicate: nothing is done.
        for _ in 0..<2 {
            for action in [DuplicateAction.link, .move(to: folder["aside"])] {
                #expect(before.perform(action).allSatisfy { (try? $0.goalText.get()) == nil })
            }
            if !FileManager.default.fileExists(atPath: folder["in/a.png"]) {
                try FileManager.default.createSymbolicLink(
                    atPath: folder["in/a.png"], withDestinationPath: "bb.png")
            }
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder["in"])
        #expect(names.filter { $0.hasSuffix("png") }.sorted() == ["a.png", "bb.png", "ccc.png"])
        #expect(!names.contains { $0.hasSuffix("tmp") })
    }

    #if os(Linux)
    @Test func `Duplicates move to another file system as they are`() throws {
        let folder = try TemporaryFolder()
        for name in ["a.png", "b.png"] { try folder.copy(0, to: "in/" + name) }
        let original = folder["in/b.png"]
        let date = Date(timeIntervalSince1970: 1_000_000_000)
        try FileManager.default.setAttributes(
            [.modificationDate: date, .posixPermissions: 0o640], ofItemAtPath: original)
        let content = try folder.bytes("in/b.png")
        try PictureIndexer(model: try Fixtures.model()).update(folder["in/.clip-index"], folders: [folder["in"]])
        let group = try #require(try PictureIndex(path: folder["in/.clip-index"]).findDuplicates(threshold: nil).first)
        let system = { (path: String) in
            (try? FileManager.default.attributesOfItem(atPath: path))?[.systemNumber] as? Int
        }
        let place = ["/dev/shm", "/var/tmp", NSHomeDirectory()].first {
            FileManager.default.isWritableFile(atPath: $0) && system($0) != system(folder.path)
        }
        let elsewhere = try #require(place, "another file system is needed") + "/clip-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: elsewhere) }

        let target = try #require(try group.perform(.move(to: elsewhere)).first?.goalText.get())
        #expect(target.hasPrefix(elsewhere + "/") && !FileManager.default.fileExists(atPath: original))
        #expect(try Array(Data(contentsOf: URL(filePath: target))) == content)
        let attributes = try FileManager.default.attributesOfItem(atPath: target)
        #expect(attributes[.modificationDate] as? Date == date && attributes[.posixPermissions] as? Int == 0o640)
        // What stands there already is not replaced, and then nothing goes.
        try Data("other".utf8).write(to: URL(filePath: target))
        try folder.write(Data(content), to: "in/b.png")
        #expect((try? group.perform(.move(to: elsewhere)).first?.goalText.get()) == nil)
        #expect(try folder.bytes("in/b.png") == content)
        #expect(try String(contentsOfFile: target, encoding: .utf8) == "other")
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: URL(filePath: target).deletingLastPathComponent().path)
                .count == 1)
    }
    #endif

    #if os(Linux)
    @Test(arguments: [true, false])
    func `What a copy may not have comes back when it is taken back`(moves: Bool) throws {
        let folder = try TemporaryFolder()
        for name in ["a.png", "b.png"] { try folder.copy(0, to: "in/" + name) }
        let original = PathBytes(folder["in/b.png"])
        let given = FileAttributes(
            owner: getuid(), group: getgid(),
            extended: [
                .init(name: Array("user.clip.tag".utf8), value: [1, 0, 255]),
                .init(name: Array("user.z".utf8), value: []),
            ])
        let descriptor = try original.open(O_RDWR)
        given.give(to: descriptor)
        close(descriptor)
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: original.text)
        let before = try FileAttributes(of: original)
        // A file system without attributes has none to lose.
        #expect(before.extended.isEmpty || before == given)
        try PictureIndexer(model: try Fixtures.model()).update(folder["in/.clip-index"], folders: [folder["in"]])
        let group = try #require(try PictureIndex(path: folder["in/.clip-index"]).findDuplicates(threshold: nil).first)
        let list = try UndoList(URL(filePath: folder["list.jsonl"]))
        let target: String
        if moves {
            target = try #require(
                try group.perform(.move(to: folder["aside"]), undo: list).first?.goalText.get())
            // As on a stick that knows nothing but bytes.
            try folder.write(Data(contentsOf: URL(filePath: target)), to: "other.png")
            #expect(rename(folder["other.png"], target) == 0)
            try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: target)
        } else {
            _ = try #require(try group.perform(.link, undo: list).first?.goalText.get())
            #expect(try original.status().linkCount == 2)
        }
        for change in try UndoList.undo(URL(filePath: folder["list.jsonl"])) { #expect(try change.result.get()) }
        #expect(try FileAttributes(of: original) == before)
        #expect(try original.status().permissions == 0o640 && original.status().linkCount == 1)
    }
    #endif

    @Test func `Clusters of bundles are the bundles, whatever the threads`() throws {
        let folder = try TemporaryFolder()
        let writer = try PictureIndexWriter(
            path: folder["i"], dimension: 16, fingerprint: Fixtures.fingerprint, modelName: "m")
        var numbers = SeededNumbers(seed: 8)
        let directions = (0..<5).map { _ in numbers.embedding(16) }
        try writer.append(
            (0..<400).map { index in
                let noise = numbers.embedding(16).values
                let values = zip(directions[index % 5].values, noise).map { $0 + 0.15 * $1 }
                return .init(path: "\(index)", embedding: Embedding(values: values))
            })
        try writer.append((0..<3).map { .init(path: "loner \($0)", embedding: numbers.embedding(16)) })
        try writer.finish()
        let index = try PictureIndex(path: folder["i"])
        let found = try index.findClusters(count: 5, seed: 3, threads: 1)
        #expect(found.isSettled && found.clusters.map(\.numbers.count).reduce(0, +) == 403)
        for cluster in found.clusters {
            let bundles = Dictionary(grouping: cluster.numbers.filter { $0 < 400 }) { $0 % 5 }
            #expect(bundles.count == 1)
            let own = try #require(bundles.keys.first)
            #expect(
                cluster.nearestLabels(directions.enumerated().map { ("\($0.offset)", $0.element) })[0].label == "\(own)"
            )
            #expect(cluster.similarities == cluster.similarities.sorted(by: >) && cluster.medoid == cluster.numbers[0])
        }
        for threads in [2, 7] {
            let again = try index.findClusters(count: 5, seed: 3, threads: threads)
            #expect(again.clusters.map(\.numbers) == found.clusters.map(\.numbers))
        }
        let dense = try index.findClusters(reaching: 0.93, minimum: 5)
        #expect(dense.clusters.count == 5 && Set(dense.noise).isSuperset(of: [400, 401, 402]))
        for cluster in dense.clusters { #expect(Set(cluster.numbers.map { $0 % 5 }).count == 1) }
        #expect(try index.findOutliers(top: 3).map(\.number).sorted() == [400, 401, 402])
        // More clusters than different pictures.
        #expect(try index.findClusters(count: 1000).clusters.count <= 403)
        #expect(throws: CLIPError.self) { try index.findClusters(count: 0) }
    }

    @Test func `Density clusters are those of their definition`() throws {
        let folder = try TemporaryFolder()
        let index = try bundles(folder, count: 300)
        let (threshold, minimum) = (0.9, 6)
        let found = try index.findClusters(reaching: Float(threshold), minimum: minimum)
        let numbers = index.pictureNumbers
        var near: [Int: [Int]] = [:]
        for a in numbers { near[a] = try numbers.filter { try $0 == a || cosine(index, a, $0) >= threshold } }
        let cores = Set(numbers.filter { near[$0]!.count >= minimum })
        var clusterOf: [Int: Int] = [:]
        for (id, cluster) in found.clusters.enumerated() { for number in cluster.numbers { clusterOf[number] = id } }
        #expect(cores.count > 20 && cores.count < 300 && !found.noise.isEmpty)
        for number in numbers {
            let nearCores = near[number]!.filter { cores.contains($0) }
            if cores.contains(number) {
                for other in nearCores { #expect(clusterOf[number] == clusterOf[other]) }
            } else if nearCores.isEmpty {
                #expect(clusterOf[number] == nil && found.noise.contains(number))
            } else {
                let nearest = try nearCores.max { try cosine(index, number, $0) < cosine(index, number, $1) }!
                #expect(clusterOf[number] == clusterOf[nearest])
            }
        }
    }

    @Test func `A filter keeps what shows something and drops what shows something else more`() throws {
        let folder = try TemporaryFolder()
        let writer = try PictureIndexWriter(
            path: folder["i"], dimension: 3, fingerprint: Fixtures.fingerprint, modelName: "m", vectorType: .float32)
        let points: [[Float]] = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.8, 0.6, 0], [0.6, 0.8, 0]]
        try writer.append(
            points.enumerated().map { .init(path: "\($0.offset)", embedding: Embedding(values: $0.element)) })
        try writer.finish()
        let index = try PictureIndex(path: folder["i"])
        let (x, y, z) = (
            Embedding(values: [1, 0, 0]), Embedding(values: [0, 1, 0]), Embedding(values: [0, 0, 1])
        )
        func kept(_ filter: PictureFilter) throws -> [Int] {
            try index.filter(filter).filter(\.isKept).map(\.number)
        }
        #expect(try kept(PictureFilter(keep: [x], drop: [], threshold: 0.5)) == [0, 3, 4])
        #expect(try kept(PictureFilter(keep: [x], drop: [y], threshold: 0.5)) == [0, 3])
        #expect(try kept(PictureFilter(keep: [], drop: [y], threshold: 0.7)) == [0, 2, 3])
        #expect(try kept(PictureFilter(keep: [x], drop: [], background: [y])) == [0, 3])
        #expect(try kept(PictureFilter(keep: [], drop: [z], background: [x])) == [0, 1, 3, 4])
        #expect(throws: CLIPError.self) { try kept(PictureFilter(keep: [], drop: [], threshold: 1)) }
        #expect(throws: CLIPError.self) { try kept(PictureFilter(keep: [x], drop: [])) }
    }
}
