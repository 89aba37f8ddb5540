// Structures of Darwin by whose names functions go too, which one Swift module can't declare both.

import struct Glibc.timespec

public typealias mode_t = UInt16
public typealias dev_t = Int32
public typealias nlink_t = UInt16
public typealias rlim_t = UInt64

public struct stat {
    public init() {}
    public var st_dev: dev_t = 0
    public var st_mode: mode_t = 0
    public var st_nlink: nlink_t = 0
    public var st_ino: UInt64 = 0
    public var st_uid: UInt32 = 0
    public var st_gid: UInt32 = 0
    public var st_size: Int64 = 0
    public var st_atimespec = timespec()
    public var st_mtimespec = timespec()
    public var st_ctimespec = timespec()
}

public typealias sigset_t = UInt32
public struct siginfo_t {
    public var si_signo: Int32
    public var si_addr: UnsafeMutableRawPointer!
}
public struct __sigaction_u {
    public init() {}
    public var __sa_handler: ((Int32) -> Void)!
    public var __sa_sigaction:
        ((Int32, UnsafeMutablePointer<siginfo_t>?, UnsafeMutableRawPointer?) -> Void)!
}
public struct sigaction {
    public init() {
        __sigaction_u = DarwinTypes.__sigaction_u()
        sa_mask = 0
        sa_flags = 0
    }
    public var __sigaction_u: __sigaction_u
    public var sa_mask: sigset_t
    public var sa_flags: Int32
}

public struct statvfs {
    public init() {}
    public var f_frsize: UInt = 0
    public var f_bavail: UInt32 = 0
}
