#if canImport(FoundationEssentials)
package import FoundationEssentials
#else
package import Foundation
#endif

extension PathBytes {
    /// The path of a file URL, byte by byte; nil of any other.
    package init?(_ url: URL) {
        guard url.isFileURL else { return nil }
        var bytes: [UInt8] = []
        var rest = Array(url.path(percentEncoded: true).utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let digits = String(validating: rest.prefix(2), as: UTF8.self),
                digits.utf8.count == 2, let value = UInt8(digits, radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        // Foundation marks a folder by a slash at the end.
        if bytes.count > 1, bytes.last == PathBytes.slash { bytes.removeLast() }
        self.init(bytes)
    }

    /// The file URL of this path, from the current folder on if it is relative.
    package var url: URL {
        let isAbsolute = bytes.first == PathBytes.slash
        let folder = isAbsolute ? nil : try? PathBytes(".").resolved()
        let absolute = folder.map { $0.appending(bytes) } ?? self
        let text =
            "file://" + (isAbsolute || folder != nil ? "" : "/") + percentEncoded(absolute.bytes, keepsSlashes: true)
        // What is made of these characters alone is always a URL.
        return URL(string: text) ?? URL(filePath: absolute.text)
    }
}
