import CLIPSystem
import CLIPTestSupport
import Testing

@testable import CLIPTokenizers

/// True if a tokenizer was refused, with one line; else it is used on `text`.
func isRefused(_ text: String, _ make: () throws -> any Tokenizer) throws -> Bool {
    do {
        let tokens = try make().tokenize(text)
        _ = tokens.pieces
        _ = tokens.truncated(to: 7)
        _ = tokens.chunks(contextLength: 7)
        return false
    } catch let error as CLIPError {
        #expect(!error.description.utf8.contains(UInt8(ascii: "\n")))
        return true
    }
}

extension SeededGenerator {
    /// A damaged compiled form, every other one hit where it hurts most: in its first `head` bytes.
    mutating func damagedForm(
        _ original: [UInt8], head: Int, round: Int
    ) -> (bytes: UnsafeRawBufferPointer, memory: OwnedBytes) {
        var damaged = damaged(original)
        if round % 2 == 0, damaged.count > head {
            damaged[Int.random(in: 8..<head, using: &self)] = UInt8.random(in: 0...255, using: &self)
        }
        let memory = OwnedBytes(count: damaged.count)
        memory.mutableBytes.copyBytes(from: damaged)
        return (UnsafeRawBufferPointer(memory.mutableBytes), memory)
    }
}
