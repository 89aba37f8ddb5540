// What the package takes of Musl, for typechecking on another system: its own declarations, by its public headers. The rest comes
// from this system's C library, one by one (../Same.swift, SameAlone.swift).

@_exported import MuslTypes

@discardableResult public func sigaction(
    _ signal: Int32, _ action: UnsafePointer<sigaction>!, _ old: UnsafeMutablePointer<sigaction>!
) -> Int32 { -1 }
public var SA_SIGINFO: Int32 { 4 }

public typealias pthread_t = OpaquePointer
public func pthread_create(
    _ thread: UnsafeMutablePointer<pthread_t?>!, _ attributes: UnsafePointer<pthread_attr_t>?,
    _ body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer?, _ context: UnsafeMutableRawPointer?
) -> Int32 { -1 }
public var PTHREAD_CREATE_DETACHED: Int32 { 1 }

public var _SC_NPROCESSORS_ONLN: Int32 { 84 }
public var RUSAGE_SELF: Int32 { 0 }
@discardableResult public func getrusage(_ who: Int32, _ usage: UnsafeMutablePointer<rusage>!) -> Int32 { -1 }
public var RLIMIT_CPU: Int32 { 0 }
public var RLIMIT_FSIZE: Int32 { 1 }
public var RLIMIT_CORE: Int32 { 4 }
public var RLIMIT_NOFILE: Int32 { 7 }
public var RLIMIT_AS: Int32 { 9 }
public func getrlimit(_ kind: Int32, _ limit: UnsafeMutablePointer<rlimit>!) -> Int32 { -1 }
public func setrlimit(_ kind: Int32, _ limit: UnsafePointer<rlimit>!) -> Int32 { -1 }
public var CLOCK_REALTIME: clockid_t { 0 }
public var CLOCK_MONOTONIC: clockid_t { 1 }

public func stat(_ path: UnsafePointer<CChar>!, _ status: UnsafeMutablePointer<stat>!) -> Int32 { -1 }
public func lstat(_ path: UnsafePointer<CChar>!, _ status: UnsafeMutablePointer<stat>!) -> Int32 { -1 }
public func fstat(_ descriptor: Int32, _ status: UnsafeMutablePointer<stat>!) -> Int32 { -1 }
public func fstatat(
    _ folder: Int32, _ path: UnsafePointer<CChar>!, _ status: UnsafeMutablePointer<stat>!, _ flags: Int32
) -> Int32 { -1 }
public func statvfs(_ path: UnsafePointer<CChar>!, _ status: UnsafeMutablePointer<statvfs>!) -> Int32 { -1 }
public func flock(_ descriptor: Int32, _ how: Int32) -> Int32 { -1 }
