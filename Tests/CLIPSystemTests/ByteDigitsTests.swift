import CLIPSystem
import CLIPTestSupport
import Foundation
import Testing

@Suite struct ByteDigitsTests {
    @Test func `Base64 is read as it is written`() {
        var random = SeededGenerator(seed: 1)
        for count in 0..<40 {
            let bytes = random.bytes(count)
            #expect(bytesOfBase64(base64OfBytes(bytes).utf8) == bytes)
            #expect(bytesOfBase64(base64OfBytes(bytes).utf8.filter { $0 != UInt8(ascii: "=") }) == bytes)
            #expect(Data(base64Encoded: base64OfBytes(bytes)) == Data(bytes))
        }
        for wrong in ["a", "a===", "ab=", "ab==c", "a!bc", "ab=c", "abcde"] {
            #expect(bytesOfBase64(wrong.utf8) == nil)
        }
    }
}
