import CLIPSystem
import CLIPTestSupport
import Testing

@testable import CLIPWeights

/// Damaged files either load whole or throw: no trap, no hang.
@Suite struct MutationTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// Every byte of every tensor, so that an offset past the mapping could not go unseen.
    private func touch(_ checkpoint: Checkpoint) -> Int {
        var count = 0
        for name in checkpoint.names {
            guard let tensor = try? checkpoint.tensor(name) else { continue }
            count += tensor.withBytes { $0.reduce(0) { $0 &+ Int($1) } } > 0 ? 1 : 0
            _ = tensor.firstNonFinite()
            _ = try? tensor.floats()
        }
        return count
    }

    /// Why a file was refused, nil if all of it could be used.
    private func refusal(_ open: () throws -> Checkpoint) -> String? {
        do {
            _ = touch(try open())
            return nil
        } catch {
            return "\(error)"
        }
    }

    private func sample() -> [UInt8] {
        let header = """
            {"__metadata__":{"format":"pt"},"logit_scale":{"dtype":"F32","shape":[],"data_offsets":[0,4]},\
            "text.weight":{"dtype":"F16","shape":[2,3],"data_offsets":[4,16]},\
            "visual.proj":{"dtype":"BF16","shape":[4],"data_offsets":[16,24]},\
            "ids\\u00e9":{"dtype":"I64","shape":[1,2],"data_offsets":[24,40]},\
            "small":{"dtype":"F8_E4M3","shape":[2,4],"data_offsets":[40,48]},\
            "wide":{"dtype":"F8_E5M2","shape":[8],"data_offsets":[48,56]}}
            """
        return safetensors(header, data: (1...56).map { $0 })
    }

    @Test func `Twelve thousand damaged safetensors files load or throw`() throws {
        var random = SeededGenerator(seed: 0x5EED)
        let whole = sample()
        let path = try folder.write(whole, to: "model.safetensors")
        #expect(try touch(Checkpoint(file: PathBytes(path))) == 6)
        var loaded = 0
        var refused = 0
        for _ in 0..<12_000 {
            let damaged = random.damaged(whole)
            try folder.write(damaged, to: "model.safetensors")
            if let message = refusal({ try Checkpoint(file: PathBytes(path)) }) {
                #expect(!message.utf8.contains(UInt8(ascii: "\n")))
                refused += 1
            } else {
                loaded += 1
            }
        }
        // Changed numbers, names and metadata are still safetensors; changed structure is not.
        #expect(loaded + refused == 12_000)
        #expect(loaded > 500)
        #expect(refused > 5000)
    }

    @Test(arguments: [("state.pt", 1500), ("script.pt", 1500), ("checkpoint.pt", 1000), ("types.gguf", 2000)])
    func `Damaged PyTorch and GGUF files load or throw`(name: String, count: Int) throws {
        var random = SeededGenerator(seed: 0x7063)
        let whole = try Fixtures.bytes(name)
        let path = folder[name]
        var loaded = 0
        var refused = 0
        for _ in 0..<count {
            try folder.write(random.damaged(whole), to: name)
            if let message = refusal({ try Checkpoint(file: PathBytes(path)) }) {
                #expect(!message.utf8.contains(UInt8(ascii: "\n")))
                refused += 1
            } else {
                loaded += 1
            }
        }
        #expect(loaded > 50 && refused > 100, "\(loaded) loaded, \(refused) refused")
    }

    @Test func `Four thousand damaged shard indexes load or throw`() throws {
        var random = SeededGenerator(seed: 0xC11B)
        try folder.write(sample(), to: "model-1.safetensors")
        let index = Array(
            """
            {"metadata": {"total_size": 40, "x": [true, null, -1.5e3, "a\\n"]}, "weight_map": {
            "logit_scale": "model-1.safetensors", "text.weight": "model-1.safetensors",
            "visual.proj": "model-1.safetensors", "idsé": "model-1.safetensors",
            "small": "model-1.safetensors", "wide": "model-1.safetensors"}}
            """.utf8)
        try folder.write(index, to: "model.safetensors.index.json")
        #expect(try touch(Checkpoint(folder: PathBytes(folder.path))) == 6)
        var loaded = 0
        var refused = 0
        for _ in 0..<4000 {
            try folder.write(random.damaged(index), to: "model.safetensors.index.json")
            if let message = refusal({ try Checkpoint(folder: PathBytes(folder.path)) }) {
                #expect(!message.utf8.contains(UInt8(ascii: "\n")))
                refused += 1
            } else {
                loaded += 1
            }
        }
        #expect(loaded + refused == 4000)
        #expect(loaded > 100)
        #expect(refused > 1000)
    }
}
