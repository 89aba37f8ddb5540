// Structures of Musl by whose names functions go too, which one Swift module can't declare both.

import struct Glibc.timespec

public struct sigaction {
    public struct Handler {
        public init() {}
        public var sa_handler: ((Int32) -> Void)?
        public var sa_sigaction: ((Int32, UnsafeMutablePointer<siginfo_t>?, UnsafeMutableRawPointer?) -> Void)?
    }
    public init() {}
    public var __sa_handler = Handler()
    public var sa_flags: Int32 = 0
}
public struct siginfo_t {
    public struct Fields {
        public struct Fault { public var si_addr: UnsafeMutableRawPointer! }
        public var __sigfault: Fault
    }
    public var si_signo: Int32
    public var __si_fields: Fields
}

public struct stat {
    public init() {}
    public var st_dev: UInt = 0
    public var st_ino: UInt = 0
    public var st_nlink: UInt = 0
    public var st_mode: UInt32 = 0
    public var st_uid: UInt32 = 0
    public var st_gid: UInt32 = 0
    public var st_size: Int = 0
    public var st_atim = timespec()
    public var st_mtim = timespec()
    public var st_ctim = timespec()
}
public struct statvfs {
    public init() {}
    public var f_frsize: UInt = 0
    public var f_bavail: UInt = 0
}
