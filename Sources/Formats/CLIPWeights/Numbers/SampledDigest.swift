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
