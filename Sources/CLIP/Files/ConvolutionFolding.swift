internal import CLIPWeights

/// A convolution as checkpoints keep it: branches that were trained side by side and sum up to one (Ding et al., 2021), each
/// with the batch norm behind it (Ioffe and Szegedy, 2015).
struct ConvolutionFolding: Equatable {
    struct Branch: Equatable {
        /// Weights `[outputs, inputs, kernel, kernel]`; nil where the branch is the input itself.
        var weight: String?
        var bias: String?
        /// What the names of the norm's tensors begin with.
        var batchNorm: String?
        /// What the norm adds to a variance.
        var epsilon: Float = 1e-5
        /// A number for each output that the branch counts.
        var gain: String?
        var sign: Float = 1

        var names: [String] {
            [weight, bias, gain].compactMap(\.self) + (batchNorm.map(CheckpointKeys.batchNormTensors) ?? [])
        }
    }

    var branches: [Branch]
    /// Whether each channel has weights of its own alone.
    var isDepthwise = false
    /// Whether the numbers of one place stand together, rather than those of one channel.
    var isPlaceByPlace = false

    var names: [String] { branches.flatMap(\.names) }
}

extension CheckpointKeys {
    /// The networks of convolutions that image encoders are.
    enum ConvolutionalTower: Sendable {
        case resNet, convNeXt, fastViT, efficientNet

        init?(_ names: Set<String>) {
            if names.contains("visual.layer1.0.conv1.weight") {
                self = .resNet
            } else if names.contains("visual.trunk.stages.0.blocks.0.conv_dw.weight") {
                self = .convNeXt
            } else if names.contains(where: { $0.hasPrefix("visual.trunk.final_conv.") }) {
                self = .fastViT
            } else if names.contains("visual.trunk.conv_stem.weight") {
                self = .efficientNet
            } else {
                return nil
            }
        }
    }

    static func batchNormTensors(_ norm: String) -> [String] {
        ["weight", "bias", "running_mean", "running_var"].map { "\(norm).\($0)" }
    }

    /// Where a network of convolutions keeps a tensor.
    /// - Parameter rest: the key without its encoder.
    func place(_ tower: ConvolutionalTower, prefix: String, _ rest: Substring) -> TensorPlace {
        let (module, parameter) = CheckpointKeys.parameter(rest)
        let path = "\(prefix)\(module)"
        let folding =
            switch tower {
            case .resNet: resNetFolding(path)
            case .convNeXt: convNeXtFolding(path)
            case .fastViT: fastViTFolding(path)
            case .efficientNet: efficientNetFolding(path)
            }
        if let folding { return TensorPlace(name: folding.names.first ?? path, convolution: folding) }
        let plain = "\(path).\(parameter)"
        switch tower {
        case .resNet, .efficientNet: return TensorPlace(name: plain)
        case .convNeXt:
            let gamma = "\(path.dropLast("mlp.fc2".count))gamma"
            return TensorPlace(name: plain, scale: module.hasSuffix("mlp.fc2") && names.contains(gamma) ? gamma : nil)
        case .fastViT: return fastViTPlace(path, parameter)
        }
    }

    private func resNetFolding(_ path: String) -> ConvolutionFolding? {
        let last = path.split(separator: ".").last ?? ""
        let parent = path.dropLast(last.count)
        let norm: String
        if last.hasPrefix("conv") {
            norm = "\(parent)bn\(last.dropFirst("conv".count))"
        } else if path.hasSuffix("downsample.0") {
            norm = "\(parent)1"
        } else {
            return nil
        }
        return ConvolutionFolding(
            branches: [.init(weight: "\(path).weight", batchNorm: norm)], isPlaceByPlace: path != "visual.conv1")
    }

    private func convNeXtFolding(_ path: String) -> ConvolutionFolding? {
        let isDepthwise = path.hasSuffix("conv_dw")
        guard isDepthwise || path.hasSuffix("downsample.1") else { return nil }
        return ConvolutionFolding(
            branches: [.init(weight: "\(path).weight", bias: "\(path).bias")], isDepthwise: isDepthwise,
            isPlaceByPlace: true)
    }

    /// Where a ViTamin keeps a tensor of the convolutions in front of its transformer.
    func viTaminPlace(_ path: String, _ parameter: Substring) -> TensorPlace {
        let name = "\(path).\(parameter)"
        let isDepthwise = path.hasSuffix(".conv2_kxk")
        guard
            isDepthwise || path.hasSuffix(".stem.conv1") || path.hasSuffix(".stem.conv2")
                || path.hasSuffix(".pool.proj")
        else { return TensorPlace(name: name) }
        return TensorPlace(
            name: name,
            convolution: ConvolutionFolding(
                branches: [.init(weight: "\(path).weight", bias: "\(path).bias")], isDepthwise: isDepthwise,
                isPlaceByPlace: !path.hasSuffix(".stem.conv1")))
    }

    private func fastViTFolding(_ path: String) -> ConvolutionFolding? {
        func ends(_ name: String) -> Bool { path.hasSuffix(".\(name)") }
        let isDepthwise =
            ends("stem.1") || ends("final_conv") || ends("proj.0") || ends("pos_emb") || ends("token_mixer")
            || ends("mlp.conv")
        guard isDepthwise || ends("stem.0") || ends("stem.2") || ends("proj.1") else { return nil }
        return ConvolutionFolding(branches: branches(path), isDepthwise: isDepthwise)
    }

    /// The norms of a block are counted in their order.
    private func efficientNetFolding(_ path: String) -> ConvolutionFolding? {
        let last = path.split(separator: ".").last ?? ""
        let block = path.dropLast(last.count)
        let isExpanded = names.contains("\(block)conv_pwl.weight")
        let norm: Int
        switch last {
        case "conv_stem": norm = 1
        case "conv_head": norm = 2
        case "conv_dw": norm = isExpanded ? 2 : 1
        case "conv_pw": norm = isExpanded ? 1 : 2
        case "conv_pwl": norm = 3
        default: return nil
        }
        return ConvolutionFolding(
            branches: [.init(weight: "\(path).weight", batchNorm: "\(block)bn\(norm)", epsilon: 1e-3)],
            isDepthwise: last == "conv_dw")
    }

    private func branches(_ path: String) -> [ConvolutionFolding.Branch] {
        if names.contains("\(path).reparam_conv.weight") {
            return [.init(weight: "\(path).reparam_conv.weight", bias: "\(path).reparam_conv.bias")]
        }
        func normed(_ path: String) -> ConvolutionFolding.Branch {
            .init(weight: "\(path).conv.weight", batchNorm: "\(path).bn")
        }
        if path.hasSuffix(".mlp.conv") { return [normed(path)] }
        if path.hasSuffix(".downsample.proj.0") {
            let small = "\(path).small_conv"
            return [normed("\(path).large_conv")] + (names.contains("\(small).conv.weight") ? [normed(small)] : [])
        }
        if path.hasSuffix(".pos_emb") {
            return [.init(weight: "\(path).pos_enc.weight", bias: "\(path).pos_enc.bias"), .init()]
        }
        if path.hasSuffix(".token_mixer") {
            let gain = "\(path).layer_scale.gamma"
            return [.init()]
                + branches("\(path).mixer").map { branch in
                    var branch = branch
                    branch.gain = gain
                    return branch
                } + [.init(batchNorm: "\(path).norm.identity", gain: gain, sign: -1)]
        }
        // MobileOne's.
        var found: [ConvolutionFolding.Branch] = [normed("\(path).conv_kxk.0")]
        while names.contains("\(path).conv_kxk.\(found.count).conv.weight") {
            found.append(normed("\(path).conv_kxk.\(found.count)"))
        }
        if names.contains("\(path).conv_scale.conv.weight") { found.append(normed("\(path).conv_scale")) }
        if names.contains("\(path).identity.weight") { found.append(.init(batchNorm: "\(path).identity")) }
        return found
    }

    private func fastViTPlace(_ path: String, _ parameter: Substring) -> TensorPlace {
        func scale(_ ending: String, _ gammas: String...) -> String? {
            guard path.hasSuffix(ending) else { return nil }
            return gammas.map { "\(path.dropLast(ending.count))\($0).gamma" }.first(where: names.contains)
        }
        if let part = ["q_proj", "k_proj", "v_proj"].firstIndex(where: { path.hasSuffix(".token_mixer.\($0)") }) {
            return TensorPlace(name: "\(path.dropLast("q_proj".count))qkv.\(parameter)", part: part)
        }
        let isBatchNorm = path.hasSuffix(".norm") && names.contains("\(path).running_mean")
        return TensorPlace(
            name: "\(path).\(parameter)",
            scale: scale("mlp.fc2", "layer_scale", "layer_scale_2") ?? scale("token_mixer.proj", "layer_scale_1"),
            batchNorm: isBatchNorm ? path : nil)
    }
}

extension CheckpointTensorSource {
    /// The weights of all branches as one, `[outputs, inputs, kernel, kernel]`.
    func weights(of convolution: ConvolutionFolding, outputs: Int, depth: Int) throws(CLIPError) -> [Float] {
        var tensors: [StoredTensor?] = []
        for branch in convolution.branches {
            tensors.append(try branch.weight.map { name throws(CLIPError) in try tensor(named: name) })
        }
        let kernel = tensors.compactMap { $0?.shape.last }.max() ?? 1
        // The squares of all branches lie around the same place. Nothing is allocated before they fit.
        let inputs = (1...64).contains(kernel) && depth.isMultiple(of: kernel * kernel) ? depth / (kernel * kernel) : 0
        for tensor in tensors.compactMap(\.self) {
            let side = tensor.shape.last ?? 0
            guard inputs > 0, tensor.shape == [outputs, inputs, side, side], (kernel - side).isMultiple(of: 2) else {
                throw CLIPError(tensor, expected: inputs > 0 ? [outputs, inputs, kernel, kernel] : [outputs, depth])
            }
        }
        var sum = [Float](repeating: 0, count: outputs * depth)
        for (branch, tensor) in zip(convolution.branches, tensors) {
            let factors = try factors(of: branch, outputs: outputs)
            guard let tensor else {
                let centre = kernel * kernel / 2
                for output in 0..<outputs {
                    sum[output * depth + output % inputs * kernel * kernel + centre] += factors[output]
                }
                continue
            }
            let side = tensor.shape.last ?? 0
            let (numbers, border) = (try tensor.finiteFloats(), (kernel - side) / 2)
            for row in 0..<outputs * inputs {
                for tap in 0..<side * side {
                    let place = (tap / side + border) * kernel + tap % side + border
                    sum[row * kernel * kernel + place] += factors[row / inputs] * numbers[row * side * side + tap]
                }
            }
        }
        guard convolution.isPlaceByPlace || convolution.isDepthwise, kernel > 1 else { return sum }
        // Those of one place together; of a depthwise convolution those of all channels.
        var turned = sum
        for output in 0..<outputs {
            for input in 0..<inputs {
                for tap in 0..<kernel * kernel {
                    let number = sum[(output * inputs + input) * kernel * kernel + tap]
                    let place =
                        convolution.isDepthwise
                        ? tap * outputs + output : (output * kernel * kernel + tap) * inputs + input
                    turned[place] = number
                }
            }
        }
        return turned
    }

    /// The biases of all branches as one.
    func bias(of convolution: ConvolutionFolding, outputs: Int) throws(CLIPError) -> [Float] {
        var sum = [Float](repeating: 0, count: outputs)
        for branch in convolution.branches {
            let gain = try gain(of: branch, outputs: outputs)
            if let name = branch.bias {
                let factors = try factors(of: branch, outputs: outputs)
                for (index, number) in try vector(named: name, count: outputs).enumerated() {
                    sum[index] += factors[index] * number
                }
            }
            if let name = branch.batchNorm {
                for (index, term) in try batchNorm(name, count: outputs, epsilon: branch.epsilon).terms
                    .enumerated()
                {
                    sum[index] += gain[index] * term
                }
            }
        }
        return sum
    }

    private func gain(of branch: ConvolutionFolding.Branch, outputs: Int) throws(CLIPError) -> [Float] {
        guard let name = branch.gain else { return Array(repeating: branch.sign, count: outputs) }
        return try vector(named: name, count: outputs).map { branch.sign * $0 }
    }

    private func factors(of branch: ConvolutionFolding.Branch, outputs: Int) throws(CLIPError) -> [Float] {
        let gain = try gain(of: branch, outputs: outputs)
        guard let name = branch.batchNorm else { return gain }
        return zip(gain, try batchNorm(name, count: outputs, epsilon: branch.epsilon).factors).map { $0 * $1 }
    }
}
