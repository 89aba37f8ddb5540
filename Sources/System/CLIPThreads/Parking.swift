internal import CLIPSystem

#if hasFeature(BuiltinModule)
import Builtin
#endif
#if arch(arm64)
import _Builtin_intrinsics.arm.acle
#endif

/// A place where threads sleep until something is true that other threads bring about.
final class Parking: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        pthread_cond_destroy(condition)
        mutex.deallocate()
        condition.deallocate()
    }

    /// Returns once `isEarly` is false. Whoever makes it so must call `wake` afterwards.
    func sleep(while isEarly: () -> Bool) {
        pthread_mutex_lock(mutex)
        while isEarly() { pthread_cond_wait(condition, mutex) }
        pthread_mutex_unlock(mutex)
    }

    /// Has every sleeper look again.
    func wake() {
        pthread_mutex_lock(mutex)
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }
}

/// Looks again and again, `limit` times, whether `condition` holds: sooner than waking up, as long as the wait is short.
/// - Returns: whether it does.
@inline(__always)
func spin(atMost limit: Int, until condition: @autoclosure () -> Bool) -> Bool {
    for _ in 0..<limit {
        if condition() { return true }
        spinPause()
    }
    return condition()
}

/// Tells the processor that this thread waits for another one in a loop: a core's other threads get its time meanwhile.
@inlinable @inline(__always)
package func spinPause() {
    #if hasFeature(BuiltinModule) && compiler(>=6.3) && arch(x86_64)
    Builtin.int_x86_sse2_pause()
    #elseif hasFeature(BuiltinModule) && compiler(>=6.3) && arch(arm64)
    // Waits until what is under way is done: some nanoseconds. What is meant for this, `yield`, takes no time on most.
    Builtin.int_aarch64_isb(Int32(15)._value)
    #elseif arch(arm64)
    __yield()
    #endif
}
