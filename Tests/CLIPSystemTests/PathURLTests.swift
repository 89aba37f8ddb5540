import Foundation
import Testing

@testable import CLIPSystem

@Suite struct PathURLTests {
    @Test func `Every byte of a path comes back from its URL`() {
        for byte in UInt8(1)...255 {
            let path = PathBytes([PathBytes.slash, 97, byte, 98])
            #expect(PathBytes(path.url) == path, "byte \(byte)")
            #expect(path.url.isFileURL)
        }
        #expect(PathBytes([0x2F, 0x63, 0xE9, 0x20, 0x3F]).url.absoluteString == "file:///c%E9%20%3F")
    }

    @Test func `A relative path is taken from the current folder on`() throws {
        let current = try PathBytes(".").resolved()
        #expect(PathBytes(PathBytes("a b.png").url) == current.appending("a b.png".utf8))
        #expect(PathBytes(URL(filePath: "a b.png")) == current.appending("a b.png".utf8))
    }

    @Test func `A folder's URL is its path without the slash, and no other URL is a path`() throws {
        #expect(PathBytes(URL(filePath: "/tmp/x/", directoryHint: .isDirectory)) == PathBytes("/tmp/x"))
        #expect(PathBytes(URL(filePath: "/")) == PathBytes("/"))
        #expect(PathBytes(try #require(URL(string: "https://example.org/a.png"))) == nil)
        #expect(PathBytes(try #require(URL(string: "file:///a%zz%4"))) != nil)
    }
}
