import CLIPTestSupport
import Foundation
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What commands find in folders, what they leave out, and what they never take for absent.
@Suite struct FolderTests {
    private let folder: TemporaryFolder
    private let model = ["--model", Fixtures.model]

    init() throws {
        folder = try TemporaryFolder()
        for (index, picture) in ["blocks.png", "ring_grey.png", "speck.png", "waves.png"].enumerated() {
            try folder.copyPicture(picture, to: "in/\(index).png")
        }
    }

    private func clip(_ arguments: [String]) throws -> ClipProcess {
        try ClipProcess.run(ClipProcess.path, arguments + model, in: folder.path)
    }

    private func index(_ more: String...) throws -> (result: ClipProcess, report: [String: Any]) {
        let result = try clip(["index", "in", "--format", "json"] + more)
        return (result, try jsonObject(result.output))
    }

    private let jpeg2000 =
        Data([0, 0, 0, 0x0C]) + Data("jP  ".utf8) + Data([0x0D, 0x0A, 0x87, 0x0A]) + Data(count: 64)

    @Test func `What a folder holds besides pictures is counted by kind, once`() throws {
        try folder.copyPicture("waves.png", to: "in/more/without_ending")
        try folder.copyPicture("waves.png", to: "in/more/wrong.txt")
        try folder.copyPicture("waves.png", to: "in/more/wrong.heic")
        try folder.copyPicture("waves.png", to: "in/.hidden.png")
        for name in ["a.jp2", "b.JP2", "endingless"] { try folder.write(jpeg2000, to: "in/\(name)") }
        try folder.write(Data([0x49, 0x49, 0x2A, 0, 8, 0, 0, 0, 0, 0]), to: "in/c.mrw")
        try folder.write("BMW is no picture", to: "in/car.txt")
        try folder.write("P1 is a road", to: "in/road.txt")
        try folder.write("", to: "in/empty")
        try FileManager.default.createSymbolicLink(
            atPath: folder["in/link"], withDestinationPath: folder["in/more"])
        let (result, report) = try index()
        #expect(result.status == 0 && report["added"] as? Int == 7)
        let expected = [
            "JPEG 2000": 3, "MRW": 1, "TXT": 2, "hidden pictures": 1, "links to folders": 1, "of no known kind": 1,
        ]
        func counts(_ value: Any?) -> [String: Int] {
            let kinds = (value as? [[String: Any]] ?? []).map {
                ($0["kind"] as? String ?? "", $0["count"] as? Int ?? 0)
            }
            return Dictionary(kinds) { $0 + $1 }
        }
        #expect(counts(report["skipped"]) == expected)
        #expect(
            result.errorLines.count == 1
                && result.errors.contains("clip: warning: skipped 9 files and folders in in: 3 JPEG 2000 (convert it"))

        // The others say the same.
        let embedded = try clip(["embed-image", "in", "-o", "x.npy"])
        #expect(embedded.status == 0 && embedded.errors == result.errors)
        let sidecar = try jsonObject(folder.data("x.npy.json"))
        #expect((sidecar["inputs"] as? [String])?.count == 7 && counts(sidecar["skipped"]) == expected)
        let compared = try clip(["compare", "in", "in", "--resamples", "40", "--format", "json"])
        #expect(counts(try jsonObject(compared.output)["skipped"]) == expected.mapValues { 2 * $0 })
        #expect(try clip(["embed-image", "in", "--quiet"]).errors.isEmpty)
    }

    @Test func `Links that lead nowhere are named by every command, and lose nothing`() throws {
        try folder.copyPicture("waves.png", to: "elsewhere/x.png")
        for name in ["l.png", "l"] {
            try FileManager.default.createSymbolicLink(
                atPath: folder["in/\(name)"], withDestinationPath: folder["elsewhere/x.png"])
        }
        #expect(try index().report["added"] as? Int == 6)
        try FileManager.default.moveItem(atPath: folder["elsewhere"], toPath: folder["away"])
        let (result, report) = try index()
        #expect(result.status == 1 && report["deleted"] as? Int == 0 && report["unchanged"] as? Int == 4)
        #expect(result.errors.contains("clip: in/l.png: is a link that leads to nothing"))
        #expect(result.errors.contains("clip: in/l: is a link that leads to nothing"))
        #expect((report["failed"] as? [[String: Any]])?.count == 2)
        let embedded = try clip(["embed-image", "in"])
        #expect(embedded.status == 1 && embedded.errors.contains("clip: in/l.png: is a link that leads to nothing"))
        try FileManager.default.moveItem(atPath: folder["away"], toPath: folder["elsewhere"])
        let again = try index()
        #expect(again.result.status == 0 && again.report["unchanged"] as? Int == 6)
    }

    @Test func `A folder that can't be examined is named, and is no mistake in the command line`() throws {
        try FileManager.default.createSymbolicLink(atPath: folder["ring"], withDestinationPath: "ring")
        let result = try clip(["index", "ring"])
        #expect(result.status == 1 && result.output.isEmpty)
        #expect(result.errors.hasPrefix("clip: ring: can't be examined: ") && result.errorLines.count == 1)
        #expect(!FileManager.default.fileExists(atPath: folder[".clip-index"]))
    }

    @Test func `A folder that has become empty is asked about`() throws {
        #expect(try index("-o", "i.idx").report["added"] as? Int == 4)
        try FileManager.default.moveItem(atPath: folder["in"], toPath: folder["away"])
        try folder.makeFolder("in")
        let (result, report) = try index("-o", "i.idx")
        #expect(result.status == 1 && report["deleted"] as? Int == 0)
        #expect(
            result.errorLines.count == 1 && result.errors.contains("in: holds no pictures any more, the index has 4"))
        #expect(result.errors.contains("\"clip index in -o i.idx --allow-empty\" drops them"))
        #expect(try clip(["index", "in", "-o", "i.idx", "--format", "text"]).text == "i.idx: 4 kept, none found\n")
        // A disk that comes back.
        try FileManager.default.removeItem(atPath: folder["in"])
        try FileManager.default.moveItem(atPath: folder["away"], toPath: folder["in"])
        #expect(try index("-o", "i.idx").report["unchanged"] as? Int == 4)
        // Pictures that were moved out of a folder are no puzzle.
        try FileManager.default.moveItem(atPath: folder["in"], toPath: folder["other"])
        try folder.makeFolder("in")
        let moved = try clip(["index", "in", "other", "-o", "i.idx", "--format", "json"])
        #expect(moved.status == 0)
        #expect(try jsonObject(moved.output)["moved"] as? Int == 4)
        // Nor is a folder that the user vouches for.
        try FileManager.default.removeItem(atPath: folder["other"])
        try folder.makeFolder("other")
        let refused = try clip(["index", "other", "-o", "i.idx", "--format", "json"])
        #expect(refused.status == 1)
        let believed = try clip(["index", "other", "-o", "i.idx", "--format", "json", "--allow-empty"])
        #expect(believed.status == 0 && believed.errors.isEmpty)
        #expect(try jsonObject(believed.output)["deleted"] as? Int == 4)
    }

    @Test func `Pictures that are gone are dropped from the index, in words too`() throws {
        #expect(try index().report["added"] as? Int == 4)
        try FileManager.default.removeItem(atPath: folder["in/0.png"])
        let update = try clip(["index", "in", "--format", "text"])
        #expect(update.text == "in/.clip-index: 1 dropped from the index, 3 unchanged\n")
    }

    @Test func `Files that are plainly no pictures are a note, of their folder`() throws {
        try folder.write("a", to: "in/a.json")
        try folder.write("a", to: "in/a.md")
        try folder.copyPicture("waves.png", to: "other/a.png")
        try folder.copyPicture("blocks.png", to: "other/b.png")
        try folder.write("a", to: "other/a.md")
        let note = "clip: note: skipped 2 files in in: 1 JSON, 1 MD"
        #expect(try index().result.errorLines == [note])
        let compared = try clip(["compare", "in", "other", "--resamples", "40"])
        #expect(compared.errorLines == [note, "clip: note: skipped 1 file in other: 1 MD"])
        #expect(
            try clip(["embed-image", "in", "other"]).errorLines == [
                "clip: note: skipped 3 files in in, other: 2 MD, 1 JSON"
            ])
    }

    /// A picture whose file is like no other.
    private func write(_ picture: String, _ number: Int, to name: String) throws {
        let bytes = try Data(contentsOf: URL(filePath: "\(Fixtures.pictures)/\(picture)"))
        try folder.write(bytes + Data([UInt8(number)]), to: name)
    }

    @Test func `A folder that is gone whole is asked about, unless it was moved`() throws {
        for number in 0..<5 {
            let name = ["blocks.png", "ring_grey.png", "speck.png", "waves.png", "waves.png"][number]
            try write(name, number, to: "in/media/usb/\(number % 2)/\(number).png")
        }
        #expect(try index().report["added"] as? Int == 9)
        // Moved or renamed: no question.
        try FileManager.default.moveItem(atPath: folder["in/media"], toPath: folder["in/renamed"])
        let renamed = try index()
        #expect(renamed.result.status == 0 && renamed.report["moved"] as? Int == 5)
        // Unmounted: its folder goes with it, and its name is the outermost one that is missing.
        try FileManager.default.moveItem(atPath: folder["in/renamed"], toPath: folder["away"])
        for _ in 0..<2 {
            let (result, report) = try index()
            #expect(result.status == 1 && report["deleted"] as? Int == 0)
            #expect(
                result.errorLines.count == 1
                    && result.errors.contains("in/renamed: isn't there any more, the index has 5 there"))
        }
        try FileManager.default.moveItem(atPath: folder["away"], toPath: folder["in/renamed"])
        let back = try index()
        #expect(back.result.status == 0 && back.report["unchanged"] as? Int == 9)
        // Few are believed, and what the user vouches for.
        try FileManager.default.removeItem(atPath: folder["in/renamed/usb/1"])
        #expect(try index().report["deleted"] as? Int == 2)
        try write("waves.png", 9, to: "in/renamed/usb/9.png")
        #expect(try index().report["added"] as? Int == 1)
        try FileManager.default.removeItem(atPath: folder["in/renamed"])
        let believed = try index("--allow-empty")
        #expect(believed.result.status == 0 && believed.report["deleted"] as? Int == 4)
    }

    @Test func `What another user hides is kept and named`() throws {
        // Root reads everything.
        guard geteuid() != 0 else { return }
        for number in 0..<4 { try folder.copyPicture("waves.png", to: "in/sub/\(number).png") }
        #expect(try index().report["added"] as? Int == 8)
        for mode in [0o000, 0o444] as [mode_t] {
            chmod(folder["in/sub"], mode)
            defer { chmod(folder["in/sub"], 0o755) }
            let (result, report) = try index()
            #expect(result.status == 1 && report["deleted"] as? Int == 0 && report["unchanged"] as? Int == 4)
            #expect(result.errorLines.count == 1 && result.errors.contains("in/sub"))
            let embedded = try clip(["embed-image", "in"])
            #expect(embedded.status == 1 && embedded.errors.contains("in/sub"))
        }
        let again = try index()
        #expect(again.result.status == 0 && again.report["unchanged"] as? Int == 8)
    }
}
