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

    @Test func `Nesting is bounded`() throws {
        _ = try parse(String(repeating: "[", count: 60) + String(repeating: "]", count: 60))
        #expect(throws: CLIPError.self) { try parse(String(repeating: "[", count: 100_000)) }
    }

    @Test func `Strings survive a round trip`() throws {
        let text = "quote \" backslash \\ tab \t bell \u{07} é 😀"
        #expect(try parse(jsonString(text)).string == text)
    }
}
