import CLIP
import CLIPTestSupport
import Foundation
import Testing

@testable import PictureCollections

@Suite struct RecordTests {
    private struct Example: Record {
        let input: RecordName
        let others: [RecordName]
        let text = "whole line\n"

        var fields: Fields {
            [
                "input": input, "count": 3, "share": 0.5 as Float, "wide": 1.0 / 3, "isTrue": true,
                "words": ["a", "b"],
                "none": nil as String?, "numbers": [0.5, 1] as [Float], "empty": [] as [String], "others": others,
                "inner": ["input": RecordName(bytes: [0xFF]), "error": "e"] as Fields,
            ]
        }
        var vectors: (name: RecordName, values: [Float])? { (input, [1, 2, 3, 4]) }
    }

    private func written(_ records: [Example], _ writer: (Output) throws -> any RecordWriter) throws -> String {
        let folder = try TemporaryFolder()
        let output = try Output(path: folder["out"])
        let writer = try writer(output)
        for record in records { try writer.write(record) }
        try writer.finish()
        try output.finish()
        return String(decoding: try folder.bytes("out"), as: UTF8.self)
    }

    private let plain = Example(input: RecordName("a,b"), others: [RecordName("x")])
    private let odd = Example(
        input: RecordName(bytes: [0x61, 0xFF]), others: [RecordName("x"), RecordName(bytes: [0xFE])])

    @Test func `A record says its model after its values, and then the bytes of names that are no text`() throws {
        let line = try written([plain]) { JSONWriter($0, model: "m") }
        let inner = #""inner":{"input":"\#u{FFFD}","error":"e","input_bytes":"/w=="}"#
        let rest =
            #""count":3,"share":0.5,"wide":0.33333334,"isTrue":true,"words":["a","b"],"none":null,"#
            + #""numbers":[0.5,1.0],"empty":[],"#
        #expect(line == #"{"input":"a,b",\#(rest)"others":["x"],\#(inner),"model":"m"}"# + "\n")
        let other = try written([odd]) { JSONWriter($0, model: "m") }
        #expect(other.contains(#""others":["x","\#u{FFFD}"],"#))
        #expect(other.hasSuffix(#","model":"m","input_bytes":"Yf8=","others_bytes":{"1":"/g=="}}"# + "\n"))
    }

    @Test func `Several records are lines or the elements of an array`() throws {
        let lines = try written([plain, odd]) { JSONWriter($0) }
        #expect(lines.split(separator: "\n").count == 2)
        for records in [[], [plain], [plain, odd]] {
            let text = try written(records) { JSONWriter($0, isArray: true) }
            let array = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
            #expect(array.count == records.count)
        }
    }

    @Test func `A table has a header, even without lines`() throws {
        let table = try written([plain, odd]) { CSVWriter($0, model: "m", columns: []) }
        let lines = table.components(separatedBy: "\r\n")
        #expect(lines[0] == "input,count,share,wide,isTrue,words,none,numbers,empty,others,inner,model,input_bytes")
        #expect(lines[1].hasPrefix("\"a,b\",3,0.5,0.33333334,true,") && lines[1].hasSuffix(",m,"))
        #expect(lines[1].contains(",,0.5 1.0,[],"))
        #expect(lines.count == 4 && lines[3].isEmpty)
        #expect(try written([]) { CSVWriter($0, model: "m", columns: ["a", "b"]) } == "a,b\r\n")
    }

    @Test func `PostgreSQL reads columns of values, without the bytes of names`() throws {
        let text = try written([odd]) { PGCopyWriter($0, model: "m") }
        let columns = text.dropLast().components(separatedBy: "\t")
        #expect(columns.count == 12 && columns[0] == "a\u{FFFD}" && columns[6] == "\\N" && columns[7] == "[0.5,1.0]")
        #expect(columns[4] == "t" && columns[11] == "m" && PGCopyWriter.column(.text("a\tb\\\n")) == #"a\tb\\\n"#)
    }

    @Test func `An array has a row for each of a record's, and says beside it which is which`() throws {
        let folder = try TemporaryFolder()
        let output = try Output(path: folder["x.npy"])
        let sidecar = try Sidecar(beside: folder["x.npy"], fields: ["model": "m"])
        let writer = try NPYWriter(output, rowShape: [2], sidecar: sidecar)
        for record in [plain, odd] { try writer.write(record) }
        try sidecar.addFailure(RecordName("broken"), "why")
        try writer.finish()
        try sidecar.commit()
        try output.finish()
        let bytes = try folder.bytes("x.npy")
        #expect(bytes.count == 192 + 4 * 2 * 4)
        #expect(String(decoding: bytes[..<192], as: UTF8.self).contains("'shape': (4, 2), }"))
        let beside = try #require(
            try JSONSerialization.jsonObject(with: Data(folder.bytes("x.npy.json"))) as? [String: Any])
        #expect(beside["inputs"] as? [String] == ["a,b", "a,b", "a\u{FFFD}", "a\u{FFFD}"])
        #expect(beside["input_bytes"] as? [String: String] == ["2": "Yf8=", "3": "Yf8="])
        #expect(beside["model"] as? String == "m" && beside["shape"] as? [Int] == [4, 2])
        #expect((beside["failed"] as? [[String: String]])?.first == ["input": "broken", "error": "why"])
    }

    @Test func `Control characters are escaped, other text is left alone`() {
        #expect(displayed("plain Ünïcode 猫 👩‍🚀") == "plain Ünïcode 猫 👩‍🚀")
        #expect(displayed("a\u{1B}[2Jb\n\r\t\u{7F}\u{9B}") == "a\\u{1b}[2Jb\\n\\r\\t\\u{7f}\\u{9b}")
        #expect(displayed("txt.\u{202E}gpj") == "txt.\\u{202e}gpj")
    }

    @Test func `Decimals round, pad and never show a minus zero`() {
        #expect(decimal(1.25, places: 1) == "1.3")
        #expect(decimal(0.05, places: 3) == "0.050")
        #expect(decimal(-0.0001, places: 2) == "0.00")
        #expect(decimal(-1.999, places: 2) == "-2.00")
        #expect(decimal(12.5, places: 0) == "13")
        #expect(decimal(.nan, places: 2) == "nan" && decimal(-.infinity, places: 2) == "-∞")
        #expect(decimal(1e300, places: 2) == "1e+300")
    }

    @Test func `A long text loses its middle, and has no more columns than it may`() {
        #expect("short".shortened(to: 9) == "short")
        #expect("0123456789abc".shortened(to: 10) == "012345…abc")
        for text in ["a label that is far too long for a table", "猫猫猫猫猫猫猫猫猫猫猫猫", "👩‍🚀👩‍🚀👩‍🚀👩‍🚀👩‍🚀👩‍🚀👩‍🚀"] {
            for width in 4...12 { #expect(columnCount(text.shortened(to: width)) <= width) }
        }
    }

    @Test func `Columns count what a terminal shows`() {
        #expect(columnCount("abc") == 3)
        #expect(columnCount("猫é👩‍🚀") == 5)
        #expect("猫".padded(to: 4) == "猫  " && "ab".rightAligned(to: 4) == "  ab")
    }

    @Test func `CSV cells are quoted where they must be`() {
        #expect(CSVWriter.cell(.text("plain")) == "plain")
        #expect(CSVWriter.cell(.text("a,b")) == "\"a,b\"")
        #expect(CSVWriter.cell(.text("say \"x\"")) == "\"say \"\"x\"\"\"")
        #expect(CSVWriter.cell(.text("two\r\nlines")) == "\"two\r\nlines\"")
        #expect(CSVWriter.cell(.text(" x")) == "\" x\"")
        #expect(CSVWriter.cell(.text("\u{1B}")) == "\"\u{1B}\"" && CSVWriter.cell(.text("\u{2028}")) == "\u{2028}")
        #expect(CSVWriter.cell(.text("\u{1B}"), isTerminal: true) == "\\u{1b}")
        #expect(CSVWriter.cell(.nameBytes(Array("a\u{1B}".utf8))) == "")
        #expect(CSVWriter.cell(.nameBytes(Array("a\u{1B}".utf8)), isTerminal: true) == "YRs=")
        #expect(CSVWriter.cell(.nameBytes(Array("猫".utf8)), isTerminal: true) == "")
        #expect(CSVWriter.cell(.null) == "")
        #expect(CSVWriter.cell(.integers([1, 2])) == "1 2")
        #expect(CSVWriter.cell(.number(1e-5)) == "1e-05")
    }

    @Test func `JSON numbers read back to the same float, and there are no infinities`() {
        var random = SplitMix64(seed: 3)
        for _ in 0..<10_000 {
            let number = Float(bitPattern: UInt32.random(in: .min ... .max, using: &random))
            let text = FieldValue.json(number)
            if number.isFinite {
                #expect(Float(text) == number && text.wholeMatch(of: /-?\d+(\.\d+)?(e[+-]?\d+)?/) != nil)
            } else {
                #expect(text == "null")
            }
        }
    }

    @Test func `The header of an array is aligned and as long for any number of rows`() {
        for shape in [[0], [3], [1, 512], [1_000_000_000_000, 3, 336, 336]] {
            let header = NPYWriter.header(shape: shape)
            #expect(header.count == 192 && header.last == 0x0A)
            #expect(Int(header[8]) + Int(header[9]) << 8 + 10 == header.count)
        }
        #expect(String(decoding: NPYWriter.header(shape: [3]), as: UTF8.self).contains("'shape': (3,), }"))
    }
}
