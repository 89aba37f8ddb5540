public import Foundation
internal import CLIP
internal import CLIPJSON
internal import CLIPSystem
internal import CLIPWeights
internal import Synchronization

/// One pull, from the repository's name to a snapshot that appears whole.
struct PullJob: Sendable {
    let repository: HubName
    /// The weights that were asked for by name; empty for those that a model needs.
    let wanted: [String]
    let connection: HubConnection
    let cache: RepositoryCache
    let meter: ProgressMeter
    /// Whether files that the cache has are read and compared with what the hub announces, or taken by their size.
    let verifies: Bool

    /// How many files are asked about or fetched at once.
    private static let width = 4
    private var revision: String { repository.revision ?? "main" }
    private var subject: String { repository.name }

    func run() async throws(CLIPError) -> PulledModel {
        let listing = try await list()
        let known = KnownModels.configuration(of: repository.name)
        let selection = FileSelection(listing.paths, isKnown: known != nil)
        try cache.prepare()
        let small = try await fetch(selection.smallFiles, of: listing.commit)
        let weights: [String]
        if wanted.isEmpty {
            let config = try configuration(small.files, selection, known: known)
            weights = try selection.weights(isTransformers: config, subject: subject)
        } else {
            weights = try selection.chosen(wanted, subject: subject)
        }
        let large = try await fetch(weights, of: listing.commit)
        // Links come last, so that nobody ever finds a snapshot with some of its files.
        let files = small.files + large.files
        let news = small.news.union(large.news)
        for file in files {
            if !news.contains(file.path), try cache.hasFile(file, in: listing.commit) { continue }
            try cache.place(file, in: listing.commit)
        }
        try cache.writeReference(revision, commit: listing.commit)
        return PulledModel(
            name: repository.name, revision: revision, commit: listing.commit, folder: cache.snapshot(listing.commit),
            weights: weights, fileCount: files.count, byteCount: files.reduce(0) { $0 + $1.byteCount },
            fetchedByteCount: small.fetched + large.fetched)
    }

    private func list() async throws(CLIPError) -> HubListing {
        let address = connection.endpoint.appending(
            ["api", "models"] + PullJob.words(repository.name) + ["revision", revision])
        let listing = try HubListing(
            json: try await connection.text(at: address, limit: 32 << 20, subject: subject), subject: subject)
        let isCommit = revision.utf8.count == 40 && revision.utf8.allSatisfy(isHexadecimal)
        guard !isCommit || listing.commit == revision else {
            throw CLIPError(
                .server, path: subject, "the hub lists commit \(listing.commit) where \(revision) was asked for")
        }
        return listing
    }

    private func address(_ path: String, of commit: String) -> HTTPAddress {
        connection.endpoint.appending(
            PullJob.words(repository.name) + ["resolve", commit] + PullJob.words(path))
    }

    private static func words(_ path: String) -> [String] { path.split(separator: "/").map(String.init) }

    /// Makes sure that the blobs of these files are there.
    /// - Returns: the files, the paths of those that were not there or damaged, and how many bytes came over the network.
    private func fetch(
        _ paths: [String], of commit: String
    ) async throws(CLIPError) -> (files: [HubFile], news: Set<String>, fetched: Int) {
        let files = try await concurrently(paths) { (path) async throws(CLIPError) in
            let head = try await connection.head(of: address(path, of: commit), subject: subject)
            return try HubFile(path: path, head: head, commit: commit, subject: subject)
        }
        meter.plan(files: files.count, bytes: files.reduce(0) { $0 + $1.byteCount })
        var missing: [HubFile] = []
        for file in files {
            if try holds(file, in: commit) {
                meter.add(found: file.byteCount)
                meter.addFile()
            } else {
                missing.append(file)
            }
        }
        try checkRoom(for: missing)
        let fetched = try await concurrently(missing) { (file) async throws(CLIPError) in
            let download = BlobDownload(
                connection: connection, cache: cache, file: file, address: address(file.path, of: commit), meter: meter,
                verifies: verifies)
            let count = try await download.run()
            meter.addFile()
            return count
        }
        return (files, Set(missing.map(\.path)), fetched.reduce(0, +))
    }

    /// Whether the cache has a file, as far as that is looked into.
    private func holds(_ file: HubFile, in commit: String) throws(CLIPError) -> Bool {
        let isInPlace = try cache.hasFile(file, in: commit)
        if !isInPlace, try !cache.hasBlob(file) { return false }
        guard verifies else { return true }
        if try cache.holdsGenuine(file, in: commit) { return true }
        meter.note("\(file.path) in the cache is damaged, fetching it again")
        return false
    }

    private func checkRoom(for files: [HubFile]) throws(CLIPError) {
        let needed = files.reduce(0) { $0 + $1.byteCount }
        guard let free = cache.freeByteCount, needed > free else { return }
        throw CLIPError(
            .storage, path: cache.root,
            "has room for \(free / 1_000_000) MB, \(subject) needs \(needed / 1_000_000) MB: "
                + "make room, or set HF_HUB_CACHE to a folder with more")
    }

    /// Whether there is a config.json of transformers.
    /// - Throws: `CLIPError` when what the configuration files describe would not load.
    private func configuration(
        _ files: [HubFile], _ selection: FileSelection, known: OpenCLIPConfiguration?
    ) throws(CLIPError) -> Bool {
        let openCLIP = try text(of: "open_clip_config.json", files)
        // Its config.json, if there is one, is for a program of its maker's.
        if known != nil, openCLIP == nil { return false }
        let config = try text(of: selection.encoder + "config.json", files)
        var problem: CLIPError?
        if let config {
            switch DeclaredFamily(config: config) {
            case .foreign: break
            case .other(let type) where !(selection.hasModules && ConfigurationCheck.sentenceTypes.contains(type)):
                problem = CLIPError(
                    .notFound, path: subject,
                    "is a model of type \(quoted(type)), which this program doesn't have: nothing large was fetched",
                    advice: .nameKnownModel)
            case .other, .transformers, .unnamed:
                do throws(CLIPError) {
                    try ConfigurationCheck.checkTransformers(config: config, hasModules: selection.hasModules)
                    return true
                } catch { problem = wouldNotLoad(error) }
            }
        }
        // Beside a config.json that is none of a CLIP's, open_clip's files may be one all the same.
        guard let openCLIP else {
            if let problem { throw problem }
            return false
        }
        do throws(CLIPError) {
            try ConfigurationCheck.checkOpenCLIP(config: openCLIP)
            return false
        } catch { throw wouldNotLoad(error) }
    }

    private func wouldNotLoad(_ error: CLIPError) -> CLIPError {
        CLIPError(
            .notFound, path: subject,
            "would not load: \(error.path ?? "it") \(error.message); nothing large was fetched",
            advice: .nameKnownModel)
    }

    /// The content of a small file that is here; nil if there is none.
    private func text(of path: String, _ files: [HubFile]) throws(CLIPError) -> [UInt8]? {
        guard let file = files.first(where: { $0.path == path }), try cache.hasBlob(file) else { return nil }
        let blob = cache.blob(file)
        return try ModelFolder(PathBytes(blob).folder).readText(Path.name(of: blob), limit: 16 << 20)
    }

    /// Calls `body` for each element, a few at a time.
    /// - Returns: the results in the elements' order.
    private func concurrently<Element: Sendable, Result: Sendable>(
        _ elements: [Element], _ body: @escaping @Sendable (Element) async throws(CLIPError) -> Result
    ) async throws(CLIPError) -> [Result] {
        do {
            return try await withThrowingTaskGroup(of: (Int, Result).self) { group in
                var results = [Result?](repeating: nil, count: elements.count)
                var next = 0
                func add() {
                    guard next < elements.count else { return }
                    let (index, element) = (next, elements[next])
                    group.addTask { (index, try await body(element)) }
                    next += 1
                }
                for _ in 0..<PullJob.width { add() }
                while let (index, result) = try await group.next() {
                    results[index] = result
                    add()
                }
                return results.compactMap { $0 }
            }
        } catch let error as CLIPError {
            throw error
        } catch {
            throw CLIPError(.cancelled, path: subject, "was cancelled")
        }
    }
}

/// Which of a repository's files a model needs: one set of weights, and what says how to use them.
struct FileSelection {
    /// The folder with the model's files, such as `0_CLIPModel/`; empty where that is the repository's top.
    let encoder: String
    /// Whether the repository is one of sentence-transformers'.
    let hasModules: Bool
    /// The files in that folder.
    private let names: Set<String>
    /// Those at the top.
    private let top: Set<String>
    /// The folders of sentence-transformers' modules behind the encoder, and their files.
    private let modules: [String: Set<String>]
    /// Whether open_clip's configuration of the weights is there, or known without.
    private let hasOpenCLIPConfiguration: Bool

    /// - Parameters:
    ///   - paths: the repository's files.
    ///   - isKnown: whether open_clip's own list has the configuration that the repository may lack.
    init(_ paths: [String], isKnown: Bool = false) {
        var folders: [String: Set<String>] = [:]
        for path in paths {
            let words = path.split(separator: "/", omittingEmptySubsequences: false)
            guard words.count <= 2 else { continue }
            folders[words.count == 2 ? "\(words[0])/" : "", default: []].insert(String(words[words.count - 1]))
        }
        top = folders[""] ?? []
        hasModules = top.contains("modules.json")
        let first = folders.first { $0.key.hasPrefix("0_") && $0.value.contains("config.json") }?.key
        encoder = hasModules && !top.contains("config.json") ? first ?? "" : ""
        names = folders[encoder] ?? []
        hasOpenCLIPConfiguration = isKnown || names.contains("open_clip_config.json")
        modules = hasModules ? folders.filter { $0.key.hasSuffix("_Pooling/") || $0.key.hasSuffix("_Dense/") } : [:]
    }

    /// What is fetched first: configuration, tokenizer, card and licence.
    var smallFiles: [String] {
        let licences = top.filter { $0.uppercased().hasPrefix("LICEN") }
        let own = names.intersection(FileSelection.configurations).map { encoder + $0 }
        let configurations = modules.filter { $0.value.contains("config.json") }.map { $0.key + "config.json" }
        return sorted(
            licences.union(own).union(configurations).union(top.intersection(["README.md", "model_card.json"]))
                .union(hasModules ? top.intersection(["modules.json", "sentence_bert_config.json"]) : []))
    }

    /// The weights of the modules behind the encoder.
    private var moduleWeights: [String] {
        modules.compactMap { folder, names in
            ["model.safetensors", "pytorch_model.bin"].first(where: names.contains).map { folder + $0 }
        }.sorted()
    }

    private static let configurations: Set<String> = [
        "config.json", "open_clip_config.json", "preprocessor_config.json", "processor_config.json",
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
        "merges.txt", "vocab.txt", "spiece.model", "tokenizer.model", "sentencepiece.bpe.model", "README.md",
        "model_card.json",
    ]

    /// The weights to fetch, the safest layout that there is first: files of tensors alone before pickles.
    ///
    /// - Parameter isTransformers: whether config.json is of Hugging Face's transformers; other libraries have one too,
    ///   beside weights of their own under the same names.
    /// - Throws: `CLIPError` when there are none, several to choose from, or only some of the parts.
    func weights(isTransformers: Bool, subject: String) throws(CLIPError) -> [String] {
        if isTransformers {
            if let files = try whole("model", "safetensors", subject) { return files + moduleWeights }
        }
        if hasOpenCLIPConfiguration {
            for name in Checkpoint.openCLIPNames where name != "model.safetensors" || !names.contains("config.json") {
                if names.contains(name) { return [name] }
            }
        }
        if isTransformers, let files = try whole("pytorch_model", "bin", subject) { return files + moduleWeights }
        let pickles = ["open_clip_pytorch_model.bin", "pytorch_model.bin"]
        if hasOpenCLIPConfiguration, let name = pickles.first(where: names.contains) { return [name] }
        for suffix in [".clip", ".gguf", ".pt"] {
            let found = sorted(names.filter { $0.hasSuffix(suffix) })
            if found.count > 1 {
                throw CLIPError(
                    .argument, path: subject, "holds \(found.count) models", advice: .chooseFile(found))
            }
            if let name = found.first { return [name] }
        }
        throw none(subject)
    }

    /// The files that were asked for by name.
    func chosen(_ wanted: [String], subject: String) throws(CLIPError) -> [String] {
        for name in wanted where !names.contains(name) {
            let suffixes = [".safetensors", ".bin", ".clip", ".gguf", ".pt"]
            let others = sorted(names.filter { name in suffixes.contains { name.hasSuffix($0) } })
            throw CLIPError(
                .notFound, path: subject,
                "has no file \(quoted(name)): it has "
                    + (others.isEmpty ? "no weights" : others.prefix(8).joined(separator: ", ")))
        }
        return sorted(Set(wanted))
    }

    /// `NAME.SUFFIX`, else its index and all of its parts, `NAME-00001-of-00003.SUFFIX`.
    private func whole(_ name: String, _ suffix: String, _ subject: String) throws(CLIPError) -> [String]? {
        if names.contains("\(name).\(suffix)") { return ["\(encoder)\(name).\(suffix)"] }
        let index = "\(name).\(suffix).index.json"
        guard names.contains(index) else { return nil }
        let parts = sorted(names.filter { $0.hasPrefix("\(name)-") && $0.hasSuffix(".\(suffix)") })
        let words = parts.first?.dropLast(suffix.count + 1).split(separator: "-") ?? []
        guard words.count == 4, words[2] == "of", let count = Int(words[3]), count == parts.count else {
            throw CLIPError(
                .notFound, path: subject, "has \(index), but only \(parts.count) parts of \(name): it is incomplete")
        }
        return ([index] + parts).map { encoder + $0 }
    }

    private func none(_ subject: String) -> CLIPError {
        let other = [".h5", ".msgpack", ".onnx", ".npz", ".ot", ".mlmodel"].first { suffix in
            names.contains { $0.hasSuffix(suffix) }
        }
        let found = other.map { ", only a \($0) file, which clip can't read" } ?? ""
        return CLIPError(
            .notFound, path: subject,
            "holds no weights\(found): expected model.safetensors, open_clip_model.safetensors, "
                + "pytorch_model.bin, a .gguf, .pt or .clip file at its top")
    }

    private func sorted(_ names: Set<String>) -> [String] {
        names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}

/// A model that is in the cache now.
public struct PulledModel: Sendable, Equatable {
    /// The repository's name, `org/name`.
    public let name: String
    /// The branch, tag or commit that was asked for.
    public let revision: String
    /// The commit that it is, 40 hexadecimal digits.
    public let commit: String
    package let folder: String
    /// The names of the weights' files that were chosen; empty when the cache answered.
    public let weights: [String]
    /// How many files the model has.
    public let fileCount: Int
    /// The size of the model's files in bytes.
    public let byteCount: Int
    /// How many bytes came over the network.
    public let fetchedByteCount: Int

    package var path: String {
        guard weights.count == 1, let name = weights.first,
            [".clip", ".gguf", ".pt"].contains(where: { name.hasSuffix($0) })
        else { return folder }
        return "\(folder)/\(name)"
    }

    /// What `CLIPModel(contentsOf:)` loads: the snapshot's folder, or the one file that is a whole model.
    public var url: URL { PathBytes(path).url }
}

/// How far a pull is. Told so often that a line on a screen moves, and not more often.
public struct PullProgress: Sendable, Equatable {
    /// Bytes that are here, found in the cache or fetched.
    public var byteCount = 0
    /// Those of them that were here before.
    public var foundByteCount = 0
    /// Bytes of all files that are known to be needed. It grows once: which weights to fetch is known when the
    /// configuration is here.
    public var totalByteCount = 0
    /// Files that are here, whole.
    public var fileCount = 0
    /// Files that are known to be needed.
    public var totalFileCount = 0
    /// Why nothing happens for a while; nil while all is well.
    public var note: String?
}

/// Adds up what several downloads report.
final class ProgressMeter: Sendable {
    private struct State {
        var progress = PullProgress()
        var lastReport: ContinuousClock.Instant?
    }

    private static let interval = Duration.milliseconds(100)
    private let state = Mutex(State())
    private let report: @Sendable (PullProgress) -> Void

    init(_ report: @escaping @Sendable (PullProgress) -> Void) {
        self.report = report
    }

    func plan(files: Int, bytes: Int) {
        update(isUrgent: true) {
            $0.totalFileCount += files
            $0.totalByteCount += bytes
        }
    }

    /// Counts bytes that came over the network.
    func add(fetched bytes: Int) {
        update(isUrgent: false) {
            $0.byteCount += bytes
            $0.note = nil
        }
    }

    /// Counts bytes that were here before.
    func add(found bytes: Int) {
        update(isUrgent: false) {
            $0.byteCount += bytes
            $0.foundByteCount += bytes
        }
    }

    /// Forgets bytes that are not worth keeping.
    func drop(_ bytes: Int) {
        update(isUrgent: false) {
            $0.byteCount -= bytes
            $0.foundByteCount = min($0.foundByteCount, $0.byteCount)
        }
    }

    func addFile() { update(isUrgent: true) { $0.fileCount += 1 } }

    func note(_ text: String) { update(isUrgent: true) { $0.note = text } }

    private func update(isUrgent: Bool, _ change: (inout PullProgress) -> Void) {
        let due = state.withLock { state -> PullProgress? in
            let hadNote = state.progress.note != nil
            change(&state.progress)
            let now = ContinuousClock.now
            let isNews = isUrgent || hadNote != (state.progress.note != nil)
            guard isNews || state.lastReport.map({ now - $0 >= ProgressMeter.interval }) ?? true else { return nil }
            state.lastReport = now
            return state.progress
        }
        if let due { report(due) }
    }
}
