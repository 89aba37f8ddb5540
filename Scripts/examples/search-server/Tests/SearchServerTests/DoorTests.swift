import Hummingbird
import Testing

@testable import search_server

@Suite struct DoorTests {
    private let door = Door<BasicRequestContext>(names: ["pictures.example"])

    private func status(
        _ authority: String?, origin: String? = nil, site: String? = nil, mode: String? = nil
    ) -> HTTPResponse.Status? { door.refusal(authority: authority, origin: origin, site: site, mode: mode)?.status }

    @Test(arguments: [
        "localhost", "localhost:8080", "LOCALHOST:8080", "127.0.0.1:8080", "[::1]:8080", "[::1]", "pictures.example",
    ]) func `Names that the server is known by are let in`(authority: String) {
        #expect(status(authority) == nil)
    }

    @Test(
        arguments: [
            nil, "", "evil.example", "evil.example:8080", "localhost.evil.example:8080", "127.0.0.1.evil.example",
            "::1",
            "[::1]evil:1", "localhost:8080:1", "evil.example:localhost", "0.0.0.0:8080", "192.168.1.2:8080",
        ] as [String?]) func `Other names are refused, whatever leads to this machine`(authority: String?)
    {
        #expect(status(authority) == .misdirectedRequest)
    }

    @Test func `Only pages of this server ask it`() {
        #expect(status("localhost:8080", origin: "http://localhost:8080") == nil)
        #expect(status("localhost:8080", origin: "http://localhost:8080", site: "same-origin", mode: "cors") == nil)
        #expect(status("pictures.example", origin: "https://pictures.example") == nil)
        for origin in ["http://evil.example", "null", "", "http://localhost:3000", "http://localhost", "file://"] {
            #expect(status("localhost:8080", origin: origin) == .forbidden, "\(origin)")
        }
        #expect(status("localhost:8080", site: "cross-site", mode: "no-cors") == .forbidden)
        #expect(status("localhost:8080", site: "same-site", mode: "cors") == .forbidden)
        // A link that somebody follows, an address that somebody types.
        #expect(status("localhost:8080", site: "cross-site", mode: "navigate") == nil)
        #expect(status("localhost:8080", site: "none", mode: "navigate") == nil)
    }
}
