// Of CoreServices: file system events.

@_exported import CoreFoundation
public import Dispatch

public typealias FSEventStreamRef = OpaquePointer
public typealias ConstFSEventStreamRef = OpaquePointer
public typealias FSEventStreamEventFlags = UInt32
public typealias FSEventStreamCreateFlags = UInt32
public typealias FSEventStreamEventId = UInt64
public typealias FSEventStreamCallback =
    @convention(c) (
        ConstFSEventStreamRef, UnsafeMutableRawPointer?, Int, UnsafeMutableRawPointer,
        UnsafePointer<FSEventStreamEventFlags>, UnsafePointer<FSEventStreamEventId>
    ) -> Void
public typealias Reference = @convention(c) (UnsafeRawPointer?) -> UnsafeRawPointer?
public typealias Release = @convention(c) (UnsafeRawPointer?) -> Void
public struct FSEventStreamContext {
    public init(
        version: Int, info: UnsafeMutableRawPointer?, retain: Reference?, release: Release?, copyDescription: Reference?
    ) {}
}
public func FSEventStreamCreate(
    _ allocator: CFAllocator?, _ callback: FSEventStreamCallback, _ context: UnsafeMutablePointer<FSEventStreamContext>?,
    _ paths: CFArray, _ since: FSEventStreamEventId, _ latency: Double, _ flags: FSEventStreamCreateFlags
) -> FSEventStreamRef? { nil }
public func FSEventStreamSetDispatchQueue(_ stream: FSEventStreamRef, _ queue: DispatchQueue?) {}
public func FSEventStreamStart(_ stream: FSEventStreamRef) -> Bool { false }
public func FSEventStreamStop(_ stream: FSEventStreamRef) {}
public func FSEventStreamInvalidate(_ stream: FSEventStreamRef) {}
public func FSEventStreamRelease(_ stream: FSEventStreamRef) {}
public var kFSEventStreamEventIdSinceNow: UInt64 { 0 }
public var kFSEventStreamCreateFlagNoDefer: Int { 0 }
public var kFSEventStreamCreateFlagWatchRoot: Int { 0 }
public var kFSEventStreamCreateFlagFileEvents: Int { 0 }
public var kFSEventStreamEventFlagMustScanSubDirs: Int { 0 }
public var kFSEventStreamEventFlagRootChanged: Int { 0 }
public var kFSEventStreamEventFlagMount: Int { 0 }
public var kFSEventStreamEventFlagUnmount: Int { 0 }
public var kFSEventStreamEventFlagItemIsDir: Int { 0 }
