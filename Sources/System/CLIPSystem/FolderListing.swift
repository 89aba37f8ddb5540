/// What a folder holds, each thing examined, and what can't be.
struct FolderListing {
    enum Entry {
        case file(FileStatus, isLink: Bool)
        case folder
        case leftOut(FolderWalk.Omission)
    }

    /// The calls that a listing makes: tests let them fail.
    struct Calls {
        /// The next name and its type as `readdir(3)` gives it; nil after the last.
        let nextName: () throws(SystemError) -> (name: [UInt8], type: UInt8)?
        /// What stands under a name in the folder.
        let status: (_ name: [UInt8], _ followsLinks: Bool) throws(SystemError) -> FileStatus
    }

    /// In no order.
    private(set) var entries: [(name: [UInt8], entry: Entry)] = []
    /// Names under which something stands that can't be examined, by why.
    private(set) var unexamined: [SystemError: [[UInt8]]] = [:]
    /// What ended the list before its end.
    private(set) var failure: SystemError?
    /// Whether the folder holds nothing at all.
    private(set) var isEmpty = true

    init(_ calls: Calls) {
        do throws(SystemError) {
            while let (name, type) = try calls.nextName() {
                guard !name.elementsEqual(".".utf8), !name.elementsEqual("..".utf8) else { continue }
                isEmpty = false
                do throws(SystemError) {
                    if let entry = try FolderListing.entry(name, Int32(type), calls) { entries.append((name, entry)) }
                } catch {
                    unexamined[error, default: []].append(name)
                }
            }
        } catch {
            failure = error
            isEmpty = false
        }
    }

    /// What stands under a name; nil when it is gone since it was listed.
    private static func entry(_ name: [UInt8], _ type: Int32, _ calls: Calls) throws(SystemError) -> Entry? {
        let isHidden = name.first == UInt8(ascii: ".")
        if type == Int32(DT_DIR) { return isHidden ? .leftOut(.hiddenFolder) : .folder }
        let status: FileStatus
        do throws(SystemError) {
            status = try calls.status(name, false)
        } catch {
            if error.isAbsence { return nil }
            throw error
        }
        switch status.kind {
        case .folder: return isHidden ? .leftOut(.hiddenFolder) : .folder
        case _ where isHidden: return .leftOut(.hiddenFile)
        case .file: return .file(status, isLink: false)
        case .other: return .leftOut(.special)
        case .link: return try target(name, calls)
        }
    }

    private static func target(_ name: [UInt8], _ calls: Calls) throws(SystemError) -> Entry {
        do throws(SystemError) {
            let status = try calls.status(name, true)
            switch status.kind {
            case .file: return .file(status, isLink: true)
            case .folder: return .leftOut(.linkToFolder)
            case .link, .other: return .leftOut(.special)
            }
        } catch {
            if error.isAbsence { return .leftOut(.linkToNothing) }
            throw error
        }
    }
}

extension FolderListing {
    /// Lists the folder at `path`.
    /// - Parameters:
    ///   - followsLinks: whether a link may stand there.
    ///   - names: looks at these alone, as far as they are there.
    /// - Returns: what the folder holds, and what it is itself.
    /// - Throws: when it can't be opened.
    static func of(
        _ path: PathBytes, followsLinks: Bool, names: [[UInt8]]? = nil
    ) throws(SystemError) -> (listing: FolderListing, status: FileStatus) {
        let stream = try FolderStream(path, followsLinks: followsLinks)
        var given = names?.makeIterator()
        let calls = Calls(
            nextName: { () throws(SystemError) in
                guard given != nil else { return try stream.next() }
                return given?.next().map { ($0, UInt8(DT_UNKNOWN)) }
            },
            status: { name, followsLinks throws(SystemError) in
                var status = stat()
                let flags = followsLinks ? 0 : AT_SYMLINK_NOFOLLOW
                _ = try uninterrupted { withCString(name) { fstatat(stream.descriptor, $0, &status, flags) } }
                return FileStatus(status)
            })
        var listing = FolderListing(calls)
        if names != nil { listing.isEmpty = false }
        return (listing, try FileStatus(stream.descriptor))
    }
}

/// The names of an open folder, one after another.
final class FolderStream {
    let descriptor: Int32
    private let stream: OpaqueStream

    init(_ path: PathBytes, followsLinks: Bool = true) throws(SystemError) {
        descriptor = try path.open(O_RDONLY | O_DIRECTORY | (followsLinks ? 0 : O_NOFOLLOW))
        guard let stream = fdopendir(descriptor) else {
            let error = SystemError.last
            close(descriptor)
            throw error
        }
        self.stream = stream
    }

    deinit { closedir(stream) }

    /// The next name and its type as `readdir(3)` gives it; nil after the last.
    func next() throws(SystemError) -> (name: [UInt8], type: UInt8)? {
        for _ in 0..<1000 {
            // Only this tells the end from a failure.
            errno = 0
            if let entry = readdir(stream) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
                return (name, entry.pointee.d_type)
            }
            if errno == 0 { return nil }
            if errno != EINTR { break }
        }
        throw .last
    }
}

#if canImport(Darwin)
private typealias OpaqueStream = UnsafeMutablePointer<DIR>
#else
private typealias OpaqueStream = OpaquePointer
#endif
