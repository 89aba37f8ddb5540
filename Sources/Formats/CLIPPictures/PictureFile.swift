package import CLIPSystem

/// Reads the bytes of a picture file: a regular file, what a pipe brings, or a file inside an archive (`shard.tar::000123.jpg`).
/// - Parameters:
///   - maximumBytes: the most that is read into memory.
///   - patience: for how many milliseconds a pipe may bring nothing; the time begins again with every byte.
/// - Throws: `CLIPError.unreadable` in the system's words, for a folder or device, a file that is too large, and a
///   pipe that nobody writes to.
package func readPictureFile(
    _ path: PathBytes, maximumBytes: Int = 1 << 31, patience: Int32 = 60_000
) throws(CLIPError) -> [UInt8] {
    guard !path.bytes.isEmpty, !path.bytes.contains(0) else {
        throw .unreadable("the path is empty or holds a NUL")
    }
    let descriptor: Int32
    do throws(SystemError) {
        // Opening a named pipe waits for a writer, unless told not to. On other files the flag means nothing.
        descriptor = try path.open(O_RDONLY | O_NONBLOCK)
    } catch {
        if error.isAbsence, let (archive, name) = ArchiveDirectory.parts(of: path), archive.kind == .file {
            return try ArchiveDirectory.of(archive).bytes(of: name, limit: maximumBytes)
        }
        throw .unreadable("can't be opened", error)
    }
    defer { close(descriptor) }
    return try readPicture(descriptor: descriptor, maximumBytes: maximumBytes, patience: patience)
}

/// Reads what an open descriptor brings up to its end, which stays open: standard input, for example. What doesn't begin
/// as a picture is not read on.
/// - Parameters:
///   - maximumBytes: the most that is read into memory.
///   - patience: for how many milliseconds a pipe may bring nothing; negative waits for as long as it takes.
/// - Throws: `CLIPError.unreadable`, and for what is no picture and longer than its beginning what `decodePicture` says
///   of it.
package func readPicture(
    descriptor: Int32, maximumBytes: Int = 1 << 31, patience: Int32 = -1
) throws(CLIPError) -> [UInt8] {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .unreadable("can't be examined", .last) }
    let isRegular = status.st_mode & S_IFMT == S_IFREG
    switch status.st_mode & S_IFMT {
    case S_IFDIR: throw .unreadable("is a folder, expected a picture file")
    case S_IFBLK: throw .unreadable("is a device, expected a picture file")
    case S_IFCHR where patience >= 0: throw .unreadable("is a device, expected a picture file")
    default: break
    }
    let tooLarge = CLIPError.unreadable("holds more than \(maximumBytes) bytes, the most that is read")
    guard !isRegular || status.st_size <= maximumBytes else { throw tooLarge }

    let patience = isRegular ? nil : patience
    var bytes = try read(descriptor, behind: [], atMost: beginning, patience)
    guard bytes.count <= maximumBytes else { throw tooLarge }
    if bytes.count < beginning { return bytes }
    try checkBeginning(bytes)
    // A file may grow or shrink while it is read, and those under /proc say 0: the size is where to begin.
    var room = isRegular ? max(Int(status.st_size) - bytes.count, 0) + 1 : 1 << 16
    while true {
        let count = bytes.count
        bytes = try read(descriptor, behind: bytes, atMost: room, patience)
        guard bytes.count <= maximumBytes else { throw tooLarge }
        if bytes.count < count + room { return bytes }
        room = max(1 << 16, min(bytes.count, maximumBytes - bytes.count + 1))
    }
}

/// Bytes that say what a file is.
private let beginning = 1 << 16

/// Reads up to `count` bytes, fewer only at the end.
/// - Returns: `bytes`, and what was read behind them.
private func read(
    _ descriptor: Int32, behind bytes: [UInt8], atMost count: Int, _ patience: Int32?
) throws(CLIPError) -> [UInt8] {
    var failure: CLIPError?
    let all = [UInt8](unsafeUninitializedCapacity: bytes.count + count) { buffer, filled in
        filled = bytes.count
        _ = buffer.update(fromContentsOf: bytes)
        do throws(CLIPError) {
            let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[bytes.count...])
            filled += try fill(
                UnsafeMutableRawBufferPointer(start: rest.baseAddress, count: count), from: descriptor,
                patience: patience)
        } catch {
            failure = error
        }
    }
    if let failure { throw failure }
    return all
}

/// Reads until `buffer` is full or the end comes.
/// - Parameter patience: how long to wait for every byte; nil where reading never waits.
/// - Returns: how many bytes were read, fewer than fit only at the end.
private func fill(
    _ buffer: UnsafeMutableRawBufferPointer, from descriptor: Int32, patience: Int32?
) throws(CLIPError) -> Int {
    var filled = 0
    while filled < buffer.count {
        if let patience {
            // A named pipe reads as ended while nobody has opened it for writing: waiting tells the two apart.
            var event = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&event, 1, patience)
            if ready == 0 {
                throw .unreadable("is a pipe that brought nothing for \(patience) milliseconds")
            }
            if ready < 0, errno != EINTR { throw .unreadable("can't be waited for", .last) }
            if ready < 0 { continue }
        }
        // No more than the 2 GB that one call of some systems takes.
        let count = readOnce(descriptor, buffer.baseAddress! + filled, min(buffer.count - filled, 1 << 30))
        if count == 0 { break }
        if count > 0 {
            filled += count
        } else if errno == EAGAIN, patience == nil {
            // Some files under /proc say that they are regular and are pipes.
            var error = CLIPError.unreadable("brings nothing: it is no regular file, whatever the system says")
            error.systemCode = EAGAIN
            throw error
        } else if errno != EINTR, errno != EAGAIN {
            throw .unreadable("can't be read", .last)
        }
    }
    return filled
}

/// `read(2)`, which the function above shadows by name.
private func readOnce(_ descriptor: Int32, _ target: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(descriptor, target, count)
}
