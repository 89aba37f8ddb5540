#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A file mapped read-only for as long as this object lives.
package final class MappedFile: @unchecked Sendable {
    package let path: String
    package let bytes: UnsafeRawBufferPointer

    package init(path: String) throws(WeightsError) {
        self.path = path
        bytes = UnsafeRawBufferPointer(start: nil, count: 0)
    }
}
