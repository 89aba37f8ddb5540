import CLIPSystem

/// Writes all of `bytes`.
func writeAll(_ bytes: [UInt8], to descriptor: Int32) throws(SystemError) {
    var done = 0
    while done < bytes.count {
        let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress! + done, min($0.count - done, 1 << 30)) }
        if written > 0 {
            done += written
        } else if written < 0 && errno == EAGAIN {
            waitUntilReady(descriptor, for: POLLOUT)
        } else if written == 0 || errno != EINTR {
            throw SystemError(code: written < 0 ? errno : EIO)
        }
    }
}

/// The next bytes of a descriptor, at most `count`; empty at the end.
func readSome(from descriptor: Int32, atMost count: Int) throws(SystemError) -> [UInt8] {
    while true {
        var got = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { target, filled in
            got = read(descriptor, target.baseAddress, count)
            filled = max(0, got)
        }
        if got >= 0 { return bytes }
        if errno == EAGAIN {
            waitUntilReady(descriptor, for: POLLIN)
        } else if errno != EINTR {
            throw SystemError(code: errno)
        }
    }
}

/// Whether reading would return at once: data or the end is there.
func isReadable(_ descriptor: Int32) -> Bool {
    var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&request, 1, 0) != 0
}

private func waitUntilReady(_ descriptor: Int32, for events: some BinaryInteger) {
    var request = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    _ = poll(&request, 1, -1)
}

/// Seconds on a clock that is never set.
func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
