// Of Core Foundation: what ImageIO's and CoreServices' functions take. Literals and casts stand for what Foundation bridges.

@_exported import struct Foundation.CGRect
@_exported import struct Foundation.CGSize

public final class CFString: Hashable {
    public init() {}
    public static func == (a: CFString, b: CFString) -> Bool { a === b }
    public func hash(into hasher: inout Hasher) {}
}
public class CFData {}
public class CFDictionary: ExpressibleByDictionaryLiteral {
    public required init(dictionaryLiteral elements: (CFString, Any)...) {}
}
public class CFAllocator {}
public func CFDataCreate(_ allocator: CFAllocator?, _ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CFData? { nil }
public class CFArray {}
public struct CFArrayCallBacks {}
public func CFArrayCreate(
    _ allocator: CFAllocator?, _ values: UnsafeMutablePointer<UnsafeRawPointer?>?, _ count: Int,
    _ callbacks: UnsafePointer<CFArrayCallBacks>?
) -> CFArray? { nil }
public func CFStringCreateWithFileSystemRepresentation(_ allocator: CFAllocator?, _ path: UnsafePointer<CChar>?) -> CFString? {
    nil
}
