// Of Core Foundation: what ImageIO's functions take. Literals and casts stand for what Foundation bridges.

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
