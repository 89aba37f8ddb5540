internal import CLIPWeights
internal import CLIPSystem

/// A blob that is not complete yet: the bytes so far, and their hash.
///
/// It stays where it is when the program ends, however it ends: the next one goes on from there.
struct PartialFile {
    let path: String
    let file: HubFile
    /// How many bytes are there.
    private(set) var count = 0
    private var digest: ContentDigest
    private let blob: OpenFile

    /// Opens or makes the file; what it holds already is hashed.
    ///
    /// - Throws: when it can't be made or read.
    init(path: String, for file: HubFile) throws(CLIPError) {
        // Its name can be foretold: a link that somebody has put there must not lead what is written elsewhere.
        let blob = try openOwnFile(path)
        self.path = path
        self.file = file
        self.blob = blob
        digest = ContentDigest(expecting: file.hash, byteCount: file.byteCount)
        try hashWhatIsThere()
    }

    var isComplete: Bool { count == file.byteCount }

    /// Appends `bytes`.
    ///
    /// - Throws: when they can't be written, or are more than the file has room for.
    mutating func append(_ bytes: UnsafeRawBufferPointer) throws(CLIPError) {
        guard bytes.count <= file.byteCount - count else {
            throw CLIPError(
                .damaged, path: file.path, "the hub sends more than the \(file.byteCount) bytes it announced")
        }
        do throws(CLIPError) {
            try blob.write(bytes, at: count)
        } catch {
            throw error.saying("\(error.message): make room, then run this again, it goes on where it stopped")
        }
        digest.update(bytes)
        count += bytes.count
    }

    /// Forgets everything.
    mutating func restart() throws(CLIPError) {
        try blob.truncate(to: 0)
        count = 0
        digest = ContentDigest(expecting: file.hash, byteCount: file.byteCount)
    }

    /// Whether the bytes are what the hub announced.
    var isGenuine: Bool { isComplete && digest.hexadecimal == file.hash.digits }

    /// The hash of what is there.
    var hexadecimal: String { digest.hexadecimal }

    /// Makes the blob appear at `target`, complete.
    mutating func commit(to target: String) throws(CLIPError) {
        do throws(SystemError) {
            _ = try uninterrupted { fsync(blob.descriptor) }
            try PathBytes(path).rename(to: PathBytes(target))
        } catch {
            throw CLIPError(.storage, path: target, "can't be written", error)
        }
    }

    private mutating func hashWhatIsThere() throws(CLIPError) {
        var (got, isTooLong) = (0, false)
        try digest.update(blob) { [limit = file.byteCount] read in
            isTooLong = read > limit
            got = read
            return !isTooLong
        }
        if isTooLong { try restart() } else { count = got }
    }
}

/// The hash of a content that comes in pieces, of the kind that is expected of it.
struct ContentDigest {
    private var sha256 = SHA256()
    private var sha1 = SHA1()
    private let expected: ContentHash

    init(expecting expected: ContentHash, byteCount: Int) {
        self.expected = expected
        if case .git = expected { sha1.update(Array("blob \(byteCount)\0".utf8)) }
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        switch expected {
        case .sha256: sha256.update(bytes)
        case .git: sha1.update(bytes)
        }
    }

    /// Takes in a whole file.
    /// - Parameter isWanted: told how many bytes have been read; false to read no further.
    mutating func update(_ file: OpenFile, while isWanted: (Int) -> Bool = { _ in true }) throws(CLIPError) {
        var count = 0
        while true {
            let part = try file.read(at: count, count: 1 << 20)
            if part.isEmpty { return }
            count += part.count
            guard isWanted(count) else { return }
            part.withUnsafeBytes { update($0) }
        }
    }

    /// Of everything so far, in lower-case hexadecimal digits.
    var hexadecimal: String {
        switch expected {
        case .sha256: sha256.hexadecimal()
        case .git: sha1.hexadecimal()
        }
    }
}

/// SHA-1 (FIPS 180-4), fed in pieces: git names small files by it.
struct SHA1 {
    private var state: (UInt32, UInt32, UInt32, UInt32, UInt32) = (
        0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0
    )
    /// Bytes that don't fill a block yet.
    private var pending: [UInt8] = []
    private var byteCount: UInt64 = 0

    mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        byteCount &+= UInt64(bytes.count)
        pending += bytes
        let whole = pending.count - pending.count % 64
        for start in stride(from: 0, to: whole, by: 64) { compress(pending[start..<start + 64]) }
        pending.removeFirst(whole)
    }

    /// Of everything so far; more may follow.
    func hexadecimal() -> String {
        var copy = self
        copy.update([0x80] + Array(repeating: 0, count: (119 - pending.count) % 64))
        copy.update(withUnsafeBytes(of: (byteCount &* 8).bigEndian, Array.init))
        let words = [copy.state.0, copy.state.1, copy.state.2, copy.state.3, copy.state.4]
        return CLIPSystem.hexadecimal(words.flatMap { withUnsafeBytes(of: $0.bigEndian, Array.init) })
    }

    private mutating func compress(_ block: ArraySlice<UInt8>) {
        var words = [UInt32](repeating: 0, count: 80)
        for index in 0..<64 {
            words[index / 4] = words[index / 4] << 8 | UInt32(block[block.startIndex + index])
        }
        for index in 16..<80 {
            words[index] = rotated(words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16], 1)
        }
        var (a, b, c, d, e) = state
        for (index, word) in words.enumerated() {
            let (mix, constant): (UInt32, UInt32) =
                switch index {
                case 0..<20: (b & c | ~b & d, 0x5a82_7999)
                case 20..<40: (b ^ c ^ d, 0x6ed9_eba1)
                case 40..<60: (b & c | b & d | c & d, 0x8f1b_bcdc)
                default: (b ^ c ^ d, 0xca62_c1d6)
                }
            (a, b, c, d, e) = (rotated(a, 5) &+ mix &+ e &+ word &+ constant, a, rotated(b, 30), c, d)
        }
        state = (state.0 &+ a, state.1 &+ b, state.2 &+ c, state.3 &+ d, state.4 &+ e)
    }

    private func rotated(_ word: UInt32, _ count: UInt32) -> UInt32 { word << count | word >> (32 - count) }
}
