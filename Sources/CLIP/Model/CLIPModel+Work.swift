internal import CLIPThreads

extension CLIPModel {
    /// Begins to read the tokenizer's files on another thread, where the model may use more than one: of a folder that takes
    /// as long as the fingerprint of the same files, which every record carries.
    package func beginTokenizer() {
        guard threads > 1 else { return }
        // What goes wrong comes again when the first text does.
        _ = BackgroundThreads.shared.start { [loaded] in _ = try? loaded.textTokenizer() }
    }

    /// The floating-point operations of embedding a picture that is fitted already.
    package var operationsPerImage: Double { info.configuration.operationsPerImage }

    /// The floating-point operations of embedding `texts` in one call: what they share is counted once.
    /// - Throws: `CLIPError` as embedding them does.
    package func operations(embedding texts: [String], longText: LongText = .truncate) throws(CLIPError) -> Double {
        let plan = TextPlan(try loaded.windows(of: texts, longText))
        let encoder = try loaded.texts()
        return plan.batches.reduce(0) { sum, batch in
            encoder.layouts(Array(batch), loaded.compute).reduce(sum) { $0 + info.configuration.operations(of: $1) }
        }
    }

    /// About how many bytes of weights one pass through the image encoder reads, or through the text encoder without
    /// its table of tokens.
    package func weightBytes(ofImageEncoder isImage: Bool) -> Double {
        let tensors = isImage ? info.configuration.imageTensors : info.configuration.textTensors
        let read = tensors.reduce(0) { sum, tensor in
            if case .table = tensor.kind { sum } else { sum + tensor.count }
        }
        return Double(info.byteCount) * Double(read) / Double(max(1, info.weightCount))
    }
}
