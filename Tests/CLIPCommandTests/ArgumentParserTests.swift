import Testing

@testable import CLIPCommand

@Suite struct ArgumentParserTests {
    private static let colour = Option("colour", short: "c", .choice("colour", ["red", "green"]), help: "")
    private static let loud = Option("loud", short: "l", help: "")
    private static let round = Option("round", short: "r", .pair(off: "no-round"), help: "")
    private static let size = Option("size", .integer("size", 1...9), help: "")
    private static let tag = Option("tag", short: "t", .text("tag"), isRepeatable: true, help: "")
    private static let list = Option("list", .file("file"), help: "")
    private static let table = CommandTable(
        "paint", abstract: "", positionals: [Positional("thing", count: 1...2, unless: [list], help: "")],
        options: [colour, loud, round, size, tag, list], examples: [])

    private func parse(_ arguments: String...) throws(UsageError) -> Arguments {
        try ArgumentParser.parse(arguments.map { Array($0.utf8) }, as: ArgumentParserTests.table)
    }

    private func message(_ arguments: String...) -> String? {
        do throws(UsageError) {
            _ = try ArgumentParser.parse(arguments.map { Array($0.utf8) }, as: ArgumentParserTests.table)
            return nil
        } catch {
            return error.message
        }
    }

    @Test(arguments: [
        ["--colour", "red", "x"], ["--colour=red", "x"], ["x", "-c", "red"], ["-c=red", "x"], ["-cred", "x"],
        ["-lcred", "x"], ["--colour", "green", "x", "--colour", "red"],
    ])
    func `A value is given in every usual way, the last one counts`(arguments: [String]) throws {
        let parsed = try ArgumentParser.parse(arguments.map { Array($0.utf8) }, as: ArgumentParserTests.table)
        #expect(parsed.text(Self.colour) == "red")
        #expect(parsed.texts == ["x"])
    }

    @Test func `Flags are on when named, pairs have two names`() throws {
        let parsed = try parse("x", "-lr")
        #expect(parsed.flag(Self.loud) && parsed.flag(Self.round))
        #expect(try !parse("x").flag(Self.loud))
        #expect(try parse("x").flag(Self.round, default: true))
        #expect(try !parse("x", "--round", "--no-round").flag(Self.round, default: true))
        #expect(try parse("x", "--no-round", "--round").flag(Self.round))
    }

    @Test func `Repeatable options keep every value in order`() throws {
        #expect(try parse("x", "-t", "a", "--tag=b", "--tag", "a").all(Self.tag) == ["a", "b", "a"])
        #expect(try parse("x", "--tag=").all(Self.tag) == [""])
        #expect(try parse("x", "--tag=-a=b").all(Self.tag) == ["-a=b"])
    }

    @Test func `After two dashes everything is an argument, a lone dash always is`() throws {
        #expect(try parse("-", "--", "--loud").texts == ["-", "--loud"])
        #expect(try parse("--", "--").texts == ["--"])
        #expect(try parse("--list", "-").text(Self.list) == "-")
        #expect(try parse("").texts == [""])
    }

    @Test func `Arguments that are not UTF-8 stay the bytes that they are`() throws {
        let bytes: [UInt8] = [0x66, 0xFF, 0x2E]
        #expect(try ArgumentParser.parse([bytes], as: Self.table).positionals == [bytes])
    }

    @Test func `Mistakes are named, and the nearest spelling with them`() {
        #expect(message("x", "--color", "red") == "Unknown option '--color'. Did you mean '--colour'?")
        #expect(message("x", "--no-ruond") == "Unknown option '--no-ruond'. Did you mean '--no-round'?")
        #expect(message("x", "--zzz")?.hasPrefix("Unknown option '--zzz'. After '--'") == true)
        #expect(message("x", "-lz")?.hasPrefix("Unknown option '-z'.") == true)
        #expect(
            message("x", "--colour", "gren")
                == "The value 'gren' is invalid for '--colour <colour>'. Did you mean 'green'? It is one of red, green."
        )
        #expect(message("x", "--colour") == "Missing value for '--colour <colour>'.")
        #expect(message("--colour", "--loud", "x") == "Missing value for '--colour <colour>'.")
        #expect(message("x", "--loud=yes") == "The option '--loud' takes no value.")
        #expect(message("x", "-l=yes") == "The option '-l' takes no value.")
        #expect(message("x", "--list=") == "The value of '--list <file>' is empty.")
        #expect(message() == "Missing expected argument '<thing> ...' or '--list <file>'.")
        #expect(message("--list", "f") == nil)
        #expect(message("a", "b", "c") == "Unexpected argument: 'c'.")
        #expect(message("a", "b", "c", "d\u{1B}") == "Unexpected arguments: 'c', 'd\\u{1b}'.")
        for value in ["0", "10", "x", "", "1.5", "99999999999999999999"] {
            #expect(
                message("x", "--size", value)
                    == "The value '\(value)' is invalid for '--size <size>': expected a whole number from 1 to 9.")
        }
    }

    @Test func `Help is asked for before two dashes`() {
        func asks(_ arguments: String...) -> Bool { ArgumentParser.asksForHelp(arguments.map { Array($0.utf8) }) }
        #expect(asks("x", "--help") && asks("-h") && asks("--zzz", "-h"))
        #expect(!asks("--", "--help") && !asks("help"))
    }

    @Test func `Any bytes are read or refused`() {
        var random = SeededRandom(seed: 7)
        let words = ["--", "-", "--colour", "--loud=", "-c", "=", "red", "-lrt", "--size", "9", "é", "\u{0}", "--no-"]
        for _ in 0..<5000 {
            let arguments = (0..<Int.random(in: 0...5, using: &random)).map { _ -> [UInt8] in
                if Bool.random(using: &random) { return Array(words.randomElement(using: &random)!.utf8) }
                return (0..<Int.random(in: 0...6, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random)
                }
            }
            guard let parsed = try? ArgumentParser.parse(arguments, as: Self.table) else { continue }
            #expect(parsed.positionals.count <= 2)
        }
    }

    @Test func `The nearest word is an abbreviation's whole or a slip's correction`() {
        let words = ["embed-image", "embed-text", "classify", "info"]
        #expect(Spelling.nearest(to: "embed", among: words) == ["embed-image", "embed-text"])
        #expect(Spelling.nearest(to: "clasify", among: words) == ["classify"])
        #expect(Spelling.nearest(to: "CLASSIFY", among: words) == ["classify"])
        #expect(Spelling.nearest(to: "xyzzy", among: words) == [])
        #expect(Spelling.distance("abcd", "abdc") == 1)
        #expect(Spelling.distance("", "abc") == 3)
        #expect(Spelling.distance(String(repeating: "x", count: 100_000), "abc") == 64)
    }
}

/// Numbers that are the same in every run (SplitMix64, Steele et al., 2014).
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
