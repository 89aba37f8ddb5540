import CLIPSystem
import CLIPTestSupport
import Foundation
import Testing

@testable import CLIPWeights

@Suite struct SafetensorsWriterTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private let tensors = [
        TensorDeclaration(name: "bias", type: .f32, shape: [3]),
        TensorDeclaration(name: "panels \"é\"\n", type: .f32, shape: [2, 5, 16]),
        TensorDeclaration(name: "tokens", type: .u8, shape: [7]),
        TensorDeclaration(name: "halves", type: .f16, shape: [1, 6, 16]),
        TensorDeclaration(name: "odd halves", type: .bf16, shape: [9]),
        TensorDeclaration(name: "none", type: .i64, shape: [0]),
    ]

    /// Bytes that differ from tensor to tensor.
    private func bytes(_ tensor: TensorDeclaration) -> [UInt8] {
        let count = tensor.shape.reduce(tensor.type.byteCount, *)
        return (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ tensor.name.utf8.count) }
    }

    @Test func `What is written is read back, aligned as promised`() throws {
        let path = folder["model.clip"]
        let metadata = ["format": "clip", "config": "{\"a\": \"\\\\\"}\u{0}\t", "note": "naïve 日本語 😀"]
        let writer = try SafetensorsWriter(PathBytes(path), metadata: metadata, tensors: tensors)
        for tensor in tensors.reversed() where tensor.name != "none" { try writer.write(tensor.name, bytes(tensor)) }
        #expect(try !folder.contents().contains("model.clip"), "nothing appears before it is complete")
        let count = try writer.finish()
        #expect(try folder.contents() == ["model.clip"])
        #expect(try folder.bytes("model.clip").count == count)

        let file = try SafetensorsFile(PathBytes(path))
        #expect(file.metadata == metadata)
        #expect(Set(file.names) == Set(tensors.map(\.name)))
        for declared in tensors {
            let tensor = try #require(try file.tensor(declared.name))
            #expect(tensor.shape == declared.shape && tensor.type == declared.type)
            #expect(tensor.withBytes(Array.init) == bytes(declared))
            #expect(tensor.offset % tensor.type.byteCount == 0)
            if tensor.byteCount % 64 == 0 { #expect(tensor.offset % 64 == 0) }
        }
    }

    @Test func `Metadata known last goes into the room reserved for it`() throws {
        let path = folder["model.clip"]
        let writer = try SafetensorsWriter(
            PathBytes(path), metadata: ["é": "before", "z": "after"], reserved: ["hash": 4, "more": 2], tensors: [])
        #expect { try writer.fill("hash", "abcde") } throws: { "\($0)".contains("has no room") }
        #expect { try writer.fill("hash", "ab\"e") } throws: { "\($0)".contains("has no room") }
        #expect { try writer.fill("z", "after") } throws: { "\($0)".contains("has no room") }
        try writer.fill("hash", "abcd")
        #expect { try writer.finish() } throws: { "\($0)".contains("\"more\" was reserved but not filled") }
        try writer.fill("more", "xy")
        try writer.finish()
        let expected = ["é": "before", "z": "after", "hash": "abcd", "more": "xy"]
        #expect(try SafetensorsFile(PathBytes(path)).metadata == expected)
    }

    @Test func `Tensors of one alignment keep the order of their declaration`() throws {
        let names = (0..<40).map { "layer \($0)" }
        let path = folder["model.clip"]
        let declared = names.map { TensorDeclaration(name: $0, type: .f32, shape: [16]) }
        let writer = try SafetensorsWriter(PathBytes(path), metadata: [:], tensors: declared)
        for name in names { try writer.write(name, [Float](repeating: 1, count: 16)) }
        try writer.finish()
        #expect(try SafetensorsFile(PathBytes(path)).names == names)
    }

    @Test func `Mistakes leave the old file alone and nothing behind`() throws {
        let path = try folder.write("old", to: "model.clip")
        func expectProblem(_ expected: String, _ body: (SafetensorsWriter) throws -> Void) {
            #expect {
                try body(SafetensorsWriter(PathBytes(path), metadata: [:], tensors: tensors))
            } throws: {
                "\($0)".contains(expected)
            }
        }
        expectProblem("was declared but not written (5 missing)") { try $0.finish() }
        expectProblem("tensor \"other\" was not declared") { try $0.write("other", [UInt8(1)]) }
        expectProblem("needs 7 bytes, found 1") { try $0.write("tokens", [UInt8(1)]) }
        expectProblem("is written twice") { writer in
            for _ in 0..<2 { try writer.write("tokens", bytes(tensors[2])) }
        }
        for declared in [
            [tensors[0], tensors[0]], [TensorDeclaration(name: "__metadata__", type: .u8, shape: [1])],
            [TensorDeclaration(name: "a", type: .f32, shape: [.max])],
            [TensorDeclaration(name: "a", type: .f32, shape: [-1])],
        ] {
            #expect {
                try SafetensorsWriter(PathBytes(path), metadata: [:], tensors: declared)
            } throws: {
                "\($0)".contains("its name is taken or its shape too large")
            }
        }
        let half = TensorDeclaration(name: "a", type: .u8, shape: [.max - 1])
        let rest = TensorDeclaration(name: "b", type: .u8, shape: [2])
        for declared in [[half], [half, rest]] {
            #expect(throws: CLIPError.self) {
                try SafetensorsWriter(PathBytes(path), metadata: [:], tensors: declared)
            }
        }
        #expect(try folder.contents() == ["model.clip"])
        #expect(try folder.bytes("model.clip") == Array("old".utf8))
    }

    @Test func `A size limit reached while writing removes what was begun`() throws {
        // Other tests of this process write far less than the limit; the tensor before the one written is a hole.
        let limit = 1 << 30
        var old = rlimit()
        #expect(getrlimit(fileSizeResource, &old) == 0)
        signal(SIGXFSZ, SIG_IGN)
        var new = rlimit(rlim_cur: rlim_t(limit), rlim_max: old.rlim_max)
        #expect(setrlimit(fileSizeResource, &new) == 0)
        defer {
            setrlimit(fileSizeResource, &old)
            signal(SIGXFSZ, SIG_DFL)
        }
        let path = try folder.write("old", to: "model.clip")
        let declared = [
            TensorDeclaration(name: "first", type: .u8, shape: [limit]),
            TensorDeclaration(name: "second", type: .u8, shape: [64]),
        ]
        do {
            let writer = try SafetensorsWriter(PathBytes(path), metadata: [:], tensors: declared)
            #expect {
                try writer.write("second", [UInt8](repeating: 1, count: 64))
            } throws: {
                "\($0)".hasPrefix("\(path): can't be written: File too large")
            }
        }
        #expect(try folder.contents() == ["model.clip"])
        #expect(try folder.bytes("model.clip") == Array("old".utf8))
    }
}

#if canImport(Glibc)
private let fileSizeResource = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
#else
private let fileSizeResource = RLIMIT_FSIZE
#endif
