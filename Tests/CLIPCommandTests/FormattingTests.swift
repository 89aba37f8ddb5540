#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif
import Testing

@testable import CLIPCommand

@Suite struct FormattingTests {
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
        var random = SeededRandom(seed: 3)
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

    @Test func `Labels are separated by commas, quotes protect commas`() throws {
        #expect(try LabelList.parse("dog,cat") == ["dog", "cat"])
        #expect(try LabelList.parse(" a dog , a cat ") == ["a dog", "a cat"])
        #expect(try LabelList.parse(#""a, b" ,"say ""x""",c"#) == ["a, b", #"say "x""#, "c"])
        #expect(try LabelList.parse("dog,cat,") == ["dog", "cat"] && LabelList.parse("a , ") == ["a"])
        for text in ["", ",", "a,,", "a,,b", "\"a", "\"a\"b", "\"\""] {
            #expect(throws: UsageError.self, "\(text)") { try LabelList.parse(text) }
        }
    }

    @Test func `A bar of bytes counts the speed of what came`() {
        let bar = ProgressBar()
        #expect(bar.line(seconds: 1, columns: 80) == "0.0 MB  0.0 MB/s")
        bar.update(done: 150_000_000, total: 600_000_000, found: 100_000_000)
        let line = bar.line(seconds: 5, columns: 80)
        #expect(line.hasSuffix(" 25 %  150 MB of 600 MB  10.0 MB/s  45 s left") && line.hasPrefix("[#"))
    }

    @Test func `The progress line fits the terminal at any time`() {
        let bar = ProgressBar(total: 200, unit: "pictures")
        let unknown = ProgressBar(total: nil, unit: "texts")
        for columns in [1, 10, 40, 80, 200] {
            #expect(bar.line(seconds: 0, columns: columns).count < max(columns, 2))
            #expect(unknown.line(seconds: 5, columns: columns).count < max(columns, 2) || columns < 30)
        }
        #expect(ProgressBar.duration(3) == "3 s" && ProgressBar.duration(200) == "3 min 20 s")
        #expect(ProgressBar.duration(7500) == "2 h 5 min" && ProgressBar.duration(.infinity).hasSuffix("min"))
    }

    #if os(Linux)
    @Test func `What is done in batches is counted in batches`() throws {
        let folder = try TemporaryFolder()
        for index in 0..<70 { try folder.copyPicture("waves.png", to: "in/\(index).png") }
        // A terminal's two ends: what is written to /dev/pts/NUMBER is read here. The requests are TIOCSPTLCK and
        // TIOCGPTN, which C has as macros.
        let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        var (isLocked, number): (Int32, Int32) = (0, 0)
        try #require(ioctl(terminal, 0x4004_5431, &isLocked) == 0 && ioctl(terminal, 0x8004_5430, &number) == 0)
        let name = "/dev/pts/\(number)"
        let result = try ClipProcess.bash(
            "$clip embed-image in --batch-size 32 --model '\(Fixtures.model)' -o out.csv 2>'\(name)'", in: folder.path)
        #expect(result.status == 0)
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(terminal, &bytes, bytes.count)
        close(terminal)
        let shown = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        let counts = shown.matches(of: /(\d+) of 70/).compactMap { Int($0.1) }
        #expect(!counts.isEmpty && counts.allSatisfy { [0, 32, 64, 70].contains($0) }, "\(counts)")
    }
    #endif
}
