import CLIP
import CLIPSystem
import CLIPTestSupport
import Foundation
import Testing

@testable import PictureCollections

@Suite struct IndexFormatTests {
    /// What a reader sees of an index.
    private struct Content: Equatable {
        var pictures: [String: [Float]] = [:]
        var unreadable: [String] = []

        init(_ index: PictureIndex) throws {
            for number in index.pictureNumbers {
                pictures[try index.picture(number).path] = try index.embedding(of: number).values
            }
            unreadable = try index.unreadable().map { "\($0.path): \($0.message)" }
        }
    }

    /// Two runs: pictures, then another, a removal and a file that can't be read.
    private func smallIndex(_ folder: TemporaryFolder) throws -> [UInt8] {
        _ = try Fixtures.index(at: folder["i"], count: 18, dimension: 3)
        let log = try IndexLog(path: PathBytes(folder["i"]), header: nil, waits: false)
        var numbers = SeededNumbers(seed: 4)
        let record = EntryRecord(
            identity: FileIdentity(byteCount: 5, modified: 6), contentHash: .none, width: 7, height: 8,
            name: Array("new.png".utf8))
        var failure = record
        failure.name = Array("bad.png".utf8)
        failure.message = Array("is broken".utf8)
        try log.append(
            pictures: [(record, VectorType.float16.bytes(numbers.embedding(3).values))], failures: [failure],
            removals: [2, 17])
        try log.seal()
        return try folder.bytes("i")
    }

    @Test func `A failure is stored with its advice in the words that the format has for it`() {
        var record = EntryRecord(
            identity: FileIdentity(byteCount: 5, modified: 6), contentHash: .none, width: 0, height: 0, name: [])
        let words = "truncated PNG; --allow-truncated decodes what is there"
        record.failure = CLIPError(.picture, "truncated PNG", advice: .allowTruncated)
        #expect(String(decoding: record.message, as: UTF8.self) == words)
        #expect(record.failure == CLIPError(.picture, "truncated PNG", advice: .allowTruncated))
        record.failure = CLIPError(.picture, "is broken")
        #expect(record.message == Array("is broken".utf8) && record.failure.advice == nil)
    }

    @Test func `A written index reads back`() throws {
        let folder = try TemporaryFolder()
        _ = try smallIndex(folder)
        let index = try PictureIndex(path: folder["i"])
        #expect(index.count == 17 && index.unreadableCount == 1 && index.supersededCount == 2 && index.isComplete)
        #expect(index.fingerprint == Fixtures.fingerprint && index.modelName == "seeded" && index.dimension == 3)
        #expect(
            try index.unreadable() == [
                UnreadablePicture(path: Array(folder["bad.png"].utf8), CLIPError(.picture, "is broken"))
            ])
        #expect(index.pictureNumbers == [0, 1] + Array(3...16) + [18])
        #expect(try index.picture(4).path == folder["4.png"] && index.picture(4).width == 5)
        #expect(try index.verify().isIntact)
        var numbers = SeededNumbers(seed: 1)
        let expected = (0..<5).map { _ in numbers.embedding(3).values }
        for number in [0, 1, 3, 4] {
            for (found, value) in zip(try index.embedding(of: number).values, expected[number]) {
                #expect(abs(found - value) <= 0.0005)
            }
        }
    }

    @Test func `Every flipped bit is detected or harmless`() throws {
        let folder = try TemporaryFolder()
        let bytes = try smallIndex(folder)
        let content = try Content(PictureIndex(path: folder["i"]))
        for place in bytes.indices {
            for bit in [place % 8] {
                var damaged = bytes
                damaged[place] ^= 1 << UInt8(bit)
                try folder.write(Data(damaged), to: "d")
                guard let index = try? PictureIndex(path: folder["d"]) else { continue }
                guard try index.verify().isIntact else {
                    // What is shown all the same is right.
                    for number in index.pictureNumbers {
                        guard let path = try? index.picture(number).path, let vector = try? index.embedding(of: number)
                        else { continue }
                        #expect(content.pictures[path] == vector.values, "byte \(place), bit \(bit)")
                    }
                    continue
                }
                #expect(try Content(index) == content, "byte \(place), bit \(bit)")
            }
        }
    }

    @Test func `Cut off at any byte it opens with what comes before`() throws {
        let folder = try TemporaryFolder()
        let bytes = try smallIndex(folder)
        let content = try Content(PictureIndex(path: folder["i"]))
        var counts: Set<Int> = []
        var completeCount = 0
        for length in bytes.indices {
            try folder.write(Data(bytes[..<length]), to: "d")
            guard length >= IndexHeader.byteCount else {
                #expect(throws: CLIPError.self) { try PictureIndex(path: folder["d"]) }
                continue
            }
            let index = try PictureIndex(path: folder["d"])
            counts.insert(index.count)
            if index.isComplete { completeCount += 1 }
            let found = try index.verify()
            #expect(found.damagedPaths.isEmpty && found.otherDamage.isEmpty && found.isIntact == index.isComplete)
            for (path, vector) in try Content(index).pictures where content.pictures[path] != nil {
                #expect(content.pictures[path] == vector)
            }
            // The next writer goes on from there.
            if length % 7 == 0 {
                let log = try IndexLog(path: PathBytes(folder["d"]), header: nil, waits: false)
                try log.append(pictures: [], removals: [])
                try log.seal()
                #expect(try PictureIndex(path: folder["d"]).count == index.count)
            }
        }
        #expect(counts == [0, 18, 17])
        // Only where a run ended before.
        #expect(completeCount <= 1)
    }

    @Test func `Damaged files are refused or read, never trapped on`() throws {
        let folder = try TemporaryFolder()
        let bytes = try smallIndex(folder)
        var state: UInt64 = 7
        func random(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % count
        }
        for _ in 0..<1000 {
            var damaged = bytes
            for _ in 0...random(3) {
                let place = random(damaged.count)
                switch random(4) {
                case 0: damaged[place] = UInt8(random(256))
                case 1: damaged.removeSubrange(place..<min(damaged.count, place + 1 + random(80)))
                case 2: damaged.insert(contentsOf: bytes.prefix(random(200)), at: place)
                // A header that says anything, its checksum right.
                default:
                    let segment = IndexHeader.byteCount
                    guard damaged.count > segment + 64 else { continue }
                    damaged[segment + 8 + random(40)] = UInt8(random(256))
                    let sum = CRC32C.checksum(Array(damaged[segment..<segment + 60]))
                    withUnsafeBytes(of: sum.littleEndian) {
                        damaged.replaceSubrange(segment + 60..<segment + 64, with: $0)
                    }
                }
                if damaged.isEmpty { break }
            }
            try folder.write(Data(damaged), to: "d")
            guard let index = try? PictureIndex(path: folder["d"]) else { continue }
            _ = try index.verify()
            _ = try? Content(index)
            _ = try? index.findNearest(to: [Embedding(values: [1, 0, 0])], top: 3)
        }
    }

    @Test func `Damage to the structure names its place, and salvaging keeps what comes before`() throws {
        let folder = try TemporaryFolder()
        var bytes = try smallIndex(folder)
        let second = try IndexFile(path: PathBytes(folder["i"])).segments[1].header.offset
        bytes[second + 20] ^= 1
        try folder.write(Data(bytes), to: "i")
        let error = #expect(throws: CLIPError.self) { try PictureIndex(path: folder["i"]) }
        #expect(error?.kind == .index && error?.message.contains("segment at byte \(second)") == true)
        _ = try IndexLog(path: PathBytes(folder["i"]), header: nil, waits: false, salvages: true)
        #expect(try PictureIndex(path: folder["i"]).count == 18)
    }

    @Test func `Compacting keeps what holds, and readers keep what they opened`() throws {
        let folder = try TemporaryFolder()
        _ = try smallIndex(folder)
        let before = try PictureIndex(path: folder["i"])
        let content = try Content(before)
        let log = try IndexLog(path: PathBytes(folder["i"]), header: nil, waits: false)
        #expect(try log.compact().damagedCount == 0)
        let after = try PictureIndex(path: folder["i"])
        #expect(try Content(after) == content && Content(before) == content)
        #expect(try after.supersededCount == 0 && after.isComplete && after.verify().isIntact)
        #expect(try IndexFile(path: PathBytes(folder["i"])).segments.count == 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["i"])
    }

    @Test func `A damaged vector is never shown, and pruning drops it`() throws {
        let folder = try TemporaryFolder()
        var bytes = try smallIndex(folder)
        let vectors = IndexHeader.byteCount + SegmentHeader.byteCount
        bytes[vectors + 2 * 5 + 1] ^= 0x40
        try folder.write(Data(bytes), to: "i")
        let index = try PictureIndex(path: folder["i"])
        #expect(try index.verify().damagedPaths == [folder["5.png"]])
        #expect(throws: CLIPError.self) { try index.embedding(of: 5) }
        for number in index.pictureNumbers { try folder.write(Data(), to: "\(number).png") }
        try folder.write(Data(), to: "new.png")
        #expect(try PictureIndex.prune(path: folder["i"]).dropped == 1)
        let pruned = try PictureIndex(path: folder["i"])
        #expect(try pruned.count == 16 && pruned.unreadableCount == 0 && pruned.verify().isIntact)
    }

    @Test func `A second writer is refused, a file that is no index left alone`() throws {
        let folder = try TemporaryFolder()
        let bytes = try smallIndex(folder)
        let first = try IndexLog(path: PathBytes(folder["i"]), header: nil, waits: false)
        let error = #expect(throws: CLIPError.self) {
            try IndexLog(path: PathBytes(folder["i"]), header: nil, waits: false)
        }
        #expect(error?.message.contains("another process is writing") == true)
        _ = first.path
        for content in ["", "CLIPIN", "a text that is no index"] {
            try folder.write(Data(content.utf8), to: "t")
            let header = try IndexFile(path: PathBytes(folder["i"])).header
            if content.hasPrefix("a") {
                #expect(throws: CLIPError.self) {
                    try IndexLog(path: PathBytes(folder["t"]), header: header, waits: false)
                }
                #expect(try folder.bytes("t") == Array(content.utf8))
            } else {
                #expect(throws: CLIPError.self) { try PictureIndex(path: folder["t"]) }
                _ = try IndexLog(path: PathBytes(folder["t"]), header: header, waits: false)
                #expect(try PictureIndex(path: folder["t"]).count == 0)
            }
        }
        #expect(try folder.bytes("i") == bytes)
    }

    @Test func `The checksum is that of RFC 3720`() {
        #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
        #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        var parts = CRC32C()
        for part in ["12", "3456789"] { Array(part.utf8).withUnsafeBytes { parts.update($0) } }
        #expect(parts.value == 0xE306_9283)
    }
}
