#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Memory for weights that were converted while they were loaded, aligned for any vector load.
final class WeightBuffer: @unchecked Sendable {
    private static let hugePage = 2 << 20

    let bytes: UnsafeMutableRawBufferPointer

    init(byteCount: Int) {
        let isLarge = byteCount >= WeightBuffer.hugePage
        bytes = .allocate(byteCount: byteCount, alignment: isLarge ? WeightBuffer.hugePage : 64)
        #if os(Linux)
        // Hundreds of megabytes in pages of 4 KiB take as long to be mapped as to be filled.
        if isLarge { madvise(bytes.baseAddress, byteCount, MADV_HUGEPAGE) }
        #endif
    }

    deinit {
        bytes.deallocate()
    }
}
