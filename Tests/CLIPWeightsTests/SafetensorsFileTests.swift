import CLIPSystem
import CLIPTestSupport
import Testing

@testable import CLIPWeights

@Suite struct SafetensorsFileTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func open(_ bytes: [UInt8]) throws -> SafetensorsFile {
        try SafetensorsFile(PathBytes(folder.write(bytes, to: "model.safetensors")))
    }

    /// What is wrong with a file that must not load.
    private func problem(_ bytes: [UInt8]) -> String {
        do {
            _ = try open(bytes)
            return "loaded"
        } catch {
            let text = "\(error)"
            #expect(!text.contains("\n"))
            return text
        }
    }

    private func problem(_ header: String, data: [UInt8] = []) -> String {
        problem(safetensors(header, data: data))
    }

    @Test func `Tensors, metadata and order come out as stored`() throws {
        let header = """
            {"__metadata__": {"format": "pt", "note": "\\u00e9\\n\\ud83d\\ude00"},
             "second": {"dtype": "U8", "shape": [3], "data_offsets": [4, 7]},
             "first": {"dtype": "F32", "shape": [], "data_offsets": [0, 4], "extra": [1, {"a": [null, -2.5e3]}]},
             "empty": {"shape": [2, 0, 5], "data_offsets": [7, 7], "dtype": "F16"}}
            """
        let file = try open(safetensors(header + "   ", data: [0, 0, 0x80, 0x3F, 7, 8, 9]))
        #expect(file.names == ["first", "second", "empty"])
        #expect(file.metadata == ["format": "pt", "note": "é\n😀"])
        let first = try #require(try file.tensor("first"))
        #expect(first.shape == [] && first.type == .f32 && first.byteCount == 4)
        #expect(try first.floats() == [1])
        let second = try #require(try file.tensor("second"))
        #expect(second.withBytes(Array.init) == [7, 8, 9])
        #expect(try file.tensor("empty")?.floats() == [])
        #expect(try file.tensor("third") == nil)
    }

    @Test func `Metadata that is null is none`() throws {
        let file = try open(
            safetensors(#"{"__metadata__":null,"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, data: [5]))
        #expect(file.metadata.isEmpty && file.names == ["a"])
        #expect(problem(#"{"__metadata__":7}"#).contains("expected an object"))
    }

    @Test func `Pictures and texts are named`() {
        let tail = [UInt8](repeating: 1, count: 20)
        for (bytes, name) in [
            ([0xFF, 0xD8, 0xFF, 0xE0, 0, 0x10, 0x4A, 0x46], "is a picture (JPEG), not a model"),
            ([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], "is a picture (PNG), not a model"),
            (Array("RIFF\u{1}\u{1}\u{0}\u{0}WEBP".utf8), "is a picture (WebP), not a model"),
            (Array(#"{"architectures": ["CLIPModel"]}"#.utf8), "is a JSON text, not the weights"),
            (Array("# A model".utf8), "is not a safetensors file"),
        ] as [([UInt8], String)] {
            let message = problem(bytes + tail)
            #expect(message.contains(name) && !message.contains("header of"), "\(message)")
        }
    }

    @Test func `A tensor keeps its file mapped`() throws {
        var tensor: StoredTensor?
        do {
            let file = try open(
                safetensors(#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#, data: [5, 6]))
            tensor = try file.tensor("a")
        }
        #expect(tensor?.withBytes(Array.init) == [5, 6])
    }

    @Test func `An unknown element type matters only when the tensor is asked for`() throws {
        let header = """
            {"odd":{"dtype":"F8_E8M0","shape":[2],"data_offsets":[0,2]},\
            "fine":{"dtype":"I8","shape":[1],"data_offsets":[2,3]}}
            """
        let file = try open(safetensors(header, data: [1, 2, 3]))
        #expect(try file.tensor("fine")?.shape == [1])
        #expect {
            try file.tensor("odd")
        } throws: {
            "\($0)".contains(#"tensor "odd" has type "F8_E8M0", expected one of F32, F16"#)
        }
    }

    @Test func `A file cut short says where its tensor should end`() throws {
        let header = #"{"visual_projection.weight":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#
        let whole = safetensors(header, data: Array(repeating: 0, count: 16))
        #expect(problem(whole) == "loaded")
        let text = problem(Array(whole.dropLast(5)))
        #expect(
            text.hasSuffix(
                "model.safetensors: tensor \"visual_projection.weight\" ends at byte \(whole.count), the file has "
                    + "\(whole.count - 5): the download is incomplete, fetch it again"))
        #expect(problem(whole + [0]).contains("bytes that belong to nothing"))
        #expect(problem(Array(whole.prefix(30))).contains("header ends at byte \(8 + header.utf8.count)"))
        #expect(problem(Array(whole.prefix(5))).contains("at least 8"))
        #expect(problem([UInt8]()).contains("is empty"))
    }

    @Test func `Holes, overlaps and wrong sizes are refused`() {
        func entry(_ name: String, _ start: Int, _ end: Int, type: String = "U8", shape: String? = nil) -> String {
            #""\#(name)":{"dtype":"\#(type)","shape":\#(shape ?? "[\(end - start)]"),"data_offsets":[\#(start),\#(end)]}"#
        }
        let data = [UInt8](repeating: 0, count: 8)
        #expect(problem("{\(entry("a", 0, 4)),\(entry("b", 4, 8))}", data: data) == "loaded")
        #expect(problem("{\(entry("a", 0, 4)),\(entry("b", 3, 8))}", data: data).contains("overlaps"))
        #expect(problem("{\(entry("a", 0, 3)),\(entry("b", 4, 8))}", data: data).contains("leaves a hole"))
        #expect(problem("{\(entry("a", 1, 8))}", data: data).contains("leaves a hole"))
        #expect(problem("{\(entry("a", 0, 8, shape: "[7]"))}", data: data).contains("U8 of shape [7] needs 7 bytes"))
        #expect(problem("{\(entry("a", 0, 8, type: "F32", shape: "[3]"))}", data: data).contains("needs 12 bytes"))
        #expect(problem("{\(entry("a", 8, 0, shape: "[8]"))}", data: data).contains("not a start and an end"))
        let huge = "[4294967296, 4294967296, 4294967296]"
        #expect(problem("{\(entry("a", 0, 8, shape: huge))}", data: data).contains("more bytes than can be addressed"))
        let far = #"{"a":{"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]}}"#
        #expect(problem(far, data: data).contains("the download is incomplete"))
        #expect(problem("{}", data: data).contains("belong to nothing"))
    }

    @Test func `Names that are there twice are refused, in bytes or by canonical equivalence`() {
        func pair(_ first: String, _ second: String) -> String {
            """
            {"\(first)":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},\
            "\(second)":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}
            """
        }
        #expect(problem(pair("a", "a"), data: [1, 2]).contains(#"tensor "a" is there twice"#))
        #expect(problem(pair("\u{E9}", "e\u{301}"), data: [1, 2]).contains("is there twice"))
        #expect(problem(pair("e", "e\u{301}"), data: [1, 2]) == "loaded")
        #expect(problem(#"{"__metadata__":{"a":"1","a":"2"}}"#).contains("twice"))
    }

    @Test(arguments: [
        ("", "should open a JSON object"),
        ("  {}", "should open a JSON object"),
        ("[]", "should open a JSON object"),
        ("{ ", "expected a string"),
        ("{}{}", "expected the end"),
        (#"{"a":1}"#, "expected an object"),
        (#"{"a":{}}"#, "lacks one of dtype, shape and data_offsets"),
        (#"{"a":{"dtype":"U8","shape":[1]}}"#, "lacks one of"),
        (#"{"a":{"dtype":"U8","dtype":"U8"}}"#, #"has "dtype" twice"#),
        (#"{"a":{"dtype":8}}"#, "expected a string"),
        (#"{"a":{"shape":[-1]}}"#, "expected a whole number"),
        (#"{"a":{"shape":[1.5]}}"#, "expected a whole number"),
        (#"{"a":{"shape":[1e3]}}"#, "expected a whole number"),
        (#"{"a":{"shape":[01]}}"#, "expected a whole number"),
        (#"{"a":{"shape":[9223372036854775808]}}"#, "too large"),
        (#"{"a":{"shape":[99999999999999999999999999999]}}"#, "too large"),
        (#"{"a":{"shape":[1 2]}}"#, "expected a comma"),
        (#"{"a":{"data_offsets":[0,1,2],"dtype":"U8","shape":[1]}}"#, "not a start and an end"),
        (#"{"__metadata__":{"a":1}}"#, "expected a string"),
        (#"{"a\x":{}}"#, "unknown escape"),
        (#"{"\ud800":{}}"#, "half of a surrogate pair"),
        (#"{"\u12g4":{}}"#, "four hexadecimal digits"),
        ("{\"a\nb\":{}}", "control character"),
        (#"{"a":{"x":nul}}"#, "expected a value"),
        (#"{"a"}"#, "expected a colon"),
        (#"{"abc"#, "has no end"),
    ])
    func `A header that is not what the format says is refused`(header: String, expected: String) {
        #expect(problem(header).contains(expected))
    }

    @Test func `Deep nesting and bytes that are not UTF-8 are refused`() {
        let deep = String(repeating: "[", count: 1_000_000)
        #expect(problem(#"{"a":{"x":\#(deep)}}"#).contains("nested too deep"))
        let header: [UInt8] = Array("{\"".utf8) + [0xC3, 0x28] + Array("\":{}}".utf8)
        let length = withUnsafeBytes(of: UInt64(header.count).littleEndian, Array.init)
        #expect(problem(length + header).contains("not valid UTF-8"))
    }

    @Test func `Other formats are named`() {
        #expect(problem(Array("PK\u{3}\u{4}aaaaaaaaaaaa".utf8)).contains("a PyTorch file"))
        #expect(problem(Array("GGUF\u{3}aaaaaaaaaaaa".utf8)).contains("a GGUF file"))
        #expect(problem(Array("version https://git-lfs.github.com/spec/v1\n".utf8)).contains("git lfs pull"))
        #expect(problem(Array("<!DOCTYPE html><html></html>".utf8)).contains("a web page"))
        #expect(problem([UInt8](repeating: 0xFF, count: 64)).contains("is not a safetensors file"))
    }

    @Test func `Missing files, folders and devices are errors in the system's words`() throws {
        #expect {
            try MappedFile(PathBytes(folder["nothing"]), kind: .model)
        } throws: {
            "\($0)".hasSuffix("can't be opened: No such file or directory")
        }
        #expect { try MappedFile(PathBytes(folder.path), kind: .model) } throws: { "\($0)".contains("is a folder") }
        #expect { try MappedFile(PathBytes("/dev/null"), kind: .model) } throws: {
            "\($0)".contains("a device or a pipe")
        }
        #expect { try MappedFile(PathBytes(""), kind: .model) } throws: { "\($0)".contains("is not a path") }
        let file = try MappedFile(PathBytes(folder.write([1, 2, 3], to: "three")), kind: .model)
        file.prefetch(1..<100)
        #expect(Array(file.bytes) == [1, 2, 3])
    }
}
