import CLIPSystem
import CLIPTestSupport
import Testing

@testable import CLIPWeights

@Suite struct PyTorchFileTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func problem(_ bytes: [UInt8]) throws -> String {
        let path = try folder.write(bytes, to: "x.pt")
        do {
            let checkpoint = try Checkpoint(file: PathBytes(path))
            for name in checkpoint.names { _ = try checkpoint.tensor(name) }
            return "loaded"
        } catch {
            #expect(!"\(error)".contains("\n"))
            return "\(error)"
        }
    }

    @Test(arguments: ["state.pt", "checkpoint.pt", "script.pt", "types.gguf"])
    func `Tensors are those that torch and gguf read`(name: String) throws {
        let checkpoint = try Checkpoint(file: PathBytes(Fixtures.path(name)))
        let expected = try Fixtures.expected(name)
        #expect(!expected.isEmpty)
        for (name, values) in expected {
            let tensor = try #require(try checkpoint.tensor(name), "\(name)")
            #expect(tensor.shape == values.shape && checkpoint.layout(of: name)?.shape == values.shape)
            #expect(try tensor.floats() == values.values, "\(name)")
        }
        #expect(checkpoint.names.filter { expected[$0] == nil }.allSatisfy { !$0.contains("gain") })
    }

    @Test func `Types, whole numbers and kinds of file are told`() throws {
        let state = try Checkpoint(file: PathBytes(Fixtures.path("state.pt")))
        let types = ["single", "half", "brain", "double", "whole"].map { state.layout(of: $0)?.typeName }
        #expect(types == ["F32", "F16", "BF16", "F64", "I64"])
        let script = try Checkpoint(file: PathBytes(Fixtures.path("script.pt")))
        #expect(script.metadata == ["format": "torchscript"])
        #expect(script.contains("context_length"))
        let quantised = try Checkpoint(file: PathBytes(Fixtures.path("types.gguf")))
        #expect(quantised.layout(of: "q5_1")?.typeName == "Q5_1")
        let file = try #require(quantised.files.first as? GGUFFile)
        #expect(file.values["clip.use_gelu"]?.bool == true)
        #expect(file.values["clip.vision.image_mean"]?.numbers == [0.5, 0.25, 0.125])
        #expect(file.values["tokenizer.ggml.tokens"]?.strings == ["a", "é", ""])
    }

    @Test func `Older files and other archives are named, with what to do`() throws {
        #expect(try problem(Fixtures.bytes("legacy.pt")).contains("before version 1.6 (a bare pickle)"))
        var tar = [UInt8](repeating: 0, count: 512)
        tar.replaceSubrange(257..<262, with: "ustar".utf8)
        #expect(try problem(tar).contains("is a tar archive"))
        #expect(
            try problem(ZipBuilder().archive([("a.txt", [1])])).contains(
                "zip archive without data.pkl, found \"a.txt\""))
        #expect(try problem(Array(Fixtures.bytes("state.pt").dropLast(100))).contains("the download is incomplete"))
        #expect(
            try problem(ZipBuilder(method: 8).archive([("x/data.pkl", [1])])).contains("is compressed: torch.save"))
        let other = ZipBuilder().archive([
            ("x/data.pkl", [0x80, 2] + Array("}.".utf8)), ("x/byteorder", Array("big".utf8)),
        ])
        #expect(try problem(other).contains("big-endian"))
    }

    /// An archive around a pickle of protocol 2, with one storage of 16 bytes.
    private func archive(_ pickle: String, _ tail: [UInt8] = []) -> [UInt8] {
        ZipBuilder().archive([
            ("x/data.pkl", [0x80, 2] + Array(pickle.utf8) + tail), ("x/data/0", [UInt8](repeating: 1, count: 16)),
        ])
    }

    /// The opcodes of a tensor named "a", its parts in decimal.
    private func tensor(storage: String = "FloatStorage", count: Int = 4, offset: Int, shape: [Int], strides: [Int])
        -> String
    {
        func tuple(_ numbers: [Int]) -> String { "(" + numbers.map { "I\($0)\n" }.joined() + "t" }
        return
            "}V\("a")\nctorch._utils\n_rebuild_tensor_v2\n((Vstorage\nctorch\n\(storage)\nV0\nVcpu\nI\(count)\ntQI\(offset)\n"
            + tuple(shape) + tuple(strides) + "I00\nccollections\nOrderedDict\n)RtRs."
    }

    @Test func `A tensor by hand is read`() throws {
        let path = try folder.write(archive(tensor(offset: 1, shape: [3], strides: [1])), to: "x.pt")
        #expect(try Checkpoint(file: PathBytes(path)).tensor("a")?.byteCount == 12)
    }

    @Test(arguments: [
        ("cos\nsystem\n(Vtouch /tmp/x\ntR.", #"names "os.system", which is no tensor"#),
        ("cbuiltins\neval\n(V1\ntR.", #"names "builtins.eval""#),
        ("c__builtin__\ngetattr\n.", #"names "__builtin__.getattr""#),
        ("Vos\nVsystem\n\u{1}", "opcode 0x1 is none"), ("(ios\nsystem\n.", "opcode 0x69 is none"),
        ("ctorch\nload\n.", #"names "torch.load""#), ("ctorch.hub\nload\n.", "torch.hub.load"),
        ("", "cut short"), (".", "the stack is empty"), ("}.", "holds no tensors by name"), ("e.", "there is no mark"),
        ("(.", "the stack is empty"), ("I1\nR.", "the stack is empty"), ("I1\n)R.", "is not a function"),
        ("g7\n.", "nothing is remembered as 7"), ("Ix\n.", "expected a whole number"), ("]VQ\nQ.", "expected a tuple"),
        ("}Va\ns.", "the stack is empty"), ("(I1\nd.", "a key without a value"),
        ("X\u{7F}\u{7F}\u{7F}\u{7F}", "cut short"),
        ("ctorch._utils\n_rebuild_tensor_v2\n)R.", "a tensor without a storage"),
    ])
    func `What is no data is refused, and nothing of it run`(pickle: String, expected: String) throws {
        #expect(try problem(archive(pickle)).contains(expected))
    }

    @Test func `Tensors outside their storage are refused`() throws {
        for (offset, shape, strides) in [
            (0, [5], [1]), (2, [3], [1]), (0, [2, 2], [3, 1]), (0, [.max], [1]), (1, [2, 2], [.max, .max]),
            (.max, [1], [1]), (0, [.max, .max], [0, 0]), (0, [1 << 40, 2], [0, 1]), (0, [5], [0]),
        ] {
            let message = try problem(archive(tensor(offset: offset, shape: shape, strides: strides)))
            #expect(message.contains("tensor \"a\""), "\(message)")
        }
        #expect(try problem(archive(tensor(offset: 0, shape: [-1], strides: [1]))).contains("expected sizes"))
        #expect(try problem(archive(tensor(count: 5, offset: 0, shape: [4], strides: [1]))).contains("a storage of 5"))
        #expect(try problem(archive(tensor(count: .max, offset: 0, shape: [4], strides: [1]))).contains("a storage of"))
        #expect(
            try problem(archive(tensor(storage: "QInt8Storage", offset: 0, shape: [4], strides: [1]))).contains("QInt8")
        )
        // A step that is never taken may be any number.
        #expect(try problem(archive(tensor(offset: 0, shape: [1, 4], strides: [.max, 1]))) == "loaded")
    }

    @Test func `Bombs cost neither memory nor stack`() throws {
        let deep = String(repeating: "]", count: 300_000) + String(repeating: "a", count: 299_999) + "."
        #expect(try problem(archive(deep)).contains("holds no tensors"))
        let tuples = ")" + String(repeating: "\u{85}", count: 0) + String(repeating: "(t", count: 200_000) + "."
        #expect(try problem(archive(tuples)).contains("holds no tensors"))
        // Each dictionary names the one before it twice: 2⁶⁰ paths.
        var layers = tensor(offset: 0, shape: [4], strides: [1]).dropLast()
        for index in 0..<60 { layers += "p\(index)\n0}Va\ng\(index)\nsVb\ng\(index)\ns" }
        #expect(try problem(archive(layers + ".")).contains("nests deeper than"))
        #expect(try problem(archive("}p1\nVa\ng1\ns.")).contains("nests deeper than"), "a dictionary in itself")
        let marks = String(repeating: "(", count: 500_000)
        #expect(try problem(archive(marks)).contains("cut short"))
        #expect(try problem(archive("", [0x8D] + [UInt8](repeating: 0xFF, count: 8))).contains("is no count"))
        #expect(try problem(archive("", [0x8B, 0xFF, 0xFF, 0xFF, 0x7F])).contains("cut short"))
    }
}

/// Puts stored entries in a zip archive.
struct ZipBuilder {
    var method: UInt16 = 0

    func archive(_ entries: [(name: String, bytes: [UInt8])]) -> [UInt8] {
        var (file, directory): ([UInt8], [UInt8]) = ([], [])
        func little<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
            withUnsafeBytes(of: number.littleEndian, Array.init)
        }
        for (name, bytes) in entries {
            let sizes = little(UInt32(0)) + little(UInt32(bytes.count)) + little(UInt32(bytes.count))
            let head = little(UInt16(20)) + little(UInt16(0)) + little(method) + little(UInt32(0)) + sizes
            let lengths = little(UInt16(name.utf8.count)) + little(UInt16(0))
            directory += [0x50, 0x4B, 1, 2, 20, 0] + head + lengths + [UInt8](repeating: 0, count: 10)
            directory += little(UInt32(file.count)) + Array(name.utf8)
            file += [0x50, 0x4B, 3, 4] + head + lengths + Array(name.utf8) + bytes
        }
        let end = little(UInt16(entries.count)) + little(UInt16(entries.count)) + little(UInt32(directory.count))
        return file + directory + [0x50, 0x4B, 5, 6, 0, 0, 0, 0] + end + little(UInt32(file.count)) + [0, 0]
    }
}
