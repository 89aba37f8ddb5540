import CLIPTestSupport
import Testing

@testable import CLIPOptions

@Suite struct ArgumentParserTests {
    private enum Colour: String, CaseIterable {
        case red, green
    }

    private static let colour: CLIPOptions.Option<Colour?> = Option("colour", short: "c", .choice("colour"), help: "")
    private static let cool: CLIPOptions.Option<Colour?> = Option("cool", .choice("colour", of: [.green]), help: "")
    private static let loud = Option("loud", short: "l", help: "")
    private static let round = Option("round", short: "r", off: "no-round", default: true, help: "")
    private static let size = Option("size", .integer("size", 1...9), default: 5, help: "")
    private static let likeness = Option("likeness", .cosine, help: "")
    private static let tag = Option(each: "tag", .text("tag"), help: "")
    private static let list = Option("list", .file("file"), help: "")
    private static let table = CommandTable(
        "paint", abstract: "", positionals: [Positional("thing", count: 1...2, unless: [list], help: "")],
        options: [colour, cool, loud, round, size, likeness, tag, list], examples: [])

    private func parse(_ arguments: String...) throws(UsageError) -> Arguments {
        try ArgumentParser.parse(arguments.map { Array($0.utf8) }, as: ArgumentParserTests.table)
    }

    private func taken<Value>(_ option: CLIPOptions.Option<Value>, _ arguments: String...) throws -> Value {
        var parsed = try ArgumentParser.parse(arguments.map { Array($0.utf8) }, as: ArgumentParserTests.table)
        return parsed.take(option)
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
        var parsed = try ArgumentParser.parse(arguments.map { Array($0.utf8) }, as: ArgumentParserTests.table)
        #expect(parsed.take(Self.colour) == .red)
        #expect(parsed.texts == ["x"])
    }

    @Test func `Flags are on when named, pairs have two names`() throws {
        #expect(try taken(Self.loud, "x", "-lr") && taken(Self.round, "x", "-lr"))
        #expect(try !taken(Self.loud, "x") && taken(Self.round, "x"))
        #expect(try !taken(Self.round, "x", "--round", "--no-round"))
        #expect(try taken(Self.round, "x", "--no-round", "--round"))
    }

    @Test func `A value has the type of its option, and the option's own where none is given`() throws {
        #expect(try taken(Self.size, "x") == 5 && taken(Self.size, "x", "--size", "3", "--size=7") == 7)
        #expect(try taken(Self.likeness, "x") == nil && taken(Self.likeness, "x", "--likeness", "-0.5") == -0.5)
        #expect(try taken(Self.colour, "x") == nil)
    }

    @Test func `What is given and not taken has no effect and is refused`() throws {
        var parsed = try parse("x", "--size", "3", "--no-round", "-l")
        #expect(parsed.take(Self.loud) && parsed.take(Self.size) == 3)
        do throws(UsageError) {
            try parsed.checkAllTaken(Self.table)
            Issue.record("--no-round was passed over")
        } catch {
            #expect(error.message == "'--no-round' has no effect with the other arguments given.")
        }
        _ = parsed.take(Self.round)
        try parsed.checkAllTaken(Self.table)
    }

    @Test func `Repeatable options keep every value in order`() throws {
        #expect(try taken(Self.tag, "x", "--tag", "a", "--tag=b", "--tag", "a") == ["a", "b", "a"])
        #expect(try taken(Self.tag, "x", "--tag=") == [""])
        #expect(try taken(Self.tag, "x", "--tag=-a=b") == ["-a=b"])
        #expect(try taken(Self.tag, "x") == [])
    }

    @Test func `After two dashes everything is an argument, a lone dash always is`() throws {
        #expect(try parse("-", "--", "--loud").texts == ["-", "--loud"])
        #expect(try parse("--", "--").texts == ["--"])
        #expect(try taken(Self.list, "--list", "-") == "-")
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
        #expect(
            message("x", "--cool", "red")
                == "The value 'red' is invalid for '--cool <colour>'. It is one of green.")
        #expect(message("x", "--colour") == "Missing value for '--colour <colour>'.")
        #expect(message("--colour", "--loud", "x") == "Missing value for '--colour <colour>'.")
        #expect(message("x", "--loud=yes") == "The option '--loud' takes no value.")
        #expect(message("x", "-l=yes") == "The option '-l' takes no value.")
        #expect(message("x", "--list=") == "The value of '--list <file>' is empty.")
        #expect(message() == "Missing expected argument '<thing> ...' or '--list <file>'.")
        #expect(message("--list", "f") == nil)
        #expect(message("a", "b", "c") == "Unexpected argument: 'c'.")
        #expect(message("a", "b", "c", "d\u{1B}") == "Unexpected arguments: 'c', 'd\\u{1b}'.")
        for value in ["1.01", "-2", "nan", "inf", "x", ""] {
            #expect(
                message("x", "--likeness=\(value)")
                    == "The value '\(value)' is invalid for '--likeness <cosine>': expected a cosine, from -1 to 1.")
        }
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
        var random = SeededGenerator(seed: 7)
        let words = ["--", "-", "--colour", "--loud=", "-c", "=", "red", "-lr", "--size", "9", "é", "\u{0}", "--no-"]
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
