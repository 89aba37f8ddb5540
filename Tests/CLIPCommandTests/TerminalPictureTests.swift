import CLIP
import CLIPTestSupport
import Foundation
import PictureReports
import Testing

/// `search --show`: pictures among the text of a terminal.
@Suite struct TerminalPictureTests {
    private let red: [UInt8] = [255, 0, 0]
    private let blue: [UInt8] = [0, 0, 255]

    private func picture(_ pixels: [UInt8], width: Int) throws -> Picture {
        try Picture(pixels: pixels, width: width, height: pixels.count / 3 / width, format: .rgb)
    }

    @Test(arguments: [
        (["TERM": "xterm-kitty"], TerminalPictures.Manner.kitty), (["TERM_PROGRAM": "ghostty"], .kitty),
        (["TERM_PROGRAM": "iTerm.app", "COLORTERM": "truecolor"], .iTerm), (["TERM_PROGRAM": "WezTerm"], .iTerm),
        (["TERM": "foot"], .sixel), (["TERM": "xterm-256color"], .blocks(isTrueColour: false)),
        (["COLORTERM": "truecolor"], .blocks(isTrueColour: true)),
        (["TERM": "xterm-kitty", "TMUX": "/tmp/x"], .blocks(isTrueColour: false)),
    ]) func `The terminal says how`(_ variables: [String: String], _ manner: TerminalPictures.Manner) {
        #expect(TerminalPictures { variables[$0] }.manner == manner)
    }

    @Test func `Blocks show two pixels a character`() throws {
        let square = try picture(red + blue + blue + red + red + red, width: 2)
        #expect(
            TerminalPictures(.blocks(isTrueColour: true)).drawing(of: square, indent: 1)
                == " \u{1B}[38;2;255;0;0;48;2;0;0;255m\u{2580}\u{1B}[38;2;0;0;255;48;2;255;0;0m\u{2580}\u{1B}[0m\n"
                + " \u{1B}[38;2;255;0;0;49m\u{2580}\u{1B}[38;2;255;0;0;49m\u{2580}\u{1B}[0m\n")
        #expect(
            TerminalPictures(.blocks(isTrueColour: false)).drawing(of: try picture(red + blue, width: 1))
                == "\u{1B}[38;5;196;48;5;21m\u{2580}\u{1B}[0m\n")
    }

    @Test func `A large picture is made to fit, and a file of it is what was drawn`() throws {
        let large = try picture([UInt8](repeating: 200, count: 3 * 1000 * 500), width: 1000)
        let lines = TerminalPictures(.blocks(isTrueColour: true)).drawing(of: large).split(separator: "\n")
        #expect(lines.count == TerminalPictures.columns / 4)
        #expect(lines[0].count { $0 == "\u{2580}" } == TerminalPictures.columns)

        let kitty = TerminalPictures(.kitty).drawing(of: large)
        let chunks = kitty.dropLast().components(separatedBy: "\u{1B}\\").dropLast()
        let letters = chunks.map { $0.components(separatedBy: ";")[1] }
        #expect(chunks.first?.hasPrefix("\u{1B}_Gf=100,a=T,m=") == true && chunks.last?.contains("m=0;") == true)
        let data = try #require(Data(base64Encoded: letters.joined()))
        let drawn = try Picture(bytes: Array(data))
        #expect(drawn.width == 320 && drawn.height == 160)
        let iTerm = TerminalPictures(.iTerm).drawing(of: large)
        #expect(iTerm.contains("size=\(data.count);") && iTerm.hasSuffix(letters.joined() + "\u{7}\n"))
    }

    @Test func `Sixels say each colour of each six rows`() throws {
        let column = try picture(Array((0..<7).map { $0 < 2 ? red : blue }.joined()), width: 1)
        #expect(
            TerminalPictures(.sixel).drawing(of: column)
                == "\u{1B}Pq\"1;1;1;7#5;2;0;0;100#180;2;100;0;0#5{$#180B$-#5@$-\u{1B}\\\n")
        let row = try picture(Array((0..<9).map { _ in red }.joined()), width: 9)
        #expect(TerminalPictures(.sixel).drawing(of: row).contains("#180!9@$-"))
    }

    @Test func `Hits are drawn under their lines, and never among data`() throws {
        let folder = try TemporaryFolder()
        try folder.copyPicture("blocks.png", to: "in/a.png")
        try folder.copyPicture("waves.png", to: "in/b.png")
        func clip(_ arguments: String...) throws -> ClipProcess {
            try ClipProcess.run(
                ClipProcess.path, arguments + ["--model", Fixtures.model], in: folder.path,
                environment: ["TERM": "xterm", "TERM_PROGRAM": "", "COLORTERM": "truecolor", "TMUX": "x"])
        }
        #expect(try clip("index", "in").status == 0)
        let plain = try clip("search", "a dog", "--index", "in", "--format", "text")
        let shown = try clip("search", "a dog", "--index", "in", "--format", "text", "--show")
        #expect(shown.status == 0 && !plain.text.contains("\u{1B}"))
        let words = shown.text.split(separator: "\n").filter { !$0.contains("\u{2580}") }
        #expect(words == plain.text.split(separator: "\n"))
        #expect(shown.text.contains("    \u{1B}[38;2;"))
        let data = try clip("search", "a dog", "--index", "in", "--show")
        #expect(data.status == 64 && data.errors.contains("--format text"))
    }
}
