import CLIPSystem
import CLIPTestSupport
import Testing

@testable import CLIPHub

@Suite struct ProtocolTests {
    @Test func `Addresses are read and made`() throws {
        let hub = try #require(HTTPAddress("HTTPS://Hub.example:443/base/"))
        #expect(hub.origin == "https://hub.example")
        #expect(
            hub.appending(["api", "refs/pr/1", "a b%é"]).text
                == "https://hub.example/base/api/refs%2Fpr%2F1/a%20b%25%C3%A9")
        for text in [
            "", "hub.example", "ftp://x", "file:///etc/passwd", "http://", "http://a@b/", "http:///x", "http://x/ y",
            "http://x/\n", "http://é/", "javascript:alert(1)", "http://x\\y/",
        ] {
            #expect(HTTPAddress(text) == nil, "\(text)")
        }
    }

    @Test func `Redirects lead where they say`() throws {
        let from = try #require(HTTPAddress("https://hub.example:8443/a/b?c=/d#e"))
        #expect(from.following("https://cdn.example/x?y=http://z")?.text == "https://cdn.example/x?y=http://z")
        #expect(from.following("//cdn.example/x")?.text == "https://cdn.example/x")
        #expect(from.following("/x/y?z")?.text == "https://hub.example:8443/x/y?z")
        #expect(from.following("x?u=http://v/w")?.text == "https://hub.example:8443/a/x?u=http://v/w")
        #expect(from.following("file:///etc/passwd") == nil)
        #expect(from.following("https://hub.example@evil.example/") == nil)
        #expect(from.following("/x y") == nil)
    }

    @Test func `Any location is followed or refused`() {
        var random = SeededGenerator(seed: 7)
        let base = HTTPAddress("http://hub/a/b")!
        for _ in 0..<20_000 {
            let pieces = ["http", "s", ":", "/", "//", "?", "#", "@", "\\", "x", "é", "\u{0}", "..", "%2e", " "]
            let text = (0..<Int.random(in: 0...12, using: &random)).map { _ in pieces.randomElement(using: &random)! }
            guard let next = base.following(text.joined()) else { continue }
            #expect(next.text.hasPrefix("http") && next.text.utf8.allSatisfy { (0x21...0x7E).contains($0) })
        }
    }

    @Test func `Pauses grow, end, and begin anew with progress`() {
        var schedule = RetrySchedule()
        var pauses: [Double] = []
        while let pause = schedule.delay(asked: nil, spread: 0.5) { pauses.append(pause) }
        #expect(pauses == [0.5, 1, 2, 4, 8])
        schedule.progress()
        #expect(schedule.delay(asked: nil, spread: 0.5) == 0)
        #expect(schedule.delay(asked: nil, spread: 0.5) == 1)
        #expect(schedule.delay(asked: 30, spread: 0.5) == 30)
        #expect(schedule.delay(asked: 301, spread: 0.5) == nil)
        var short = RetrySchedule()
        #expect(short.delay(asked: nil, limit: 2, spread: 0) == 0.375)
        #expect(short.delay(asked: nil, limit: 2, spread: 0) == nil)
    }

    @Test func `Retry-After is seconds or a date`() {
        #expect(RetryAfter.seconds("120", now: 0) == 120)
        #expect(RetryAfter.seconds("Sun, 06 Nov 1994 08:49:37 GMT", now: 784_111_770) == 7)
        #expect(RetryAfter.seconds("Thu, 29 Feb 2024 00:00:01 GMT", now: 1_709_164_800) == 1)
        #expect(RetryAfter.seconds("Sun, 06 Nov 1994 08:49:37 GMT", now: 1e10) == 0)
        for text in ["", "soon", "-1", "inf", "nan", "Sun, 99 Nov 1994 08:49:37 GMT", "a b c d e GMT"] {
            #expect(RetryAfter.seconds(text, now: 0) == nil, "\(text)")
        }
    }

    @Test func `Hashes are told from other tags`() {
        let (long, short) = (String(repeating: "a", count: 64), String(repeating: "0", count: 40))
        #expect(ContentHash(etag: "\"\(long)\"") == .sha256(long))
        #expect(ContentHash(etag: "W/\"\(short)\"") == .git(short))
        #expect(ContentHash(etag: short) == .git(short))
        for etag in [
            "", "\"\"", "\"", String(long.dropLast()), String(repeating: "A", count: 40), "../../../../\(short)",
        ] {
            #expect(ContentHash(etag: etag) == nil, "\(etag)")
        }
    }

    @Test func `SHA-1 is FIPS 180's, in any pieces`() {
        func sha1(_ bytes: [UInt8]) -> String {
            var hash = SHA1()
            hash.update(bytes)
            return hash.hexadecimal()
        }
        #expect(sha1([]) == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
        #expect(sha1(Array("abc".utf8)) == "a9993e364706816aba3e25717850c26c9cd0d89d")
        #expect(
            sha1(Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8))
                == "84983e441c3bd26ebaae4aa1f95129e5e54670f1")
        #expect(
            sha1(Array(repeating: UInt8(ascii: "a"), count: 1_000_000)) == "34aa973cd4c4daa4f61eeb2bdbad27316534016f")
        #expect(Digest.git(Array("hello\n".utf8)) == "ce013625030ba8dba906f756967f9e9ca394464a")
        var random = SeededGenerator(seed: 3)
        for count in 0..<200 {
            let bytes = random.bytes(count)
            let cut = Int.random(in: 0...count, using: &random)
            var hash = SHA1()
            hash.update(Array(bytes[..<cut]))
            hash.update(Array(bytes[cut...]))
            #expect(hash.hexadecimal() == sha1(bytes), "\(count)")
        }
    }

    @Test func `A list of files is refused whole when a name leads out`() {
        func list(_ names: String...) throws -> HubListing {
            let files = names.map { "{\"rfilename\":\"\($0)\"}" }.joined(separator: ",")
            let json = "{\"sha\":\"\(String(repeating: "1", count: 40))\",\"siblings\":[\(files)]}"
            return try HubListing(json: Array(json.utf8), subject: "a/b")
        }
        #expect(throws: Never.self) { try list("config.json", "onnx/x", "config.json") }
        for name in ["../x", "/etc/passwd", "a/../../x", "a//b", ".", "", "a\\\\..\\\\b", "a\\u0000b", "./x"] {
            #expect { try list("config.json", name) } throws: { ($0 as? CLIPError)?.kind == .refused }
        }
        for json in ["", "[]", "{}", #"{"sha":"x","siblings":[]}"#, #"{"sha":5,"siblings":[]}"#] {
            #expect { try HubListing(json: Array(json.utf8), subject: "a/b") } throws: {
                ($0 as? CLIPError)?.kind == .server
            }
        }
    }

    @Test func `Damaged lists load or throw`() {
        let json =
            "{\"sha\":\"\(String(repeating: "1", count: 40))\",\"siblings\":[{\"rfilename\":\"config.json\"},"
            + "{\"rfilename\":\"a/model.safetensors\",\"lfs\":{\"size\":5}}],\"gated\":false}"
        var random = SeededGenerator(seed: 11)
        for _ in 0..<5000 {
            var bytes = Array(json.utf8)
            for _ in 0...Int.random(in: 0...3, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
            }
            guard let listing = try? HubListing(json: bytes, subject: "a/b") else { continue }
            #expect(listing.commit.utf8.count == 40 && listing.paths.allSatisfy { !$0.contains("..") })
        }
    }

    @Test func `What can't be checked is not fetched`() throws {
        let commit = String(repeating: "1", count: 40)
        let hash = String(repeating: "a", count: 64)
        func file(_ headers: [String: String], status: Int = 200) throws -> HubFile {
            try HubFile(path: "x", head: HTTPHead(status: status, headers: headers), commit: commit, subject: "a/b")
        }
        let large = try file(
            [
                "x-linked-etag": "\"\(hash)\"", "X-LINKED-SIZE": "7", "ETag": "\"md5\"", "Content-Length": "99",
                "Location": "http://x",
            ], status: 302)
        #expect(large.byteCount == 7 && large.hash == .sha256(hash))
        #expect(throws: CLIPError.self) { try file(["ETag": "\"\(hash)\"", "Content-Length": "-1"]) }
        #expect(throws: CLIPError.self) { try file(["ETag": "\"\(hash)\""]) }
        #expect(throws: CLIPError.self) { try file(["ETag": "\"md5\"", "Content-Length": "1"]) }
        #expect(throws: CLIPError.self) { try file(["Content-Length": "1"]) }
        #expect(throws: CLIPError.self) {
            try file(["ETag": "\"\(hash)\"", "Content-Length": "1", "X-Repo-Commit": "2222"])
        }
        // The length of a redirect is not the file's.
        #expect(throws: CLIPError.self) {
            try file(["ETag": "\"\(hash)\"", "Content-Length": "1", "Location": "http://x"], status: 302)
        }
    }
}
