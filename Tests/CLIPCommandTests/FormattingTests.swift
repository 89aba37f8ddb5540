import CLIPOptions
import CLIPTestSupport
import Testing

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

@testable import CLIPCommand

@Suite struct FormattingTests {
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
