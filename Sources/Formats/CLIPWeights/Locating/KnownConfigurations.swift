package import CLIPSystem

/// What open_clip's configuration of a model says, and where it stands.
package struct OpenCLIPConfiguration: Sendable {
    package let json: [UInt8]
    /// What to call it in a message.
    package let path: String
    /// open_clip's name of the architecture, where its own list has the configuration and the repository has none.
    package let architecture: String?
}

extension ModelFolder {
    /// The folder's open_clip_config.json; in a snapshot of a repository that open_clip takes weights alone from, the
    /// configuration that open_clip has itself. nil if there is neither.
    /// - Throws: if the file can't be read.
    package func openCLIPConfiguration() throws(CLIPError) -> OpenCLIPConfiguration? {
        let name = "open_clip_config.json"
        if let json = try readText(name) {
            return OpenCLIPConfiguration(json: json, path: path(of: name), architecture: nil)
        }
        return snapshot.flatMap { KnownModels.configuration(of: $0.repository) }
    }

    /// The repository and commit of a snapshot in the hub's cache: `…/models--ORG--NAME/snapshots/COMMIT`.
    package var snapshot: (repository: String, commit: String)? {
        let parts = path.split(separator: "/")
        guard parts.count >= 3, parts[parts.count - 2] == "snapshots", parts[parts.count - 3].hasPrefix("models--")
        else { return nil }
        let name = HubCache.replacingDoubleDashes(parts[parts.count - 3].dropFirst("models--".count))
        return (name, String(parts[parts.count - 1]))
    }
}

extension KnownModels {
    /// open_clip's own configuration of a repository on the hub that holds weights without one; nil of all others.
    package static func configuration(of repository: String) -> OpenCLIPConfiguration? {
        guard let model = all.first(where: { $0.repository == repository }),
            let fields = ViTaminRow.all[model.architecture].map(\.fields) ?? otherConfigurations[model.architecture]
        else { return nil }
        return OpenCLIPConfiguration(
            json: Array(#"{"model_cfg":{\#(fields)},"preprocess_cfg":{}}"#.utf8),
            path: "open_clip's \(model.architecture)", architecture: model.architecture)
    }

    /// By architecture, the fields of open_clip's model_configs (2026-06) that change embeddings.
    private static let otherConfigurations = [
        "coca_ViT-B-32": #"""
        "embed_dim":512,"vision_cfg":{"image_size":224,"layers":12,"width":768,"patch_size":32,"attentional_pool":true,
        "attn_pooler_heads":8},"text_cfg":{"context_length":76,"vocab_size":49408,"width":512,"heads":8,"layers":12,
        "embed_cls":true},"multimodal_cfg":{}
        """#,
        "coca_ViT-L-14": #"""
        "embed_dim":768,"vision_cfg":{"image_size":224,"layers":24,"width":1024,"patch_size":14,"attentional_pool":true,
        "attn_pooler_heads":8},"text_cfg":{"context_length":76,"vocab_size":49408,"width":768,"heads":12,"layers":12,
        "embed_cls":true},"multimodal_cfg":{}
        """#,
        "roberta-ViT-B-32": #"""
        "embed_dim":512,"quick_gelu":true,"vision_cfg":{"image_size":224,"layers":12,"width":768,"patch_size":32},
        "text_cfg":{"hf_model_name":"roberta-base","hf_tokenizer_name":"roberta-base","hf_pooler_type":"mean_pooler"}
        """#,
        "xlm-roberta-base-ViT-B-32": #"""
        "embed_dim":512,"vision_cfg":{"image_size":224,"layers":12,"width":768,"patch_size":32},"text_cfg":{
        "hf_model_name":"xlm-roberta-base","hf_tokenizer_name":"xlm-roberta-base","hf_pooler_type":"mean_pooler"}
        """#,
        "xlm-roberta-large-ViT-H-14": #"""
        "embed_dim":1024,"vision_cfg":{"image_size":224,"layers":32,"width":1280,"head_width":80,"patch_size":14},
        "text_cfg":{"hf_model_name":"xlm-roberta-large","hf_tokenizer_name":"xlm-roberta-large",
        "hf_pooler_type":"mean_pooler"}
        """#,
    ]
}

/// What open_clip's configurations of ViTamin differ in.
private struct ViTaminRow {
    let tower: String
    let imageSize: Int
    /// Of embeddings, and the width of the text encoder.
    let width: Int
    let heads: Int
    let layers: Int

    var fields: String {
        #"""
        "embed_dim":\#(width),"vision_cfg":{"timm_model_name":"\#(tower)","timm_pool":"","timm_proj":"linear",
        "image_size":\#(imageSize)},"text_cfg":{"context_length":77,"vocab_size":49408,"width":\#(width),
        "heads":\#(heads),"layers":\#(layers)}
        """#
    }

    /// By architecture: the tower's name, the pictures' side, width, heads and layers.
    static let all: [String: ViTaminRow] = {
        let rows = """
            ViTamin-S vitamin_small_224 224 384 6 12
            ViTamin-S-LTT vitamin_small_224 224 768 12 12
            ViTamin-B vitamin_base_224 224 512 8 12
            ViTamin-B-LTT vitamin_base_224 224 768 12 12
            ViTamin-L vitamin_large_224 224 768 12 12
            ViTamin-L-256 vitamin_large_256 256 768 12 12
            ViTamin-L-336 vitamin_large_336 336 768 12 12
            ViTamin-L-384 vitamin_large_384 384 768 12 12
            ViTamin-L2 vitamin_large2_224 224 1024 16 24
            ViTamin-L2-256 vitamin_large2_256 256 1024 16 24
            ViTamin-L2-336 vitamin_large2_336 336 1024 16 24
            ViTamin-L2-384 vitamin_large2_384 384 1024 16 24
            ViTamin-XL-256 vitamin_xlarge_256 256 1152 16 27
            ViTamin-XL-336 vitamin_xlarge_336 336 1152 16 27
            ViTamin-XL-384 vitamin_xlarge_384 256 1152 16 27
            """
        return Dictionary(
            uniqueKeysWithValues: rows.split(separator: "\n").map { row in
                let words = row.split(separator: " ").map(String.init)
                let numbers = words.dropFirst(2).compactMap { Int($0) }
                return (
                    words[0],
                    ViTaminRow(
                        tower: words[1], imageSize: numbers[0], width: numbers[1], heads: numbers[2],
                        layers: numbers[3])
                )
            })
    }()
}
