#if canImport(CoreServices) && !os(iOS) && !os(tvOS) && !os(watchOS) && !os(visionOS)
import CoreServices
import Dispatch
import Synchronization
#endif

/// What has happened in folders since it was asked for last.
package enum FolderChanges: Sendable {
    case paths(ChangedPaths)
    /// More than can be told: all has to be looked at, and a new watch be begun.
    case anything
}

/// Folders, and all that is in them, of which the system tells what changes.
///
/// Changes that other machines make on a network drive are not told by every system, nor those of a file that a link leads to.
package final class FolderWatch {
    /// So many changes at once are no longer kept one by one.
    static let mostChanges = 20_000
    /// Seconds without a change after which those before are told, and after which they are told at last: who copies many files
    /// makes no pause.
    private static let (quiet, longest) = (0.5, 5.0)

    private let roots: [PathBytes]
    /// What is of no interest: files that change whenever changes are looked at.
    private let ignored: Set<PathBytes>
    /// Of an ignore file what it says, which may change what is wanted.
    private let ruleFile: [UInt8]
    private var changes = ChangedPaths()
    private var isBeyondTelling = false
    private let source: ChangeSource

    /// - Parameters:
    ///   - roots: absolute paths of folders and files, without links. Those that aren't there are waited for.
    ///   - ignored: files that don't count.
    ///   - ruleFile: the name of files that decide what is left out: after a change to one anything may have changed.
    ///   - excludes: whether a folder is left out.
    /// - Throws: `CLIPError` of kind `.storage` when the system can't watch them.
    package init(
        _ roots: [PathBytes], ignoring ignored: [PathBytes], ruleFile: String,
        excludes: @escaping (_ folder: PathBytes) -> Bool
    ) throws(CLIPError) {
        self.roots = roots
        self.ignored = Set(ignored)
        self.ruleFile = Array(ruleFile.utf8)
        source = try ChangeSource(roots, excludes: excludes)
    }

    /// Waits until something has changed, and then until it is quiet.
    /// - Parameter keepsWaiting: asked every half second: what it throws ends the wait.
    package func next(_ keepsWaiting: () throws(CLIPError) -> Void) throws(CLIPError) -> FolderChanges {
        var first: Double?
        var last = monotonicSeconds()
        while !isBeyondTelling {
            try keepsWaiting()
            let now = monotonicSeconds()
            if let first, now - last >= FolderWatch.quiet || now - first >= FolderWatch.longest { break }
            let wasEmpty = changes.count
            let end = first.map { min(last + FolderWatch.quiet, $0 + FolderWatch.longest) } ?? now + 0.5
            for event in try source.events(within: max(0, end - now)) { note(event) }
            guard changes.count > wasEmpty || isBeyondTelling else { continue }
            last = monotonicSeconds()
            first = first ?? last
            if changes.count > FolderWatch.mostChanges { isBeyondTelling = true }
        }
        guard !isBeyondTelling else { return .anything }
        defer { changes = ChangedPaths() }
        return .paths(changes)
    }

    private func note(_ event: ChangeSource.Event) {
        switch event {
        case .anything: isBeyondTelling = true
        case .change(let path, let isFolder):
            if path.name.elementsEqual(ruleFile) {
                isBeyondTelling = true
                return
            }
            guard !ignored.contains(path),
                let root = roots.first(where: { path.isAtOrInside($0) }),
                !path.relative(to: root).split(separator: PathBytes.slash).contains(where: { path in
                    path.first == UInt8(ascii: ".")
                }) || path == root
            else { return }
            changes.insert(path, isFolder: isFolder)
        }
    }
}

#if canImport(CoreServices) && !os(iOS) && !os(tvOS) && !os(watchOS) && !os(visionOS)
/// By the file system events of macOS.
private final class ChangeSource {
    enum Event {
        case change(PathBytes, isFolder: Bool)
        case anything
    }

    private final class Queue: Sendable {
        private let events = Mutex<[Event]>([])
        private let arrival = DispatchSemaphore(value: 0)

        func put(_ new: [Event]) {
            events.withLock { events in
                if events.count > FolderWatch.mostChanges { events = [.anything] } else { events += new }
            }
            arrival.signal()
        }

        func take(within seconds: Double) -> [Event] {
            _ = arrival.wait(timeout: .now() + seconds)
            return events.withLock { events in
                defer { events = [] }
                return events
            }
        }
    }

    private let queue = Queue()
    private let stream: FSEventStreamRef
    private let roots: [PathBytes]
    /// Which of the roots were there when the watch began.
    private let present: [Bool]
    /// An array of Core Foundation that was made without callbacks holds nothing.
    private let names: [CFString]

    init(_ roots: [PathBytes], excludes: @escaping (_ folder: PathBytes) -> Bool) throws(CLIPError) {
        self.roots = roots
        present = roots.map { !$0.isAbsent }
        names = roots.compactMap { root in
            withCString(root.bytes) { CFStringCreateWithFileSystemRepresentation(nil, $0) }
        }
        var pointers: [UnsafeRawPointer?] = names.map { UnsafeRawPointer(Unmanaged.passUnretained($0).toOpaque()) }
        var context = FSEventStreamContext(
            version: 0, info: Unmanaged.passUnretained(queue).toOpaque(), retain: nil, release: nil,
            copyDescription: nil)
        let flags =
            kFSEventStreamCreateFlagFileEvents | kFSEventStreamCreateFlagWatchRoot
            | kFSEventStreamCreateFlagNoDefer
        guard names.count == roots.count, let paths = CFArrayCreate(nil, &pointers, pointers.count, nil),
            let stream = FSEventStreamCreate(
                nil, ChangeSource.receive, &context, paths, FSEventStreamEventId(kFSEventStreamEventIdSinceNow), 0.2,
                FSEventStreamCreateFlags(flags))
        else { throw CLIPError(.storage, "the system can't watch these folders") }
        self.stream = stream
        FSEventStreamSetDispatchQueue(stream, DispatchQueue(label: "clip.folder-watch"))
        guard FSEventStreamStart(stream) else { throw CLIPError(.storage, "the system can't watch these folders") }
    }

    deinit {
        FSEventStreamStop(stream)
        FSEventStreamInvalidate(stream)
        FSEventStreamRelease(stream)
    }

    func events(within seconds: Double) throws(CLIPError) -> [Event] {
        let isThere = zip(roots, present).contains { root, wasThere in !wasThere && !root.isAbsent }
        return isThere ? [.anything] : queue.take(within: seconds)
    }

    private static let receive: FSEventStreamCallback = { _, info, count, paths, flags, _ in
        guard let info else { return }
        let queue = Unmanaged<Queue>.fromOpaque(info).takeUnretainedValue()
        let names = paths.assumingMemoryBound(to: UnsafePointer<CChar>.self)
        let beyondTelling =
            kFSEventStreamEventFlagMustScanSubDirs | kFSEventStreamEventFlagRootChanged
            | kFSEventStreamEventFlagMount | kFSEventStreamEventFlagUnmount
        queue.put(
            (0..<count).map { place in
                guard Int(flags[place]) & beyondTelling == 0 else { return .anything }
                let name = UnsafeRawBufferPointer(start: names[place], count: strlen(names[place]))
                return .change(
                    PathBytes(Array(name)), isFolder: Int(flags[place]) & kFSEventStreamEventFlagItemIsDir != 0)
            })
    }
}
#elseif canImport(Glibc) || canImport(Musl)
/// By inotify, which watches one folder at a time: those inside are found by walking, and those that come by the events.
private final class ChangeSource {
    enum Event {
        case change(PathBytes, isFolder: Bool)
        case anything
    }

    private static let mask =
        UInt32(IN_CREATE) | UInt32(IN_CLOSE_WRITE) | UInt32(IN_ATTRIB) | UInt32(IN_MOVED_FROM) | UInt32(IN_MOVED_TO)
        | UInt32(IN_DELETE) | UInt32(IN_DELETE_SELF) | UInt32(IN_MOVE_SELF) | UInt32(IN_ONLYDIR)

    private let descriptor: Int32
    private let roots: [PathBytes]
    private let excludes: (_ folder: PathBytes) -> Bool
    /// Where the folder of each watch is.
    private var folders: [Int32: PathBytes] = [:]
    private var watches: [PathBytes: Int32] = [:]
    /// Roots that weren't there when the watch began.
    private var missing: [PathBytes] = []

    init(_ roots: [PathBytes], excludes: @escaping (_ folder: PathBytes) -> Bool) throws(CLIPError) {
        self.roots = roots
        self.excludes = excludes
        descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        guard descriptor >= 0 else {
            throw CLIPError(
                .storage,
                errno == EMFILE
                    ? "this system watches no more for one user: end another program that watches folders, or raise the limit "
                        + "with \"sysctl fs.inotify.max_user_instances\""
                    : "this system can't watch folders: \(SystemError.last.message)")
        }
        for root in roots {
            // The folder of a single picture: programs replace a file by another of the same name.
            switch root.kind {
            case .file: _ = try add(root.folder, isRoot: true)
            case .folder: try addTree(root, isRoot: true)
            case .other, .missing: missing.append(root)
            }
        }
    }

    deinit { close(descriptor) }

    func events(within seconds: Double) throws(CLIPError) -> [Event] {
        if missing.contains(where: { !$0.isAbsent }) { return [.anything] }
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&request, 1, Int32(min(seconds, 3600) * 1000) + 1) > 0 else { return [] }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
        guard count > 0 else { return [] }
        var events: [Event] = []
        var start = 0
        while start + 16 <= count {
            let (watch, mask, length) = buffer.withUnsafeBytes { bytes in
                (
                    bytes.loadUnaligned(fromByteOffset: start, as: Int32.self),
                    bytes.loadUnaligned(fromByteOffset: start + 4, as: UInt32.self),
                    Int(bytes.loadUnaligned(fromByteOffset: start + 12, as: UInt32.self))
                )
            }
            let end = min(count, start + 16 + length)
            try take(watch, mask, name: buffer[start + 16..<end].prefix { $0 != 0 }, &events)
            start = end
        }
        return events
    }

    private func take(_ watch: Int32, _ mask: UInt32, name: ArraySlice<UInt8>, _ events: inout [Event])
        throws(CLIPError)
    {
        func has(_ flags: Int32...) -> Bool { flags.contains { mask & UInt32(bitPattern: $0) != 0 } }
        if has(Int32(IN_Q_OVERFLOW), Int32(IN_UNMOUNT)) { events.append(.anything) }
        guard let folder = folders[watch] else { return }
        if has(Int32(IN_IGNORED)) {
            folders[watch] = nil
            watches[folder] = nil
        }
        // Of a folder inside another that one tells.
        if has(Int32(IN_DELETE_SELF), Int32(IN_MOVE_SELF)), roots.contains(where: { $0.isAtOrInside(folder) }) {
            events.append(.anything)
        }
        guard !name.isEmpty else { return }
        let path = folder.appending(name)
        if has(Int32(bitPattern: UInt32(IN_ISDIR))) {
            if has(Int32(IN_DELETE), Int32(IN_MOVED_FROM)) { removeTree(path) }
            if has(Int32(IN_CREATE), Int32(IN_MOVED_TO)), wants(path) { try addTree(path, isRoot: false) }
            events.append(.change(path, isFolder: true))
        } else if !has(Int32(IN_CREATE)) || isComplete(path) {
            events.append(.change(path, isFolder: false))
        }
    }

    /// Whether what was just made won't be written to: a link, or another name of a file. Of the end of writing there is an event.
    private func isComplete(_ path: PathBytes) -> Bool {
        guard let status = try? path.status(followsLinks: false) else { return false }
        return status.kind == .link || status.linkCount > 1
    }

    private func wants(_ folder: PathBytes) -> Bool {
        folder.name.first != UInt8(ascii: ".") && roots.contains { folder.isAtOrInside($0) } && !excludes(folder)
    }

    /// Watches a folder and those inside it. What comes into one before it is watched is there when it is looked through afterwards.
    private func addTree(_ folder: PathBytes, isRoot: Bool) throws(CLIPError) {
        guard try add(folder, isRoot: isRoot) else { return }
        var rest = [folder]
        while let folder = rest.popLast() {
            // What can't be read is told by whoever looks through the folders.
            guard let stream = try? FolderStream(folder) else { continue }
            while let (name, type) = try? stream.next() {
                guard name.first != UInt8(ascii: "."), Int32(type) == Int32(DT_DIR) || Int32(type) == Int32(DT_UNKNOWN)
                else { continue }
                let path = folder.appending(name)
                if wants(path), try add(path, isRoot: false) { rest.append(path) }
            }
        }
    }

    /// - Returns: whether the folder is watched now and was not before; false of what is no folder.
    private func add(_ folder: PathBytes, isRoot: Bool) throws(CLIPError) -> Bool {
        let flags = ChangeSource.mask | (isRoot ? 0 : UInt32(IN_DONT_FOLLOW))
        let watch = withCString(folder.bytes) { inotify_add_watch(descriptor, $0, flags) }
        guard watch >= 0 else {
            if errno == ENOSPC {
                throw CLIPError(
                    .storage, path: folder.text,
                    "is one folder more than this system watches for one user, after \(folders.count): raise the limit with "
                        + "\"sysctl fs.inotify.max_user_watches\"")
            }
            return false
        }
        // A folder that holds itself, by a mount, has one watch for both.
        if let known = folders[watch] {
            if folder.isAtOrInside(known) { return folder == known && isRoot }
            watches[known] = nil
        }
        folders[watch] = folder
        watches[folder] = watch
        return true
    }

    private func removeTree(_ folder: PathBytes) {
        for (path, watch) in watches where path.isAtOrInside(folder) {
            inotify_rm_watch(descriptor, watch)
            watches[path] = nil
            folders[watch] = nil
        }
    }
}
#else
/// Where the system tells nothing: all is looked at now and then.
private final class ChangeSource {
    enum Event {
        case change(PathBytes, isFolder: Bool)
        case anything
    }

    private var next = monotonicSeconds() + 10

    init(_ roots: [PathBytes], excludes: @escaping (_ folder: PathBytes) -> Bool) throws(CLIPError) {}

    func events(within seconds: Double) throws(CLIPError) -> [Event] {
        usleep(UInt32(min(seconds, 1) * 1_000_000))
        return monotonicSeconds() < next ? [] : [.anything]
    }
}
#endif
