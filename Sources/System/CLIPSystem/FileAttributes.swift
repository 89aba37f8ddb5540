/// What a file has besides its bytes, its permissions and its times: whose it is, and what other programs attached to it.
package struct FileAttributes: Equatable, Sendable {
    /// A name with a value that a program attached, such as a comment, a tag or an access list.
    package struct Extended: Equatable, Sendable {
        package let name: [UInt8]
        package let value: [UInt8]

        package init(name: [UInt8], value: [UInt8]) {
            self.name = name
            self.value = value
        }
    }

    package let owner: UInt32
    package let group: UInt32
    package let extended: [Extended]

    package init(owner: UInt32, group: UInt32, extended: [Extended]) {
        self.owner = owner
        self.group = group
        self.extended = extended
    }

    /// The most bytes of attributes of one file that are looked at.
    static let mostBytes = 4 << 20

    /// Of the file at `path`.
    /// - Throws: when they can't be read, or are more than 4 MiB.
    package init(of path: PathBytes) throws(SystemError) {
        let descriptor = try path.open(O_RDONLY | O_NONBLOCK)
        defer { close(descriptor) }
        var status = stat()
        _ = try uninterrupted { fstat(descriptor, &status) }
        (owner, group) = (status.st_uid, status.st_gid)
        var extended: [Extended] = []
        var byteCount = 0
        for name in try AttributeCalls.names(descriptor) {
            // One that is gone since it was listed.
            guard let value = try AttributeCalls.value(descriptor, name) else { continue }
            byteCount += name.count + value.count
            guard byteCount <= FileAttributes.mostBytes else { throw SystemError(code: E2BIG) }
            extended.append(Extended(name: name, value: value))
        }
        self.extended = extended.sorted { $0.name.lexicographicallyPrecedes($1.name) }
    }

    /// Gives them to an open file, as far as the file system has such attributes and this process may: only an administrator gives
    /// files away.
    package func give(to descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return }
        if status.st_gid != group { _ = fchown(descriptor, .max, group) }
        if status.st_uid != owner { _ = fchown(descriptor, owner, .max) }
        for attribute in extended { AttributeCalls.set(descriptor, attribute.name, attribute.value) }
    }
}

/// The calls about extended attributes, which Swift's module of the C library lacks on Linux; without them no file has any.
private enum AttributeCalls {
    #if canImport(Darwin)
    typealias List = @convention(c) (Int32, UnsafeMutableRawPointer?, Int, Int32) -> Int
    typealias Get = @convention(c) (Int32, UnsafePointer<CChar>, UnsafeMutableRawPointer?, Int, UInt32, Int32) -> Int
    typealias Set = @convention(c) (Int32, UnsafePointer<CChar>, UnsafeRawPointer?, Int, UInt32, Int32) -> Int32
    #else
    typealias List = @convention(c) (Int32, UnsafeMutableRawPointer?, Int) -> Int
    typealias Get = @convention(c) (Int32, UnsafePointer<CChar>, UnsafeMutableRawPointer?, Int) -> Int
    typealias Set = @convention(c) (Int32, UnsafePointer<CChar>, UnsafeRawPointer?, Int, Int32) -> Int32
    #endif

    private static let list: List? = DynamicLibrary.program?.function("flistxattr")
    private static let get: Get? = DynamicLibrary.program?.function("fgetxattr")
    private static let set: Set? = DynamicLibrary.program?.function("fsetxattr")

    static func names(_ descriptor: Int32) throws(SystemError) -> [[UInt8]] {
        guard let list else { return [] }
        let bytes = try filled { buffer, count in
            #if canImport(Darwin)
            list(descriptor, buffer, count, 0)
            #else
            list(descriptor, buffer, count)
            #endif
        }
        return (bytes ?? []).split(separator: 0).map { Array($0) }.filter(isTaken)
    }

    /// Labels of security modules are the system's own matter.
    private static func isTaken(_ name: [UInt8]) -> Bool {
        #if canImport(Darwin)
        true
        #else
        name.starts(with: "user.".utf8) || name.elementsEqual("system.posix_acl_access".utf8)
        #endif
    }

    static func value(_ descriptor: Int32, _ name: [UInt8]) throws(SystemError) -> [UInt8]? {
        guard let get else { return nil }
        return try withCString(name) { name in
            Result { () throws(SystemError) in
                try filled { buffer, count in
                    #if canImport(Darwin)
                    get(descriptor, name, buffer, count, 0, 0)
                    #else
                    get(descriptor, name, buffer, count)
                    #endif
                }
            }
        }.get()
    }

    static func set(_ descriptor: Int32, _ name: [UInt8], _ value: [UInt8]) {
        guard let set else { return }
        withCString(name) { name in
            value.withUnsafeBytes { value in
                #if canImport(Darwin)
                _ = set(descriptor, name, value.baseAddress, value.count, 0, 0)
                #else
                _ = set(descriptor, name, value.baseAddress, value.count, 0)
                #endif
            }
        }
    }

    /// What a call writes that says how much there is when it is given no room; nil of what isn't there.
    private static func filled(
        _ call: (UnsafeMutableRawPointer?, Int) -> Int
    ) throws(SystemError) -> [UInt8]? {
        // What grows between the two calls is asked again.
        for _ in 0..<10 {
            let count = call(nil, 0)
            if count == 0 { return [] }
            if count > 0 {
                guard count <= FileAttributes.mostBytes else { throw SystemError(code: E2BIG) }
                var bytes = [UInt8](repeating: 0, count: count)
                let written = bytes.withUnsafeMutableBytes { call($0.baseAddress, $0.count) }
                if written >= 0 { return Array(bytes.prefix(written)) }
            }
            if errno == ERANGE { continue }
            // A file system without attributes, and an attribute that has gone.
            #if canImport(Darwin)
            if [ENOTSUP, EPERM, ENOATTR].contains(errno) { return nil }
            #else
            if [ENOTSUP, EOPNOTSUPP, ENODATA].contains(errno) { return nil }
            #endif
            throw SystemError.last
        }
        throw SystemError(code: EBUSY)
    }
}
