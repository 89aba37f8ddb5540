// What the package takes of Darwin, for typechecking on another system. Declarations that are equal there come from this system's
// C library, one by one (../Same.swift); these are Darwin's own, by its public headers.


@_exported import DarwinTypes

public func stat(_ path: UnsafePointer<CChar>!, _ status: UnsafeMutablePointer<stat>!) -> Int32 { -1 }
public func lstat(_ path: UnsafePointer<CChar>!, _ status: UnsafeMutablePointer<stat>!) -> Int32 { -1 }
public func fstat(_ descriptor: Int32, _ status: UnsafeMutablePointer<stat>!) -> Int32 { -1 }
public func fstatat(
    _ folder: Int32, _ path: UnsafePointer<CChar>!, _ status: UnsafeMutablePointer<stat>!, _ flags: Int32
) -> Int32 { -1 }

public var ENOATTR: Int32 { 93 }
public var S_IFMT: mode_t { 0o170000 }
public var S_IFREG: mode_t { 0o100000 }
public var S_IFDIR: mode_t { 0o040000 }
public var S_IFLNK: mode_t { 0o120000 }

public func open(_ path: UnsafePointer<CChar>, _ flags: Int32) -> Int32 { -1 }
public func open(_ path: UnsafePointer<CChar>, _ flags: Int32, _ mode: mode_t) -> Int32 { -1 }
public func openat(_ folder: Int32, _ path: UnsafePointer<CChar>, _ flags: Int32) -> Int32 { -1 }
public func openat(_ folder: Int32, _ path: UnsafePointer<CChar>, _ flags: Int32, _ mode: mode_t) -> Int32 { -1 }
public func chmod(_ path: UnsafePointer<CChar>!, _ mode: mode_t) -> Int32 { -1 }
public func fchmod(_ descriptor: Int32, _ mode: mode_t) -> Int32 { -1 }
public func mkdir(_ path: UnsafePointer<CChar>!, _ mode: mode_t) -> Int32 { -1 }
public func mkdirat(_ folder: Int32, _ path: UnsafePointer<CChar>!, _ mode: mode_t) -> Int32 { -1 }
public func umask(_ mode: mode_t) -> mode_t { 0 }

public struct DIR {}
public struct dirent {
    public var d_ino: UInt64
    public var d_type: UInt8
    public var d_name: (CChar, CChar, CChar, CChar)
}
public var DT_UNKNOWN: Int32 { 0 }
public var DT_DIR: Int32 { 4 }
public var DT_REG: Int32 { 8 }
public var DT_LNK: Int32 { 10 }
public func fdopendir(_ descriptor: Int32) -> UnsafeMutablePointer<DIR>! { nil }
public func opendir(_ path: UnsafePointer<CChar>!) -> UnsafeMutablePointer<DIR>! { nil }
public func readdir(_ folder: UnsafeMutablePointer<DIR>!) -> UnsafeMutablePointer<dirent>! { nil }
public func closedir(_ folder: UnsafeMutablePointer<DIR>!) -> Int32 { -1 }

@discardableResult public func sigaction(
    _ signal: Int32, _ action: UnsafePointer<sigaction>!, _ old: UnsafeMutablePointer<sigaction>!
) -> Int32 { -1 }
@discardableResult public func sigemptyset(_ set: UnsafeMutablePointer<sigset_t>!) -> Int32 { -1 }
@discardableResult public func sigaddset(_ set: UnsafeMutablePointer<sigset_t>!, _ signal: Int32) -> Int32 { -1 }
@discardableResult public func pthread_sigmask(
    _ how: Int32, _ set: UnsafePointer<sigset_t>!, _ old: UnsafeMutablePointer<sigset_t>!
) -> Int32 { -1 }
@discardableResult public func signal(
    _ signal: Int32, _ handler: (@convention(c) (Int32) -> Void)!
) -> (@convention(c) (Int32) -> Void)! { nil }
public var SIG_DFL: (@convention(c) (Int32) -> Void)? { nil }
public var SIG_IGN: (@convention(c) (Int32) -> Void)! { nil }
public var SIG_UNBLOCK: Int32 { 2 }
public var SA_SIGINFO: Int32 { 0x40 }

public typealias posix_spawn_file_actions_t = UnsafeMutableRawPointer
@discardableResult public func posix_spawn_file_actions_init(
    _ actions: UnsafeMutablePointer<posix_spawn_file_actions_t?>!
) -> Int32 { -1 }
@discardableResult public func posix_spawn_file_actions_destroy(
    _ actions: UnsafeMutablePointer<posix_spawn_file_actions_t?>!
) -> Int32 { -1 }
@discardableResult public func posix_spawn_file_actions_adddup2(
    _ actions: UnsafeMutablePointer<posix_spawn_file_actions_t?>!, _ from: Int32, _ to: Int32
) -> Int32 { -1 }
public func posix_spawn(
    _ child: UnsafeMutablePointer<pid_t>!, _ path: UnsafePointer<CChar>!,
    _ actions: UnsafePointer<posix_spawn_file_actions_t?>!, _ attributes: UnsafePointer<UnsafeMutableRawPointer?>!,
    _ arguments: UnsafePointer<UnsafeMutablePointer<CChar>?>!, _ environment: UnsafePointer<UnsafeMutablePointer<CChar>?>!
) -> Int32 { -1 }
public func _NSGetEnviron() -> UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>! { nil }

public struct _opaque_pthread_t {}
public typealias pthread_t = UnsafeMutablePointer<_opaque_pthread_t>
public func pthread_create(
    _ thread: UnsafeMutablePointer<pthread_t?>!, _ attributes: UnsafePointer<pthread_attr_t>?,
    _ body: @convention(c) (UnsafeMutableRawPointer) -> UnsafeMutableRawPointer?, _ context: UnsafeMutableRawPointer?
) -> Int32 { -1 }
public var PTHREAD_CREATE_DETACHED: Int32 { 2 }
public struct qos_class_t: Equatable { public var rawValue: UInt32 }
public var QOS_CLASS_USER_INITIATED: qos_class_t { qos_class_t(rawValue: 0x19) }
@discardableResult public func pthread_attr_set_qos_class_np(
    _ attributes: UnsafeMutablePointer<pthread_attr_t>, _ kind: qos_class_t, _ relativePriority: Int32
) -> Int32 { -1 }

public func sysctlbyname(
    _ name: UnsafePointer<CChar>!, _ old: UnsafeMutableRawPointer!, _ oldCount: UnsafeMutablePointer<Int>!,
    _ new: UnsafeMutableRawPointer!, _ newCount: Int
) -> Int32 { -1 }
public var _SC_NPROCESSORS_ONLN: Int32 { 58 }
public func sysconf(_ name: Int32) -> Int { 0 }
public var RUSAGE_SELF: Int32 { 0 }
@discardableResult public func getrusage(_ who: Int32, _ usage: UnsafeMutablePointer<rusage>!) -> Int32 { -1 }
public var RLIMIT_NOFILE: Int32 { 8 }
public struct rlimit {
    public init() {}
    public var rlim_cur: rlim_t = 0
    public var rlim_max: rlim_t = 0
}
public func getrlimit(_ kind: Int32, _ limit: UnsafeMutablePointer<rlimit>!) -> Int32 { -1 }
public func setrlimit(_ kind: Int32, _ limit: UnsafePointer<rlimit>!) -> Int32 { -1 }

public struct clockid_t: Equatable { public var _rawValue: UInt32 }
public var CLOCK_REALTIME: clockid_t { clockid_t(_rawValue: 0) }
public var CLOCK_MONOTONIC: clockid_t { clockid_t(_rawValue: 6) }
@discardableResult public func clock_gettime(_ clock: clockid_t, _ time: UnsafeMutablePointer<timespec>!) -> Int32 { -1 }

public var MAP_ANON: Int32 { 0x1000 }
public var MADV_FREE: Int32 { 5 }
public func flock(_ descriptor: Int32, _ how: Int32) -> Int32 { -1 }
public func statvfs(_ path: UnsafePointer<CChar>!, _ status: UnsafeMutablePointer<statvfs>!) -> Int32 { -1 }
public var S_IFBLK: mode_t { 0o060000 }
public var S_IFCHR: mode_t { 0o020000 }
public var S_IFIFO: mode_t { 0o010000 }
