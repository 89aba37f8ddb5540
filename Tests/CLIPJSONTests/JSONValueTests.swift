import CLIPSystem
import CLIPJSON
import Testing

@Suite struct JSONValueTests {
    private func parse(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

    @Test func `Every kind of value is read`() throws {
        let value = try parse(#" {"a": [1, -2.5e3, true, null], "b": {"c": "é\u00e9\ud83d\ude00"}, "a2": {}} "#)
        #expect(value["a"] == .array([.number(1), .number(-2500), .bool(true), .null]))
        #expect(value["b"]?["c"]?.string == "éé😀")
        #expect(value["a2"]?.object == [:])
        #expect(value["a"]?.array?.first?.int == 1)
        #expect(value["a"]?.array?[1].string == nil)
        #expect(value["missing"] == nil)
    }

    @Test func `A number is whole only where an Int holds it exactly`() throws {
        #expect(try parse("49408").int == 49408)
        #expect(try parse("1.5").int == nil)
        #expect(try parse("1e300").int == nil)
    }

    @Test func `Python's numbers that are none are read`() throws {
        let value = try parse(#"{"a": NaN, "b": [Infinity, -Infinity], "c": 1e999}"#)
        #expect(value["a"]?.double?.isNaN == true && value["a"]?.int == nil)
        #expect(value["b"] == .array([.number(.infinity), .number(-.infinity)]))
        #expect(value["c"]?.double == .infinity && value["c"]?.int == nil)
        for text in ["nan", "inf", "-inf", "infinity", "+1", "--1", ".5", "NAN", "-NaN", "INF"] {
            #expect(throws: CLIPError.self, "\(text)") { try parse(text) }
        }
    }

    @Test(arguments: ["", "{", "[1,", "[1 2]", "{\"a\" 1}", "nul", "\"\u{01}\"", "1 2", "\"\\ud800\"", "tru", "[1,]"])
    func `What is not JSON is refused`(text: String) {
        #expect(throws: CLIPError.self) { try parse(text) }
    }

    /// Of numbers in a list, as a vocabulary's scores are read, and as values.
    @Test func `Numbers are the nearest, whichever way they are read`() throws {
        var random = SystemRandomNumberGenerator()
        var texts = [
            "0", "-0", "0.0", "-0.0", "1", "-13.478612899780273", "9007199254740993", "9007199254740992.9", "0.1",
            "0.3",
            "9999999999999999999", "0.9999999999999999999", "-0.000000000000000001", "1e-3", "12345678901234567890.5",
            "1.7976931348623157e308", "5e-324", "-2.2250738585072011e-308", "123456789.0123456789",
            "4503599627370497.5",
        ]
        for _ in 0..<2_000 {
            let whole = UInt64.random(in: 0...(.max), using: &random) >> UInt64.random(in: 0..<64, using: &random)
            let places = Int.random(in: 0...19, using: &random)
            var digits = String(whole)
            if digits.utf8.count <= places {
                digits = String(repeating: "0", count: places - digits.utf8.count + 1) + digits
            }
            let point = digits.index(digits.endIndex, offsetBy: -places)
            let sign = Bool.random(using: &random) ? "-" : ""
            texts.append("\(sign)\(digits[..<point])\(places > 0 ? "." : "")\(digits[point...])")
            texts.append("\(Float.random(in: -20...0, using: &random))")
            texts.append("\(Double(Float.random(in: -20...0, using: &random)))")
        }
        for text in texts {
            var scanner = JSONScanner(Array("[\(text) , 1]".utf8), at: JSONPlace(nil))
            var isFirst = true
            try scanner.openArray()
            #expect(try scanner.nextElement(&isFirst))
            let number = try scanner.number()
            #expect(number?.bitPattern == Double(text)?.bitPattern, "\(text)")
            #expect(try scanner.nextElement(&isFirst))
        }
    }

    @Test(arguments: ["01", "1.", ".5", "-", "1.5.5", "1-2", "0x1", "1e", "+1", "--1", "1a"])
    func `What is no number is refused, whichever way it is read`(text: String) {
        for ending in ["", "]"] {
            var scanner = JSONScanner(Array((text + ending).utf8), at: JSONPlace(nil))
            let number = try? scanner.number()
            let value = try? JSONValue(parsing: Array(text.utf8)).double
            #expect(number == value, "\(text)")
        }
    }

    @Test func `Strings are UTF-8 exactly where Swift's are`() {
        func isRead(_ bytes: [UInt8]) -> Bool {
            (try? JSONValue(parsing: [0x22] + bytes + [0x22])) != nil
        }
        for lead in UInt8(0x80)...0xFF {
            for second: UInt8 in [0x22 - 1, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF] {
                for rest: [UInt8] in [[], [0x80], [0xBF, 0xBF], [0x80, 0x41], [0x41, 0x80], [0x80, 0x80, 0x80]] {
                    let bytes = [lead, second] + rest
                    #expect(isRead(bytes) == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes)")
                }
            }
        }
    }

    @Test func `Nesting is bounded`() throws {
        _ = try parse(String(repeating: "[", count: 60) + String(repeating: "]", count: 60))
        #expect(throws: CLIPError.self) { try parse(String(repeating: "[", count: 100_000)) }
    }

    @Test func `Strings survive a round trip`() throws {
        let text = "quote \" backslash \\ tab \t bell \u{07} é 😀"
        #expect(try parse(jsonString(text)).string == text)
    }
}
