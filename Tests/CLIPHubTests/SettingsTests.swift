import CLIPSystem
import CLIPTestSupport
import Foundation
import Testing

@testable import CLIPHub

@Suite struct SettingsTests {
    private func settings(_ environment: [String: String]) throws -> HubSettings {
        try HubSettings(environment: ["HOME": "/home/me"].merging(environment) { $1 })
    }

    @Test func `An error is described in its own words`() {
        let error: any Error = CLIPError(.notFound, path: "org/name", "has no such revision")
        #expect(error.localizedDescription == "org/name: has no such revision")
    }

    @Test func `Variables are Python's`() throws {
        let plain = try settings([:])
        #expect(plain.endpoint == "https://huggingface.co" && plain.token == nil && !plain.isOffline)
        #expect(plain.cacheFolder == "/home/me/.cache/huggingface/hub" && plain.timeout == 10 && plain.usesLinks)
        #expect(try settings(["HF_ENDPOINT": "http://mirror/"]).endpoint == "http://mirror/")
        for value in ["1", "ON", "yes", "True"] { #expect(try settings(["HF_HUB_OFFLINE": value]).isOffline) }
        for value in ["0", "", "no"] { #expect(try !settings(["HF_HUB_OFFLINE": value]).isOffline) }
        #expect(try settings(["TRANSFORMERS_OFFLINE": "1"]).isOffline)
        #expect(try !settings(["HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "1"]).isOffline)
        #expect(try settings(["HF_HUB_DOWNLOAD_TIMEOUT": "30"]).timeout == 30)
        #expect(throws: CLIPError.self) { try settings(["HF_HUB_DOWNLOAD_TIMEOUT": "soon"]) }
        #expect(throws: CLIPError.self) { try HubSettings(environment: [:]) }
        #expect(throws: CLIPError.self) { try HubClient(settings: settings(["HF_ENDPOINT": "hub"])) }
    }

    @Test func `Tokens come from variables, then from files`() throws {
        let folder = try TemporaryFolder()
        try folder.write(Array("hf_home\n".utf8), to: "home/token")
        try folder.write(Array("  hf_path \n".utf8), to: "elsewhere")
        let home = ["HF_HOME": folder["home"]]
        func token(_ environment: [String: String]) throws -> String? {
            try settings(home.merging(environment) { $1 }).token
        }
        #expect(try token([:]) == "hf_home")
        #expect(try token(["HF_TOKEN_PATH": folder["elsewhere"]]) == "hf_path")
        #expect(try token(["HF_TOKEN_PATH": folder["nowhere"]]) == nil)
        #expect(try token(["HUGGING_FACE_HUB_TOKEN": "hf_old", "HF_TOKEN_PATH": folder["elsewhere"]]) == "hf_old")
        #expect(try token(["HF_TOKEN": "hf_new", "HUGGING_FACE_HUB_TOKEN": "hf_old"]) == "hf_new")
        #expect(try token(["HF_HUB_DISABLE_IMPLICIT_TOKEN": "1", "HF_TOKEN": "hf_new"]) == nil)
        // A header must not be broken into two.
        #expect(throws: CLIPError.self) { try token(["HF_TOKEN": "hf_é"]) }
        #expect(try token(["HF_TOKEN": "hf_new\r\nX-Other: 1"]) == "hf_new")
    }
}
