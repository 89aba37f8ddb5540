internal import CLIPWeights

/// What tells models apart whose embeddings must not be compared: SHA-256 over all that decides an embedding, in an order
/// that doesn't depend on where a file keeps it.
struct Fingerprint {
    private var lines: [String] = []

    /// - Parameter kind: fingerprints of different kinds never agree.
    init(kind: String) {
        lines.append("\u{0} \(kind)\n")
    }

    /// Counts a part by its name and the digest of its bytes.
    mutating func add(_ name: String, digest: String) {
        lines.append("\(name)\t\(digest)\n")
    }

    /// Counts a small part.
    mutating func add(_ name: String, bytes: [UInt8]) {
        add(name, digest: bytes.withUnsafeBytes(SHA256.hexadecimal))
    }

    /// 64 hexadecimal digits.
    func hexadecimal() -> String {
        var hash = SHA256()
        for line in lines.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) { hash.update(Array(line.utf8)) }
        return hash.hexadecimal()
    }
}

/// The parts of a flat file that decide an embedding: every tensor but the probes, configuration and preprocessing.
struct FlatFingerprint {
    private var fingerprint = Fingerprint(kind: "clip file 1")

    init(config: String, preprocessor: String) {
        fingerprint.add(FlatFile.Name.config, bytes: Array(config.utf8))
        fingerprint.add(FlatFile.Name.preprocessor, bytes: Array(preprocessor.utf8))
    }

    mutating func add(_ name: String, _ type: ElementType, _ shape: [Int], _ bytes: UnsafeRawBufferPointer) {
        fingerprint.add("\(name) \(type.rawValue) \(shape)", digest: SHA256.hexadecimal(of: bytes))
    }

    func hexadecimal() -> String { fingerprint.hexadecimal() }
}
