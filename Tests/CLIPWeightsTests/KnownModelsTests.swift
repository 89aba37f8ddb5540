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
        // open_clip's table marks these, and no others, of the models here.
        let quick = KnownModels.all.filter(\.isQuickGELU).map(\.name)
        #expect(quick.count == 27)
        #expect(quick.contains("ViT-B-32:laion400m_e32") && !quick.contains("ViT-B-16:laion400m_e32"))
        #expect(quick.contains("ViT-L-14:dfn2b") && !quick.contains("ViT-L-14:dfn2b_s39b"))
        #expect(quick.contains("ViT-H-14:metaclip_fullcc") && !quick.contains("ViT-H-14:metaclip_altogether"))
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
        #expect(Int(repository("siglip2")) == 15 && Int(repository("ViT-H-14")) == 11)
        #expect(
            KnownModels.question(KnownModels.all).contains("say which: ViT-B-32:openai (openai/clip-vit-base-patch32)"))
        #expect(repository("clap-htsat").contains("hears sounds"))
        for text in ["", "a", "---", "org/name", "bert-base-uncased", "ViT-B-32:nothing", "é"] {
            #expect(repository(text) == "none", "\(text)")
        }
    }
}
