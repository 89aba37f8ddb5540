internal import Synchronization

/// The layers of a transformer: all in memory, or each read when its turn comes.
struct TransformerLayers: Sendable {
    private let kept: [TransformerLayer]
    private let read: (@Sendable (Int) -> TransformerLayer?)?

    /// - Parameter stream: nil to read them all now.
    init(
        _ prefix: String, configuration: TransformerConfiguration, from source: some TensorSource & Sendable,
        stream: WeightStream?
    ) throws(CLIPError) {
        let layer = { @Sendable (index: Int) throws(CLIPError) -> TransformerLayer in
            try TransformerLayer("\(prefix).\(index)", configuration: configuration, from: source)
        }
        guard let stream else {
            var layers: [TransformerLayer] = []
            for index in 0..<configuration.layerCount { layers.append(try layer(index)) }
            kept = layers
            read = nil
            return
        }
        kept = []
        read = { index in stream.reading { () throws(CLIPError) in try layer(index) } }
    }

    /// Layer `index`; nil if there is none, or it could not be read.
    subscript(index: Int) -> TransformerLayer? {
        if let read { return read(index) }
        return kept.indices.contains(index) ? kept[index] : nil
    }
}

/// What happens around the layers that are read one at a time: memory is given back, and a failure kept for whoever
/// started the run, since a layer in the middle of one has no caller that could throw.
final class WeightStream: Sendable {
    private let release: @Sendable () -> Void
    private let failure = Mutex<CLIPError?>(nil)

    /// - Parameter release: gives back what reading a layer left in memory.
    init(release: @escaping @Sendable () -> Void) { self.release = release }

    /// Why a layer could not be read; whatever was computed since is without meaning.
    /// - Throws: `CLIPError`, the first there was.
    func check() throws(CLIPError) {
        if let error = failure.withLock({ $0 }) { throw error }
    }

    fileprivate func reading(_ body: () throws(CLIPError) -> TransformerLayer) -> TransformerLayer? {
        defer { release() }
        do {
            return try body()
        } catch {
            failure.withLock { $0 = $0 ?? error }
            return nil
        }
    }
}
