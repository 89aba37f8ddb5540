extension ConfigSection {
    /// `encoder` with what open_clip's `vision_cfg` says of norms and pooling. `.clip` files keep it in the same words.
    mutating func imageVariant(of encoder: VisionConfiguration) throws(CLIPError) -> VisionConfiguration {
        var encoder = encoder
        encoder.hasInputNorm = !(try flag("no_ln_pre", default: false))
        if !encoder.hasInputNorm { record("input norm", "none") }
        switch try text("pool_type") {
        case nil, "tok": encoder.pooling = .classToken
        case "avg":
            let isAfter = try flag("final_ln_after_pool", default: false)
            encoder.pooling = isAfter ? .meanOfPatches : .meanOfNormalizedPatches
            record("pooling", isAfter ? "mean of patches" : "mean of normalised patches")
        case let name?: throw fault("pool_type", .string(name), expected: "\"tok\" or \"avg\"")
        }
        return encoder
    }

    /// `encoder` with what open_clip's `text_cfg` says of mask, padding, pooling and projection.
    mutating func textVariant(of encoder: TextConfiguration) throws(CLIPError) -> TextConfiguration {
        var encoder = encoder
        encoder.isCausal = !(try flag("no_causal_mask", default: false))
        if !encoder.isCausal { record("mask", "none: every token sees all") }
        switch try text("pool_type") {
        case nil, "argmax", "eos": break
        case "first":
            encoder.pooling = .firstPosition
            record("pooling", "first position")
        case "last":
            encoder.pooling = .lastPosition
            record("pooling", "last position")
        case let name?:
            throw fault("pool_type", .string(name), expected: "\"argmax\", \"eos\", \"first\" or \"last\"")
        }
        if !encoder.isCausal || encoder.pooling == .lastPosition {
            encoder.paddingToken = try int("pad_id", named: "padding", default: 0, in: 0...encoder.vocabularySize - 1)
        }
        switch try text("proj_type") {
        case nil, "linear": encoder.projection = try flag("proj_bias", default: false) ? .affine : .linear
        case "none": encoder.projection = .none
        case let name?: throw fault("proj_type", .string(name), expected: "\"linear\" or \"none\"")
        }
        if encoder.projection != .linear { record("projection", encoder.projection.rawValue) }
        return encoder
    }
}

extension ConfigSection {
    /// `encoder` as all of SigLIP's are: no class token, no norm in front, a head or the mean of the patches.
    mutating func siglipVariant(of encoder: VisionConfiguration) throws(CLIPError) -> VisionConfiguration {
        var encoder = encoder
        encoder.hasClassToken = false
        encoder.hasPatchBias = true
        encoder.hasInputNorm = false
        encoder.hasProjection = false
        let hasHead = try flag("vision_use_head", default: true)
        encoder.pooling = hasHead ? .attention : .meanOfNormalizedPatches
        record(
            "pooling", hasHead ? "attention head" : "mean of normalised patches",
            isDefault: present("vision_use_head") == nil,
            warning: hasHead
                ? nil : "vision_use_head is false: the patches are averaged, transformers gives no embedding")
        return encoder
    }

    /// `encoder` as all of SigLIP's are: every token sees all, padding included, and the last one counts.
    mutating func siglipVariant(of encoder: TextConfiguration) throws(CLIPError) -> TextConfiguration {
        var encoder = encoder
        encoder.isCausal = false
        encoder.pooling = .lastPosition
        encoder.projection = .affine
        record("pooling", "last position", source: "SigLIP")
        // Our own files say it; others leave it to the tokenizer's.
        encoder.paddingToken = try int("pad_id", named: "padding", default: 1, in: 0...encoder.vocabularySize - 1)
        return encoder
    }
}
