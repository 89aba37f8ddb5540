#if hasFeature(BuiltinModule)
import Builtin
#endif

/// Asks the processor to have the cache line at `address` ready soon. Any address may be given: nothing is read.
@inlinable @inline(__always)
package func prefetch(_ address: UnsafeRawPointer) {
    #if hasFeature(BuiltinModule)
    // For reading, into every cache, data.
    Builtin.int_prefetch_RawPointer(address._rawValue, Int32(0)._value, Int32(3)._value, Int32(1)._value)
    #endif
}

/// As `prefetch`, but the line stays out of the first cache.
@inlinable @inline(__always)
package func prefetchBehindFirstCache(_ address: UnsafeRawPointer) {
    #if hasFeature(BuiltinModule)
    Builtin.int_prefetch_RawPointer(address._rawValue, Int32(0)._value, Int32(2)._value, Int32(1)._value)
    #endif
}

/// Memory that a tile's loop asks for while it computes.
@usableFromInline package protocol Lookahead {
    /// Called once for every eight steps of the loop.
    mutating func advance()
}

/// Nothing is needed next.
@frozen @usableFromInline package struct NoLookahead: Lookahead {
    @inlinable @inline(__always) package init() {}
    @inlinable @inline(__always) package mutating func advance() {}
}

/// A stretch of memory, the same number of lines each time.
@frozen @usableFromInline package struct StretchLookahead: Lookahead {
    @usableFromInline var position: UnsafeRawPointer
    @usableFromInline let end: UnsafeRawPointer
    @usableFromInline let step: Int
    @usableFromInline let isStream: Bool

    /// A loop of `depth` steps is to ask for the `byteCount` bytes at `start`. A stream comes as fast as memory gives it:
    /// the few requests that the first cache keeps open would slow it down.
    @inlinable @inline(__always)
    package init(_ start: UnsafeRawPointer, byteCount: Int, depth: Int, isStream: Bool) {
        position = start
        self.isStream = isStream
        end = start + byteCount
        let calls = (depth + 7) / 8
        step = ((byteCount + calls - 1) / calls + 63) / 64 * 64
    }

    @inlinable @inline(__always)
    package mutating func advance() {
        let next = min(position + step, end)
        if isStream {
            while position < next {
                prefetchBehindFirstCache(position)
                position += 64
            }
        } else {
            while position < next {
                prefetch(position)
                position += 64
            }
        }
    }
}
