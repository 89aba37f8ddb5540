package import CLIPSystem

/// SHA-256 (FIPS 180-4), fed in pieces.
package struct SHA256 {
    private var state = State(
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19)
    /// Bytes that don't fill a block yet.
    private var pending: [UInt8] = []
    private var byteCount: UInt64 = 0

    package init() {
        pending.reserveCapacity(64)
    }

    /// The 64 lower-case hexadecimal digits of the digest of `bytes`.
    package static func hexadecimal(of bytes: UnsafeRawBufferPointer) -> String {
        var hash = SHA256()
        hash.update(bytes)
        return hash.hexadecimal()
    }

    package mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        byteCount &+= UInt64(bytes.count)
        var rest = bytes[...]
        if !pending.isEmpty {
            let head = rest.prefix(64 - pending.count)
            pending.append(contentsOf: head)
            rest = rest.dropFirst(head.count)
            guard pending.count == 64 else { return }
            pending.withUnsafeBytes { compress($0, into: &state) }
            pending.removeAll(keepingCapacity: true)
        }
        let whole = rest.count - rest.count % 64
        compress(UnsafeRawBufferPointer(rebasing: rest.prefix(whole)), into: &state)
        pending.append(contentsOf: rest.dropFirst(whole))
    }

    /// The 32 bytes of the digest of everything so far; more may follow.
    package func digest() -> [UInt8] {
        var last = pending + [0x80]
        last += Array(repeating: 0, count: (120 - last.count) % 64)
        last += withUnsafeBytes(of: (byteCount &* 8).bigEndian, Array.init)
        var state = state
        last.withUnsafeBytes { compress($0, into: &state) }
        return (0..<8).flatMap { withUnsafeBytes(of: state[$0].bigEndian, Array.init) }
    }

    /// The digest of everything so far as 64 lower-case hexadecimal digits.
    package func hexadecimal() -> String { CLIPSystem.hexadecimal(digest()) }
}

private typealias State = SIMD8<UInt32>

/// The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2).
private let roundConstants: [UInt32] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
]

@inline(__always)
private func rotated(_ word: UInt32, _ count: UInt32) -> UInt32 {
    word &>> count | word &<< (32 &- count)
}

/// One round; the caller renames the eight words instead of moving them.
@inline(__always)
private func round(
    _ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: inout UInt32, _ e: UInt32, _ f: UInt32, _ g: UInt32, _ h: inout UInt32,
    _ input: UInt32
) {
    let choice = g ^ (e & (f ^ g))
    let majority = (a & b) | (c & (a | b))
    let first = h &+ (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) &+ choice &+ input
    d = d &+ first
    h = first &+ (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) &+ majority
}

/// Takes in the whole 64-byte blocks of `blocks`.
private func compress(_ blocks: UnsafeRawBufferPointer, into state: inout State) {
    guard let base = blocks.baseAddress else { return }
    var current = state
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { schedule in
        roundConstants.withUnsafeBufferPointer { constants in
            guard let words = schedule.baseAddress, let constants = constants.baseAddress else { return }
            for block in stride(from: 0, to: blocks.count, by: 64) {
                for index in 0..<16 {
                    words[index] = UInt32(
                        bigEndian: base.loadUnaligned(fromByteOffset: block &+ index &* 4, as: UInt32.self))
                }
                for index in 16..<64 {
                    let early = words[index &- 15]
                    let late = words[index &- 2]
                    let small0 = rotated(early, 7) ^ rotated(early, 18) ^ early &>> 3
                    let small1 = rotated(late, 17) ^ rotated(late, 19) ^ late &>> 10
                    words[index] = words[index &- 16] &+ small0 &+ words[index &- 7] &+ small1
                }
                current = current &+ rounds(current, words, constants)
            }
        }
    }
    state = current
}

@inline(__always)
private func rounds(_ state: State, _ words: UnsafeMutablePointer<UInt32>, _ constants: UnsafePointer<UInt32>) -> State
{
    var (a, b, c, d) = (state[0], state[1], state[2], state[3])
    var (e, f, g, h) = (state[4], state[5], state[6], state[7])
    var index = 0
    while index < 64 {
        round(a, b, c, &d, e, f, g, &h, words[index] &+ constants[index])
        round(h, a, b, &c, d, e, f, &g, words[index &+ 1] &+ constants[index &+ 1])
        round(g, h, a, &b, c, d, e, &f, words[index &+ 2] &+ constants[index &+ 2])
        round(f, g, h, &a, b, c, d, &e, words[index &+ 3] &+ constants[index &+ 3])
        round(e, f, g, &h, a, b, c, &d, words[index &+ 4] &+ constants[index &+ 4])
        round(d, e, f, &g, h, a, b, &c, words[index &+ 5] &+ constants[index &+ 5])
        round(c, d, e, &f, g, h, a, &b, words[index &+ 6] &+ constants[index &+ 6])
        round(b, c, d, &e, f, g, h, &a, words[index &+ 7] &+ constants[index &+ 7])
        index &+= 8
    }
    return State(a, b, c, d, e, f, g, h)
}

extension MappedFile {
    /// SHA-256 over the file's size, its first 256 KiB and 256 samples of 256 bytes spread evenly over the rest: a few
    /// milliseconds for a file of any size. It tells different files apart, not a file from a forgery of it.
    package func sampledSHA256() -> String {
        let (head, sample, samples) = (256 << 10, 256, 256)
        var hash = SHA256()
        hash.update(withUnsafeBytes(of: UInt64(bytes.count).littleEndian, Array.init))
        guard bytes.count > head + sample * samples else {
            hash.update(bytes)
            return hash.hexadecimal()
        }
        hash.update(UnsafeRawBufferPointer(rebasing: bytes[..<head]))
        let stride = (bytes.count - head - sample) / (samples - 1)
        for index in 0..<samples {
            let start = head + index * stride
            hash.update(UnsafeRawBufferPointer(rebasing: bytes[start..<start + sample]))
        }
        return hash.hexadecimal()
    }
}
