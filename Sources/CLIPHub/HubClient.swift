internal import CLIPSystem
internal import CLIPWeights
internal import Foundation

/// Fetches models from a hub that speaks Hugging Face's protocol, into the cache that Python's huggingface_hub uses too.
///
/// ```swift
/// let hub = try HubClient()
/// let pulled = try await hub.pull("openai/clip-vit-base-patch32") { print($0.byteCount, "of", $0.totalByteCount) }
/// let model = try CLIPModel(contentsOf: pulled.url)
/// ```
/// What is sent: the names of the repository, the revision and the files, `clip/VERSION` as user agent, and the token, if
/// there is one, to the hub's own host alone. Nothing is sent that tells of this machine, and no usage is reported.
public struct HubClient: Sendable {
    /// Which hub, as whom, and where its files are kept.
    public let settings: HubSettings
    private let endpoint: HTTPAddress
    private let transport: any HTTPTransport
    private let clock: any PullClock
    private let segment: Int

    /// A client with the settings of the process's environment.
    /// - Throws: `CLIPError` of kind `.argument` when a variable makes no sense.
    public init() throws(CLIPError) {
        try self.init(settings: HubSettings(environment: ProcessInfo.processInfo.environment))
    }

    /// A client with these settings.
    /// - Throws: `CLIPError` of kind `.argument` when the endpoint is no address.
    public init(settings: HubSettings) throws(CLIPError) {
        try self.init(
            settings: settings, transport: URLSessionTransport(timeout: settings.timeout), clock: SystemClock())
    }

    /// - Parameter segment: how many bytes of a file are asked for at once.
    package init(
        settings: HubSettings, transport: any HTTPTransport, clock: any PullClock, segment: Int = 64 << 20
    ) throws(CLIPError) {
        guard let endpoint = HTTPAddress(settings.endpoint), !endpoint.path.contains("?") else {
            throw CLIPError(
                .argument, path: "HF_ENDPOINT",
                "is \(quoted(settings.endpoint)), expected an address like https://huggingface.co")
        }
        self.settings = settings
        self.endpoint = endpoint
        self.transport = transport
        self.clock = clock
        self.segment = segment
    }

    /// Fetches what a model needs: its configuration, tokenizer, card and one set of weights. What the cache has already is
    /// not fetched again, and what an interrupted run has left is gone on with.
    ///
    /// Several programs may pull at once, Python's among them: each file is fetched by one of them. Offline, the cache's
    /// copy is the answer.
    /// - Parameters:
    ///   - name: `org/name`, `org/name@revision`, or a name that open_clip or OpenAI use, such as
    ///     `ViT-B-32:laion2b_s34b_b79k` or `ViT-B/32`. An address of a repository on the hub is its name too.
    ///   - files: the weights to fetch, where a repository holds several models; empty for those that a model needs.
    ///   - verifiesCache: whether what the cache has already is read and compared with the hash that the hub announces, and
    ///     fetched again if it differs. Otherwise it is taken by its size; what is fetched is always compared. Offline, the
    ///     hash is the name of the cache's file.
    ///   - progress: told how far it is, about ten times a second, on any thread.
    /// - Throws: `CLIPError`.
    public func pull(
        _ name: String, files: [String] = [], verifiesCache: Bool = false,
        progress: @escaping @Sendable (PullProgress) -> Void = { _ in }
    ) async throws(CLIPError) -> PulledModel {
        let repository = try HubClient.repository(HubName.bare(name))
        if settings.isOffline { return try cached(repository, verifies: verifiesCache) }
        let meter = ProgressMeter(progress)
        let connection = HubConnection(
            endpoint: endpoint, token: settings.token, transport: transport, clock: clock, segment: segment,
            note: { meter.note($0) })
        let cache = RepositoryCache(
            root: settings.cacheFolder, repository: repository, usesLinks: settings.usesLinks)
        return try await PullJob(
            repository: repository, wanted: files, connection: connection, cache: cache, meter: meter,
            verifies: verifiesCache
        ).run()
    }

    private static func repository(_ name: String) throws(CLIPError) -> HubName {
        switch KnownModels.search(name) {
        case .model(let model): if let repository = HubName(model.repository) { return repository }
        case .unsupported(let reason): throw CLIPError(.argument, path: name, reason, advice: .nameKnownModel)
        case .several(let models):
            if HubName(name) == nil || !name.utf8.contains(UInt8(ascii: "/")) {
                throw CLIPError(.argument, path: name, KnownModels.question(models))
            }
        case .none: break
        }
        guard let repository = HubName(name), name.utf8.contains(UInt8(ascii: "/")) else {
            throw CLIPError(
                .argument, path: name, "is no name of a model: expected org/name or a known short name",
                advice: .nameKnownModel)
        }
        return repository
    }

    private func cached(_ repository: HubName, verifies: Bool) throws(CLIPError) -> PulledModel {
        let cache = HubCache(root: settings.cacheFolder)
        let snapshot = try cache.snapshot(of: repository)
        guard let snapshot else {
            throw CLIPError(
                .offline, path: repository.name,
                "is not in the cache, and HF_HUB_OFFLINE keeps this program off the network: unset it to fetch the model"
            )
        }
        let files = try ModelFolder(PathBytes(snapshot)).sizes()
        if verifies {
            for file in files { try HubClient.verify(Path.join(snapshot, file.name), byteCount: file.byteCount) }
        }
        return PulledModel(
            name: repository.name, revision: repository.revision ?? "main", commit: Path.name(of: snapshot),
            folder: snapshot, weights: [], fileCount: files.count, byteCount: files.reduce(0) { $0 + $1.byteCount },
            fetchedByteCount: 0)
    }
}

extension HubClient {
    /// Compares a file of a snapshot, a link to a blob, with the hash that the blob is named by.
    private static func verify(_ path: String, byteCount: Int) throws(CLIPError) {
        guard let hash = RepositoryCache.linkedBlob(path).flatMap({ ContentHash(etag: $0) }) else {
            throw CLIPError(
                .offline, path: path,
                "is no link to a blob: only the hub knows its hash, and HF_HUB_OFFLINE keeps this program off the network"
            )
        }
        guard try RepositoryCache.isGenuine(path, hash, byteCount: byteCount) else {
            throw CLIPError(
                .damaged, path: path,
                "is not what its \(hash.name) says: unset HF_HUB_OFFLINE and verify again, to fetch it anew")
        }
    }
}
