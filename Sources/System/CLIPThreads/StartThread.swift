internal import CLIPSystem

/// How threads are started: gives one a body, or says that there is none.
typealias ThreadStart = @Sendable (_ body: @escaping @Sendable () -> Void) -> Bool

/// Starts a thread that nobody waits for.
/// - Returns: false when the system has none left: there are too many processes, or there is no room for a stack.
@Sendable package func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    // Decoders run here too, and not every system gives a thread as much unasked.
    pthread_attr_setstacksize(&attributes, 2 << 20)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    #if canImport(Darwin)
    // Somebody waits for what is done here: it belongs on the fast cores too, wherever the caller runs.
    pthread_attr_set_qos_class_np(&attributes, QOS_CLASS_USER_INITIATED, 0)
    #endif
    #if canImport(Darwin) || canImport(Musl)
    var thread: pthread_t?
    #else
    var thread = pthread_t()
    #endif
    let context = Unmanaged.passRetained(ThreadBody(body))
    let status = pthread_create(
        &thread, &attributes,
        { context in
            ThreadBody.run(context)
            return nil
        }, context.toOpaque())
    if status != 0 { context.release() }
    return status == 0
}

private final class ThreadBody: Sendable {
    let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) { self.body = body }

    /// Runs the one that a thread was started with. Not every system says that there is one.
    static func run(_ context: UnsafeMutableRawPointer?) {
        if let context { Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().body() }
    }
}
