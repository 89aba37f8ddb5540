import CLIPSystem
import CLIPTestSupport
import Foundation
import Synchronization

@testable import CLIPHub

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
