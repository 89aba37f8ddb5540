#if hasFeature(BuiltinModule)
import Builtin
#endif

/// Tells the processor that this thread waits for another one in a loop: a core's other threads get its time meanwhile.
@inlinable @inline(__always)
package func spinPause() {
    #if hasFeature(BuiltinModule) && arch(x86_64)
    Builtin.int_x86_sse2_pause()
    #endif
}
