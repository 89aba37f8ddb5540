import CLIPSystem
import Foundation
import Synchronization

@testable import CLIPHub

/// A folder that is removed when its test ends.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "hub-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The full path of `name`.
    subscript(name: String) -> String { path + "/" + name }

    func write(_ bytes: [UInt8], to name: String) throws {
        let folder = (self[name] as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(filePath: self[name]))
    }

    func bytes(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: self[name]))) }

    /// Every file and link under the folder, a link with where it points.
    func tree() throws -> [String] {
        let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        return try names.sorted().compactMap { name in
            let kind = try FileManager.default.attributesOfItem(atPath: self[name])[.type] as? FileAttributeType
            if kind == .typeDirectory { return nil }
            guard kind == .typeSymbolicLink else { return name }
            return "\(name) -> \(try FileManager.default.destinationOfSymbolicLink(atPath: self[name]))"
        }
    }
}

/// Waits for nothing, and remembers how long it would have been.
final class HastyClock: PullClock {
    private let waits = Mutex<[Double]>([])

    /// The waits that were asked for, those of half a second or more.
    var longWaits: [Double] { waits.withLock { $0.filter { $0 >= 0.5 } } }

    func sleep(_ seconds: Double) async -> Bool {
        waits.withLock { $0.append(seconds) }
        // A lock that is held is looked at again and again.
        return (try? await Task.sleep(nanoseconds: 2_000_000)) != nil
    }

    func now() -> Double { 784_111_777 }
    func random() -> Double { 0.5 }
}

/// SplitMix64: the same numbers on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &self) }
    }
}

/// A model's files, of contents made up.
enum Model {
    static let config = Array(#"{"model_type":"clip"}"#.utf8)
    static let vocabulary = Array(#"{"a":0}"#.utf8)

    static func weights(_ count: Int = 200_000, seed: UInt64 = 1) -> [UInt8] {
        var random = SeededGenerator(seed: seed)
        return random.bytes(count)
    }

    static var files: [String: [UInt8]] {
        [
            "config.json": config, "vocab.json": vocabulary, "merges.txt": Array("#version\n".utf8),
            "README.md": Array("---\nlicense: mit\n---\n".utf8), "model.safetensors": weights(),
            "pytorch_model.bin": weights(seed: 2), "tf_model.h5": weights(seed: 3), "onnx/model.onnx": weights(seed: 4),
        ]
    }
}

/// A client of `hub` with the cache in `folder`.
func client(
    _ hub: LoopbackHub, _ folder: TemporaryFolder, clock: any PullClock = HastyClock(), token: String? = nil,
    timeout: Double = 5, segment: Int = 64 << 20, change: (inout HubSettings) -> Void = { _ in }
) throws -> HubClient {
    var settings = try HubSettings(environment: ["HF_HUB_CACHE": folder.path, "HF_ENDPOINT": hub.address()])
    settings.token = token
    settings.timeout = timeout
    change(&settings)
    return try HubClient(
        settings: settings, transport: URLSessionTransport(timeout: settings.timeout), clock: clock, segment: segment)
}

/// The error that a pull ends with.
func failure(_ body: () async throws -> PulledModel) async -> CLIPError {
    do {
        return CLIPError(.argument, path: "", "no error: pulled \(try await body())")
    } catch {
        return error as? CLIPError ?? CLIPError(.argument, path: "", "\(error)")
    }
}

/// Progress, as it was reported.
final class Reports: Sendable {
    private let reports = Mutex<[PullProgress]>([])

    var all: [PullProgress] { reports.withLock { $0 } }

    func add(_ progress: PullProgress) { reports.withLock { $0.append(progress) } }
}
