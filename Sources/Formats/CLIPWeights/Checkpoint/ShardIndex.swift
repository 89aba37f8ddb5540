internal import CLIPJSON

/// `model.safetensors.index.json`: which shard holds which tensor.
struct ShardIndex {
    /// The shard file of each tensor name.
    var shards: [String: String] = [:]

    /// - Throws: if the text is not an index or a shard's name leads out of the folder.
    init(json: [UInt8], path: String) throws(WeightsError) {
        do {
            try read(json)
        } catch {
            throw WeightsError(path: path, problem: "byte \(error.offset): \(error.problem)")
        }
        guard !shards.isEmpty else {
            throw WeightsError(path: path, problem: "has no \"weight_map\" with tensors in it, fetch it again")
        }
        if let name = Set(shards.values).filter({ !Path.staysInside($0) }).min() {
            throw WeightsError(
                path: path, problem: "names the shard \(quoted(name)), expected a file inside the model's folder")
        }
    }

    private mutating func read(_ json: [UInt8]) throws(JSONFault) {
        var scanner = JSONScanner(json)
        var isFirst = true
        try scanner.openObject()
        while let key = try scanner.nextKey(&isFirst) {
            guard key == "weight_map" else {
                try scanner.skipValue()
                continue
            }
            var isFirstTensor = true
            try scanner.openObject()
            while let tensor = try scanner.nextKey(&isFirstTensor) {
                guard shards.updateValue(try scanner.string(), forKey: tensor) == nil else {
                    throw scanner.fault("tensor \(quoted(tensor)) is there twice")
                }
            }
        }
        try scanner.end()
    }
}
