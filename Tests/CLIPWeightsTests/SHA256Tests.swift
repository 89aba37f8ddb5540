import Testing

@testable import CLIPWeights

@Suite struct SHA256Tests {
    /// FIPS 180-4 examples and the NIST vectors for one million letters a.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
        ),
        (String(repeating: "a", count: 1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ])
    func `NIST vectors`(message: String, expected: String) {
        var message = message
        #expect(message.withUTF8 { SHA256.hexadecimal(of: UnsafeRawBufferPointer($0)) } == expected)
    }

    @Test func `Pieces of any size give the digest of the whole`() {
        let message = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let whole = message.withUnsafeBytes { SHA256.hexadecimal(of: $0) }
        for size in 1...130 {
            var hash = SHA256()
            for start in stride(from: 0, to: message.count, by: size) {
                hash.update(Array(message[start..<min(start + size, message.count)]))
            }
            #expect(hash.hexadecimal() == whole)
            #expect(hash.hexadecimal() == whole, "a digest ends nothing")
        }
    }
}
