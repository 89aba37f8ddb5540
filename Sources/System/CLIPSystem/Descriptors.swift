/// Writes all of `bytes`, waiting where the descriptor can take no more.
/// - Parameter offset: where they go; nil for behind what was written last.
package func writeAll(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int? = nil
) throws(SystemError) {
    var done = 0
    while done < bytes.count {
        // Linux writes at most 2 GiB at once, Darwin refuses more.
        let part = UnsafeRawBufferPointer(rebasing: bytes[done..<min(bytes.count, done + 1 << 30)])
        let written =
            if let offset {
                pwrite(descriptor, part.baseAddress, part.count, off_t(offset + done))
            } else {
                write(descriptor, part.baseAddress, part.count)
            }
        if written > 0 {
            done += written
        } else if written < 0 && errno == EAGAIN {
            waitUntilReady(descriptor, for: POLLOUT)
        } else if written == 0 || errno != EINTR {
            throw SystemError(code: written < 0 ? errno : EIO)
        }
    }
}

package func writeAll(_ bytes: [UInt8], to descriptor: Int32, at offset: Int? = nil) throws(SystemError) {
    try bytes.withUnsafeBufferPointer { bytes throws(SystemError) in
        try writeAll(UnsafeRawBufferPointer(bytes), to: descriptor, at: offset)
    }
}

/// The next bytes of a descriptor, at most `count`, for which it waits; empty at the end.
package func readSome(from descriptor: Int32, atMost count: Int) throws(SystemError) -> [UInt8] {
    while true {
        do throws(SystemError) {
            return try readPart(of: descriptor, atMost: count)
        } catch {
            guard error.code == EAGAIN else { throw error }
            waitUntilReady(descriptor, for: POLLIN)
        }
    }
}

/// The bytes of a file, fewer than `count` only at its end.
/// - Parameter offset: where they begin; nil for behind what was read last.
package func readAll(from descriptor: Int32, at offset: Int? = nil, count: Int) throws(SystemError) -> [UInt8] {
    var bytes = try readPart(of: descriptor, at: offset, atMost: count)
    while bytes.count < count {
        let part = try readPart(of: descriptor, at: offset.map { $0 + bytes.count }, atMost: count - bytes.count)
        if part.isEmpty { break }
        bytes += part
    }
    return bytes
}

/// What one call reads.
private func readPart(of descriptor: Int32, at offset: Int? = nil, atMost count: Int) throws(SystemError) -> [UInt8] {
    var failure: SystemError?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { target, filled in
        do throws(SystemError) {
            filled = try uninterrupted {
                let count = min(count, 1 << 30)
                if let offset { return pread(descriptor, target.baseAddress, count, off_t(offset)) }
                return read(descriptor, target.baseAddress, count)
            }
        } catch {
            failure = error
        }
    }
    if let failure { throw failure }
    return bytes
}

/// Whether reading would return at once: data or the end is there.
package func isReadable(_ descriptor: Int32) -> Bool {
    var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&request, 1, 0) != 0
}

private func waitUntilReady(_ descriptor: Int32, for events: some BinaryInteger) {
    var request = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    _ = poll(&request, 1, -1)
}

/// Seconds on a clock that is never set.
package func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// Nanoseconds since 1970, by the system's clock.
package func nanosecondsSince1970() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
