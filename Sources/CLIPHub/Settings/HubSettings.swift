public import Foundation
internal import CLIPSystem
internal import CLIPWeights

/// Which hub, as whom, and where its files are kept: what Python's huggingface_hub reads from the environment.
public struct HubSettings: Sendable {
    /// The hub's address (`HF_ENDPOINT`).
    public var endpoint: String
    /// What proves who is asking; nil to ask as anybody. Sent to `endpoint` alone, never where it redirects to.
    public var token: String?
    package var cacheFolder: String
    /// The folder that holds the `models--…` folders.
    public var cache: URL {
        get { PathBytes(cacheFolder).url }
        set { cacheFolder = PathBytes(newValue)?.text ?? newValue.absoluteString }
    }
    /// Whether the network is off limits (`HF_HUB_OFFLINE`).
    public var isOffline: Bool
    /// Seconds without a byte after which a connection counts as lost (`HF_HUB_DOWNLOAD_TIMEOUT`).
    public var timeout: Double
    /// Whether snapshots hold links to the cache's blobs, rather than the files themselves
    /// (off with `HF_HUB_DISABLE_SYMLINKS`).
    public var usesLinks: Bool

    /// The settings that these variables make:
    ///
    /// - `HF_ENDPOINT`, by default `https://huggingface.co`;
    /// - `HF_TOKEN`, else `HUGGING_FACE_HUB_TOKEN`, else the file `HF_TOKEN_PATH`, else `token` in `HF_HOME` or in
    ///   `~/.cache/huggingface`; none with `HF_HUB_DISABLE_IMPLICIT_TOKEN`;
    /// - `HF_HUB_CACHE`, else `HUGGINGFACE_HUB_CACHE`, else `HF_HOME/hub`, else `~/.cache/huggingface/hub`;
    /// - `HF_HUB_OFFLINE`, else `TRANSFORMERS_OFFLINE`: on if it is 1, ON, YES or TRUE;
    /// - `HF_HUB_DOWNLOAD_TIMEOUT`, in seconds, by default 10; `HF_HUB_DISABLE_SYMLINKS`.
    ///
    /// A variable that is empty is not set.
    /// - Throws: `CLIPError` when there is no place for a cache, or a variable makes no sense.
    public init(environment: [String: String]) throws(CLIPError) {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        func isOn(_ name: String) -> Bool {
            ["1", "ON", "YES", "TRUE"].contains((value(name) ?? "").uppercased())
        }
        guard let cache = HubCache(environment: environment) else {
            throw CLIPError(.argument, path: "the hub's cache", "has no place: set HOME, HF_HOME or HF_HUB_CACHE")
        }
        cacheFolder = cache.root
        endpoint = value("HF_ENDPOINT") ?? "https://huggingface.co"
        isOffline = isOn("HF_HUB_OFFLINE") || (value("HF_HUB_OFFLINE") == nil && isOn("TRANSFORMERS_OFFLINE"))
        usesLinks = !isOn("HF_HUB_DISABLE_SYMLINKS")
        timeout = 10
        if let text = value("HF_HUB_DOWNLOAD_TIMEOUT") {
            guard let seconds = Double(text), (1...86400).contains(seconds) else {
                throw CLIPError(
                    .argument, path: "HF_HUB_DOWNLOAD_TIMEOUT", "is \(quoted(text)), expected seconds from 1 to 86400")
            }
            timeout = seconds
        }
        token = isOn("HF_HUB_DISABLE_IMPLICIT_TOKEN") ? nil : try HubSettings.token(environment, value)
    }

    private static func token(
        _ environment: [String: String], _ value: (String) -> String?
    ) throws(CLIPError) -> String? {
        for name in ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"] {
            if let text = value(name) { return try usable(text, from: name) }
        }
        var places: [String] = []
        if let path = value("HF_TOKEN_PATH") {
            places = [path]
        } else {
            if let cache = HubCache.home(environment: environment) { places.append(Path.join(cache, "token")) }
            if let home = value("HOME") { places.append(Path.join(home, ".huggingface/token")) }
        }
        for path in places {
            let bytes =
                try PathBytes(path).found(.storage)?.kind != .file
                ? nil : ModelFolder(PathBytes(path).folder).readText(Path.name(of: path), limit: 1 << 16)
            if let token = try usable(String(decoding: bytes ?? [], as: UTF8.self), from: path) { return token }
        }
        return nil
    }

    /// A header can't hold anything but printable characters.
    private static func usable(_ text: String, from source: String) throws(CLIPError) -> String? {
        let token = String(text.trimmingPrefix(while: \.isWhitespace).prefix { !$0.isWhitespace })
        guard !token.isEmpty else { return nil }
        guard token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), token.utf8.count <= 4096 else {
            throw CLIPError(.argument, path: source, "holds no token: expected letters and digits such as hf_…")
        }
        return token
    }
}
