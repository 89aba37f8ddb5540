import CLIP
import CLIPSystem
import CLIPTestSupport
import Foundation
import Testing

@testable import PictureCollections

@Suite struct ListTests {
    private func table(
        _ text: String, _ format: CaptionTable.Format, image: String? = nil, caption: String? = nil
    ) throws -> (table: CaptionTable, rows: [Result<CaptionTable.Row, CLIPError>]) {
        let folder = try TemporaryFolder()
        let path = try folder.write(Data(text.utf8), to: "pairs")
        let table = try CaptionTable(
            path: path, format: format, imageColumn: image, captionColumn: caption, howToName: { " (\($0), \($1))" })
        var rows: [Result<CaptionTable.Row, CLIPError>] = []
        while case let batch = try table.batch(3), !batch.isEmpty { rows += batch }
        return (table, rows)
    }

    @Test func `Rows of every form are pairs, and keep their text`() throws {
        let lines = "{\"image\":\"a.png\",\"text\":\"one\",\"references\":[\"r\"]}\n\nb.png\ttwo\ts\tt\n"
        for (text, format) in [
            (lines, CaptionTable.Format.lines),
            ("path,other,caption,reference 1\na.png,x,one,r\nb.png,x,\"two\",s\n", .csv),
            ("caption\timage\treference\none\ta.png\tr\ntwo\tb.png\ts\n", .tsv),
        ] {
            let rows = try table(text, format).rows.map { try $0.get() }
            #expect(rows.map(\.pair.picture.text) == ["a.png", "b.png"])
            #expect(rows.map(\.pair.caption) == ["one", "two"])
            #expect(rows.map { $0.pair.references.first } == ["r", "s"])
            #expect(rows.allSatisfy { text.contains(String(decoding: $0.text, as: UTF8.self)) })
        }
    }

    @Test func `A quoted value holds commas, quotes and line ends`() throws {
        let (table, rows) = try table("image,caption\na.png,\"one, \"\"two\"\"\nthree\"\nb.png,x\n", .csv)
        let first = try rows[0].get()
        #expect(first.pair.caption == "one, \"two\"\nthree")
        let longer = String(decoding: table.appending("score", "0.5", to: first.text), as: UTF8.self)
        #expect(longer == "a.png,\"one, \"\"two\"\"\nthree\",0.5")
        #expect(try rows[1].get().pair.picture.text == "b.png")
    }

    @Test func `What is no row is named with its line, and the others go on`() throws {
        let rows = try table(
            "image,caption\na.png,one,more\nb.png,\"x\"y\nc.png,good\n,no picture\nd.png,\"open\n", .csv
        ).rows
        let faults = rows.map { row in if case .failure(let error) = row { error.description } else { "" } }
        #expect(faults.count == 5 && faults[2].isEmpty)
        for (fault, words) in zip(
            faults, ["line 2: has 3 columns", "line 3: expected a comma", "", "line 5: names no", "line 6: the quoted"])
        {
            #expect(words.isEmpty ? fault.isEmpty : fault.contains(words), "\(fault)")
        }
        let objects = try table(
            "{\"image\":\"a\"}\n{]\n{\"image\":\"a\",\"text\":\"t\",\"references\":\"r\"}\nx\n", .lines
        ).rows
        let messages = objects.map { row in if case .failure(let error) = row { error.description } else { "" } }
        for (message, words) in zip(
            messages, ["(caption, false)", "no JSON object", "\"references\" to be a list", "a picture's path, a tab"])
        {
            #expect(message.contains(words), "\(message)")
        }
    }

    @Test func `Columns are found by their names, or it is said which there are`() throws {
        #expect(try table("x,y\na.png,one\n", .csv, image: "x", caption: "y").rows[0].get().pair.caption == "one")
        for (header, words) in [
            ("a,caption", "has no column image"), ("image,path,x", "(caption, true)"),
            ("image,text,text", "2 columns named text"),
        ] {
            let folder = try TemporaryFolder()
            let path = try folder.write(Data("\(header)\n".utf8), to: "pairs")
            do throws(CLIPError) {
                _ = try CaptionTable(
                    path: path, format: .csv, imageColumn: nil, captionColumn: nil, howToName: { " (\($0), \($1))" })
                Issue.record("\(header) was taken")
            } catch {
                #expect(error.kind == .storage && error.description.contains(words), "\(error)")
            }
        }
    }

    @Test func `Any bytes are rows or faults`() throws {
        var numbers = SystemRandomNumberGenerator()
        let folder = try TemporaryFolder()
        let parts =
            ["\"", ",", "\n", "\r\n", "\t", "a.png", "{", "}", "\"image\":", "é", "\u{0}"].map { Array($0.utf8) } + [
                [0xFF], [0xEF, 0xBB, 0xBF],
            ]
        for round in 0..<300 {
            let body = (0..<Int.random(in: 0..<40, using: &numbers)).flatMap { _ in
                parts.randomElement(using: &numbers)!
            }
            let format = CaptionTable.Format.allCases[round % 3]
            let path = try folder.write(Data("image,caption\n".utf8) + Data(body), to: "pairs")
            guard
                let table = try? CaptionTable(
                    path: path, format: format, imageColumn: nil, captionColumn: nil, howToName: { _, _ in "" })
            else { continue }
            while let batch = try? table.batch(5), !batch.isEmpty {}
        }
    }

    @Test func `Groups are found by a picture's path, else by its name`() throws {
        let folder = try TemporaryFolder()
        let groups = try GroupTable(
            path: folder.write(Data("path,group\nin/a.png,\"x, y\"\nb.png,z\n".utf8), to: "groups"))
        #expect(groups.group(of: "in/a.png") == "x, y" && groups.group(of: "other/a.png") == nil)
        #expect(groups.group(of: "b.png") == "z" && groups.group(of: "deep/b.png") == "z")
        for text in ["", "path,group\n", "path,group\nonly\n", "path,group\na,\"open\n"] {
            let path = try folder.write(Data(text.utf8), to: "bad")
            #expect(throws: CLIPError.self, "\(text)") { try GroupTable(path: path) }
        }
    }

    @Test func `Lines of lists lose their spaces, and what is no list of lines is refused`() throws {
        let folder = try TemporaryFolder()
        let windows = try folder.write(Data([0xEF, 0xBB, 0xBF]) + Data(" dog \r\n\r\ncat\r\n".utf8), to: "windows")
        let other = try folder.write(Data("a b".utf8), to: "other")
        #expect(try lines(ofLists: [windows, other]) == ["dog", "cat", "a b"])
        for (text, words) in [
            ("dog\u{0}cat\u{0}", "NUL"), ("dog\rcat\rbird", "carriage return"), ("\n \n", "holds no labels"),
        ] {
            let path = try folder.write(Data(text.utf8), to: "bad")
            do throws(CLIPError) {
                _ = try lines(ofLists: [path])
                Issue.record("\(text.debugDescription) was taken")
            } catch {
                #expect(error.kind == .storage && error.message.contains(words), "\(error)")
            }
        }
        let latin = try folder.write(Data([0x63, 0xE9]), to: "latin")
        #expect(throws: CLIPError.self) { try lines(ofLists: [latin]) }
        #expect(throws: CLIPError.self) { try lines(ofLists: [folder["missing"]]) }
    }

    @Test func `Pictures of files, folders and lists come in order, what can't be had is reported`() throws {
        let folder = try TemporaryFolder()
        for name in ["in/a.png", "in/deep/b.png", "c.png"] { try folder.copy(0, to: name) }
        try folder.write(Data("x".utf8), to: "in/notes.md")
        let list = try folder.write(Data("\(folder["c.png"])\n\n\(folder["in/a.png"])\n".utf8), to: "list")
        try FileManager.default.createDirectory(atPath: folder["empty"], withIntermediateDirectories: true)
        var reports: [CLIPError] = []
        let pictures = try PictureList(
            [folder["in"], folder["empty"], folder["gone.png"]].map { Array($0.utf8) }, lists: [list]
        ) { reports.append($0) }
        let names = pictures.map(\.name)
        #expect(names == ["in/a.png", "in/deep/b.png", "gone.png", "c.png", "in/a.png"].map { folder[$0] })
        #expect(pictures.count == 5 && pictures.failure == nil)
        #expect(reports.count == 1 && reports[0].message.contains("holds no pictures"))
        #expect(pictures.skipped.map(\.count) == [1] && pictures.foldersWithSkipped.map(\.text) == [folder["in"]])
    }

    @Test func `A picture that must not be read ends the pictures`() throws {
        let folder = try TemporaryFolder()
        for name in ["a.png", "b.png", "c.png"] { try folder.copy(0, to: name) }
        let pictures = try PictureList(
            [Array(folder.path.utf8)],
            check: { path throws(CLIPError) in
                if path.text.hasSuffix("b.png") { throw CLIPError(.storage, "an output") }
            }, report: { Issue.record("\($0)") })
        #expect(pictures.map(\.name) == [folder["a.png"]] && pictures.failure?.message == "an output")
    }
}
