import Testing

@testable import CLIPWeights

@Suite struct KnownModelsTests {
    private func repository(_ text: String) -> String {
        switch KnownModels.search(text) {
        case .model(let model): model.repository
        case .several(let models): "\(models.count)"
        case .unsupported(let reason): reason
        case .none: "none"
        }
    }

    @Test func `Every row is a name and a repository, once`() {
        #expect(KnownModels.all.count > 80)
        #expect(Set(KnownModels.all.map(\.name)).count == KnownModels.all.count)
        for model in KnownModels.all {
            #expect(HubName(model.repository)?.name == model.repository && model.repository.contains("/"))
            #expect(KnownModels.search(model.name) == .model(model))
            #expect(model.millions > 20 && model.millions < 6000, "\(model.name)")
        }
        // open_clip's table marks these, and no others, of its models.
        let quick = KnownModels.all.filter { $0.isQuickGELU && $0.tag != "-" }.map(\.name)
        #expect(quick.count == 27)
        #expect(quick.contains("ViT-B-32:laion400m_e32") && !quick.contains("ViT-B-16:laion400m_e32"))
        #expect(quick.contains("ViT-L-14:dfn2b") && !quick.contains("ViT-L-14:dfn2b_s39b"))
        #expect(quick.contains("ViT-H-14:metaclip_fullcc") && !quick.contains("ViT-H-14:metaclip_altogether"))
    }

    @Test func `What a model costs in size, terms and languages is known`() throws {
        func model(_ name: String) throws -> KnownModel {
            try #require(KnownModels.all.first { $0.name == name })
        }
        let nllb = try model("nllb-clip-base:v1")
        #expect(nllb.license == "cc-by-nc-4.0" && nllb.languages == "201" && nllb.millions == 502)
        #expect(try model("MobileCLIP2-S2:dfndr2b").license == "apple-amlr")
        #expect(try model("ViT-B-16:dfn2b").license == "apple-ascl")
        #expect(try model("ViT-H-14:metaclip_altogether").license == "cc-by-nc-4.0")
        #expect(try model("EVA02-B-16:merged2b_s8b_b131k").license == "mit")
        #expect(try model("ViT-SO400M-14-SigLIP-378:webli").license == "apache-2.0")
        #expect(try model("chinese-clip-vit-base-patch16").license == nil)
        #expect(try model("chinese-clip-vit-base-patch16").languages == "Chinese")
        #expect(try model("metaclip-2-worldwide-b32").languages == "329")
        #expect(try model("metaclip-2-worldwide-giant-378").languages == "329")
        #expect(try model("AltCLIP-m18").languages == "18" && model("AltCLIP-m18").millions == 1195)
        #expect(try model("jina-clip-v2").license == "cc-by-nc-4.0" && model("jina-clip-v1").license == "apache-2.0")
    }

    @Test func `Repositories of weights alone have open_clip's own configuration`() throws {
        let described = KnownModels.all.filter { KnownModels.configuration(of: $0.repository) != nil }
        let ours = ["ViTamin", "coca_", "roberta-", "xlm-roberta-"]
        #expect(
            described.map(\.name) == KnownModels.all.map(\.name).filter { name in ours.contains(where: name.hasPrefix) }
        )
        #expect(described.count == 22 && KnownModels.configuration(of: "org/model") == nil)
    }

    @Test(arguments: [
        ("ViT-B/32", "openai/clip-vit-base-patch32"), ("ViT-B-32", "openai/clip-vit-base-patch32"),
        ("ViT-L/14@336px", "openai/clip-vit-large-patch14-336"), ("openai:ViT-B/16", "openai/clip-vit-base-patch16"),
        ("ViT-B-32-quickgelu:openai", "openai/clip-vit-base-patch32"),
        ("clip-vit-base-patch32", "openai/clip-vit-base-patch32"),
        ("ViT-B-32:laion2b_s34b_b79k", "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"),
        ("vit-b-32 laion2b_s34b_b79k", "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"),
        ("ViT-L-14 laion2b", "laion/CLIP-ViT-L-14-laion2B-s32B-b82K"),
        ("hf-hub:laion/CLIP-ViT-H-14-laion2B-s32B-b79K", "laion/CLIP-ViT-H-14-laion2B-s32B-b79K"),
        ("ViT-B-16-SigLIP", "google/siglip-base-patch16-224"),
        ("ViT-B-16-SigLIP2:webli", "google/siglip2-base-patch16-224"),
        ("siglip-so400m-patch14-384", "google/siglip-so400m-patch14-384"),
        ("coca_ViT-L-14:laion2b_s13b_b90k", "laion/CoCa-ViT-L-14-laion2B-s13B-b90k"),
        ("ViTamin-S", "jienengchen/ViTamin-S"), ("MobileCLIP2-L-14", "timm/MobileCLIP2-L-14-OpenCLIP"),
        ("EVA02-B-16", "timm/eva02_base_patch16_clip_224.merged2b_s8b_b131k"),
        ("ViT-H-14-378-quickgelu:dfn5b", "apple/DFN5B-CLIP-ViT-H-14-378"),
    ])
    func `Names as people write them`(name: String, expected: String) {
        #expect(repository(name) == expected)
    }

    @Test func `What is not one name is a question, a refusal or nothing`() {
        #expect(Int(repository("siglip2")) == 17 && Int(repository("ViT-H-14")) == 11)
        #expect(
            KnownModels.question(KnownModels.all).contains("say which: ViT-B-32:openai (openai/clip-vit-base-patch32)"))
        #expect(repository("clap-htsat").contains("hears sounds"))
        for text in ["", "a", "---", "org/name", "bert-base-uncased", "ViT-B-32:nothing", "é"] {
            #expect(repository(text) == "none", "\(text)")
        }
    }
}
