import CLIPWeights

@testable import CLIPHub

/// What a hub calls a content.
enum Digest {
    static func sha256(_ bytes: [UInt8]) -> String { bytes.withUnsafeBytes { SHA256.hexadecimal(of: $0) } }

    static func git(_ bytes: [UInt8]) -> String {
        var hash = SHA1()
        hash.update(Array("blob \(bytes.count)\0".utf8) + bytes)
        return hash.hexadecimal()
    }
}
