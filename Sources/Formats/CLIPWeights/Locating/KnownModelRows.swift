/// The names that open_clip and OpenAI gave to pretrained models, and the repository on the hub that has each.
///
/// One row a model: architecture, tag, repository, and `quick` where it was trained with quick-GELU. Facts from open_clip's
/// table of pretrained models (2026-06); OpenAI's and SigLIP's weights are taken from the repositories of their makers,
/// in Hugging Face's layout. Models that open_clip doesn't have follow, called as their repository, with `-` for a tag.
let knownModelRows = """
    ViT-B-32 openai openai/clip-vit-base-patch32 quick
    ViT-B-32 laion400m_e31 timm/vit_base_patch32_clip_224.laion400m_e31 quick
    ViT-B-32 laion400m_e32 timm/vit_base_patch32_clip_224.laion400m_e32 quick
    ViT-B-32 laion2b_e16 timm/vit_base_patch32_clip_224.laion2b_e16
    ViT-B-32 laion2b_s34b_b79k laion/CLIP-ViT-B-32-laion2B-s34B-b79K
    ViT-B-32 datacomp_xl_s13b_b90k laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K
    ViT-B-32 datacomp_m_s128m_b4k laion/CLIP-ViT-B-32-DataComp.M-s128M-b4K
    ViT-B-32 commonpool_m_clip_s128m_b4k laion/CLIP-ViT-B-32-CommonPool.M.clip-s128M-b4K
    ViT-B-32 commonpool_m_laion_s128m_b4k laion/CLIP-ViT-B-32-CommonPool.M.laion-s128M-b4K
    ViT-B-32 commonpool_m_image_s128m_b4k laion/CLIP-ViT-B-32-CommonPool.M.image-s128M-b4K
    ViT-B-32 commonpool_m_text_s128m_b4k laion/CLIP-ViT-B-32-CommonPool.M.text-s128M-b4K
    ViT-B-32 commonpool_m_basic_s128m_b4k laion/CLIP-ViT-B-32-CommonPool.M.basic-s128M-b4K
    ViT-B-32 commonpool_m_s128m_b4k laion/CLIP-ViT-B-32-CommonPool.M-s128M-b4K
    ViT-B-32 datacomp_s_s13m_b4k laion/CLIP-ViT-B-32-DataComp.S-s13M-b4K
    ViT-B-32 commonpool_s_clip_s13m_b4k laion/CLIP-ViT-B-32-CommonPool.S.clip-s13M-b4K
    ViT-B-32 commonpool_s_laion_s13m_b4k laion/CLIP-ViT-B-32-CommonPool.S.laion-s13M-b4K
    ViT-B-32 commonpool_s_image_s13m_b4k laion/CLIP-ViT-B-32-CommonPool.S.image-s13M-b4K
    ViT-B-32 commonpool_s_text_s13m_b4k laion/CLIP-ViT-B-32-CommonPool.S.text-s13M-b4K
    ViT-B-32 commonpool_s_basic_s13m_b4k laion/CLIP-ViT-B-32-CommonPool.S.basic-s13M-b4K
    ViT-B-32 commonpool_s_s13m_b4k laion/CLIP-ViT-B-32-CommonPool.S-s13M-b4K
    ViT-B-32 metaclip_400m timm/vit_base_patch32_clip_224.metaclip_400m quick
    ViT-B-32 metaclip_fullcc timm/vit_base_patch32_clip_224.metaclip_2pt5b quick
    ViT-B-32-256 datacomp_s34b_b86k laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K
    ViT-B-16 openai openai/clip-vit-base-patch16 quick
    ViT-B-16 laion400m_e31 timm/vit_base_patch16_clip_224.laion400m_e31
    ViT-B-16 laion400m_e32 timm/vit_base_patch16_clip_224.laion400m_e32
    ViT-B-16 laion2b_s34b_b88k laion/CLIP-ViT-B-16-laion2B-s34B-b88K
    ViT-B-16 datacomp_xl_s13b_b90k laion/CLIP-ViT-B-16-DataComp.XL-s13B-b90K
    ViT-B-16 datacomp_l_s1b_b8k laion/CLIP-ViT-B-16-DataComp.L-s1B-b8K
    ViT-B-16 commonpool_l_clip_s1b_b8k laion/CLIP-ViT-B-16-CommonPool.L.clip-s1B-b8K
    ViT-B-16 commonpool_l_laion_s1b_b8k laion/CLIP-ViT-B-16-CommonPool.L.laion-s1B-b8K
    ViT-B-16 commonpool_l_image_s1b_b8k laion/CLIP-ViT-B-16-CommonPool.L.image-s1B-b8K
    ViT-B-16 commonpool_l_text_s1b_b8k laion/CLIP-ViT-B-16-CommonPool.L.text-s1B-b8K
    ViT-B-16 commonpool_l_basic_s1b_b8k laion/CLIP-ViT-B-16-CommonPool.L.basic-s1B-b8K
    ViT-B-16 commonpool_l_s1b_b8k laion/CLIP-ViT-B-16-CommonPool.L-s1B-b8K
    ViT-B-16 dfn2b apple/DFN2B-CLIP-ViT-B-16 quick
    ViT-B-16 metaclip_400m timm/vit_base_patch16_clip_224.metaclip_400m quick
    ViT-B-16 metaclip_fullcc timm/vit_base_patch16_clip_224.metaclip_2pt5b quick
    ViT-B-16-plus-240 laion400m_e31 timm/vit_base_patch16_plus_clip_240.laion400m_e31
    ViT-B-16-plus-240 laion400m_e32 timm/vit_base_patch16_plus_clip_240.laion400m_e31
    ViT-L-14 openai openai/clip-vit-large-patch14 quick
    ViT-L-14 laion400m_e31 timm/vit_large_patch14_clip_224.laion400m_e31
    ViT-L-14 laion400m_e32 timm/vit_large_patch14_clip_224.laion400m_e32
    ViT-L-14 laion2b_s32b_b82k laion/CLIP-ViT-L-14-laion2B-s32B-b82K
    ViT-L-14 datacomp_xl_s13b_b90k laion/CLIP-ViT-L-14-DataComp.XL-s13B-b90K
    ViT-L-14 commonpool_xl_clip_s13b_b90k laion/CLIP-ViT-L-14-CommonPool.XL.clip-s13B-b90K
    ViT-L-14 commonpool_xl_laion_s13b_b90k laion/CLIP-ViT-L-14-CommonPool.XL.laion-s13B-b90K
    ViT-L-14 commonpool_xl_s13b_b90k laion/CLIP-ViT-L-14-CommonPool.XL-s13B-b90K
    ViT-L-14 metaclip_400m timm/vit_large_patch14_clip_224.metaclip_400m quick
    ViT-L-14 metaclip_fullcc timm/vit_large_patch14_clip_224.metaclip_2pt5b quick
    ViT-L-14 dfn2b apple/DFN2B-CLIP-ViT-L-14 quick
    ViT-L-14 dfn2b_s39b apple/DFN2B-CLIP-ViT-L-14-39B
    ViT-L-14-336 openai openai/clip-vit-large-patch14-336 quick
    ViT-H-14 laion2b_s32b_b79k laion/CLIP-ViT-H-14-laion2B-s32B-b79K
    ViT-H-14 metaclip_fullcc timm/vit_huge_patch14_clip_224.metaclip_2pt5b quick
    ViT-H-14 metaclip_altogether timm/vit_huge_patch14_clip_224.metaclip_altogether
    ViT-H-14 dfn5b apple/DFN5B-CLIP-ViT-H-14 quick
    ViT-H-14-378 dfn5b apple/DFN5B-CLIP-ViT-H-14-378 quick
    ViT-g-14 laion2b_s12b_b42k laion/CLIP-ViT-g-14-laion2B-s12B-b42K
    ViT-g-14 laion2b_s34b_b88k laion/CLIP-ViT-g-14-laion2B-s34B-b88K
    ViT-bigG-14 laion2b_s39b_b160k laion/CLIP-ViT-bigG-14-laion2B-39B-b160k
    ViT-bigG-14 metaclip_fullcc timm/vit_gigantic_patch14_clip_224.metaclip_2pt5b quick
    ViT-B-16-SigLIP webli google/siglip-base-patch16-224
    ViT-B-16-SigLIP-256 webli google/siglip-base-patch16-256
    ViT-B-16-SigLIP-i18n-256 webli google/siglip-base-patch16-256-multilingual
    ViT-B-16-SigLIP-384 webli google/siglip-base-patch16-384
    ViT-B-16-SigLIP-512 webli google/siglip-base-patch16-512
    ViT-L-16-SigLIP-256 webli google/siglip-large-patch16-256
    ViT-L-16-SigLIP-384 webli google/siglip-large-patch16-384
    ViT-SO400M-14-SigLIP webli google/siglip-so400m-patch14-224
    ViT-SO400M-16-SigLIP-i18n-256 webli google/siglip-so400m-patch16-256-i18n
    ViT-SO400M-14-SigLIP-384 webli google/siglip-so400m-patch14-384
    ViT-SO400M-14-SigLIP-378 webli timm/ViT-SO400M-14-SigLIP-384
    ViT-B-32-SigLIP2-256 webli google/siglip2-base-patch32-256
    ViT-B-16-SigLIP2 webli google/siglip2-base-patch16-224
    ViT-B-16-SigLIP2-256 webli google/siglip2-base-patch16-256
    ViT-B-16-SigLIP2-384 webli google/siglip2-base-patch16-384
    ViT-B-16-SigLIP2-512 webli google/siglip2-base-patch16-512
    ViT-L-16-SigLIP2-256 webli google/siglip2-large-patch16-256
    ViT-L-16-SigLIP2-384 webli google/siglip2-large-patch16-384
    ViT-L-16-SigLIP2-512 webli google/siglip2-large-patch16-512
    ViT-SO400M-14-SigLIP2 webli google/siglip2-so400m-patch14-224
    ViT-SO400M-14-SigLIP2-378 webli google/siglip2-so400m-patch14-384
    ViT-SO400M-16-SigLIP2-256 webli google/siglip2-so400m-patch16-256
    ViT-SO400M-16-SigLIP2-384 webli google/siglip2-so400m-patch16-384
    ViT-SO400M-16-SigLIP2-512 webli google/siglip2-so400m-patch16-512
    ViT-gopt-16-SigLIP2-256 webli google/siglip2-giant-opt-patch16-256
    ViT-gopt-16-SigLIP2-384 webli google/siglip2-giant-opt-patch16-384
    ViT-L-14-CLIPA datacomp1b UCSC-VLAA/ViT-L-14-CLIPA-datacomp1B
    ViT-L-14-CLIPA-336 datacomp1b UCSC-VLAA/ViT-L-14-CLIPA-336-datacomp1B
    ViT-H-14-CLIPA datacomp1b UCSC-VLAA/ViT-H-14-CLIPA-datacomp1B
    ViT-H-14-CLIPA-336 laion2b UCSC-VLAA/ViT-H-14-CLIPA-336-laion2B
    ViT-H-14-CLIPA-336 datacomp1b UCSC-VLAA/ViT-H-14-CLIPA-336-datacomp1B
    ViT-bigG-14-CLIPA datacomp1b UCSC-VLAA/ViT-bigG-14-CLIPA-datacomp1B
    ViT-bigG-14-CLIPA-336 datacomp1b UCSC-VLAA/ViT-bigG-14-CLIPA-336-datacomp1B
    roberta-ViT-B-32 laion2b_s12b_b32k laion/CLIP-ViT-B-32-roberta-base-laion2B-s12B-b32k
    xlm-roberta-base-ViT-B-32 laion5b_s13b_b90k laion/CLIP-ViT-B-32-xlm-roberta-base-laion5B-s13B-b90k
    xlm-roberta-large-ViT-H-14 frozen_laion5b_s13b_b90k laion/CLIP-ViT-H-14-frozen-xlm-roberta-large-laion5B-s13B-b90k
    EVA01-g-14 laion400m_s11b_b41k timm/eva_giant_patch14_clip_224.laion400m_s11b_b41k
    EVA01-g-14-plus merged2b_s11b_b114k timm/eva_giant_patch14_plus_clip_224.merged2b_s11b_b114k
    EVA02-B-16 merged2b_s8b_b131k timm/eva02_base_patch16_clip_224.merged2b_s8b_b131k
    EVA02-L-14 merged2b_s4b_b131k timm/eva02_large_patch14_clip_224.merged2b_s4b_b131k
    EVA02-L-14-336 merged2b_s6b_b61k timm/eva02_large_patch14_clip_336.merged2b_s6b_b61k
    EVA02-E-14 laion2b_s4b_b115k timm/eva02_enormous_patch14_clip_224.laion2b_s4b_b115k
    EVA02-E-14-plus laion2b_s9b_b144k timm/eva02_enormous_patch14_plus_clip_224.laion2b_s9b_b144k
    MobileCLIP-B datacompdr apple/MobileCLIP-B-OpenCLIP
    MobileCLIP-B datacompdr_lt apple/MobileCLIP-B-LT-OpenCLIP
    MobileCLIP2-B dfndr2b timm/MobileCLIP2-B-OpenCLIP
    MobileCLIP2-L-14 dfndr2b timm/MobileCLIP2-L-14-OpenCLIP
    PE-Core-T-16-384 meta timm/PE-Core-T-16-384
    PE-Core-S-16-384 meta timm/PE-Core-S-16-384
    PE-Core-B-16 meta timm/PE-Core-B-16
    PE-Core-L-14-336 meta timm/PE-Core-L-14-336
    PE-Core-bigG-14-448 meta timm/PE-Core-bigG-14-448
    ViT-H-14-worldwide metaclip2_worldwide timm/vit_huge_patch14_clip_224.metaclip2_worldwide quick
    ViT-H-14-worldwide-378 metaclip2_worldwide timm/vit_huge_patch14_clip_378.metaclip2_worldwide
    ViT-bigG-14-worldwide metaclip2_worldwide timm/vit_gigantic_patch14_clip_224.metaclip2_worldwide
    ViT-bigG-14-worldwide-378 metaclip2_worldwide timm/vit_gigantic_patch14_clip_378.metaclip2_worldwide
    RN50 openai timm/resnet50_clip.openai quick
    RN50 yfcc15m timm/resnet50_clip.yfcc15m quick
    RN50 cc12m timm/resnet50_clip.cc12m quick
    RN101 openai timm/resnet101_clip.openai quick
    RN101 yfcc15m timm/resnet101_clip.yfcc15m quick
    RN50x4 openai timm/resnet50x4_clip.openai quick
    RN50x16 openai timm/resnet50x16_clip.openai quick
    RN50x64 openai timm/resnet50x64_clip.openai quick
    convnext_base laion400m_s13b_b51k laion/CLIP-convnext_base-laion400M-s13B-b51K
    convnext_base_w laion2b_s13b_b82k laion/CLIP-convnext_base_w-laion2B-s13B-b82K
    convnext_base_w laion2b_s13b_b82k_augreg laion/CLIP-convnext_base_w-laion2B-s13B-b82K-augreg
    convnext_base_w laion_aesthetic_s13b_b82k laion/CLIP-convnext_base_w-laion_aesthetic-s13B-b82K
    convnext_base_w_320 laion_aesthetic_s13b_b82k laion/CLIP-convnext_base_w_320-laion_aesthetic-s13B-b82K
    convnext_base_w_320 laion_aesthetic_s13b_b82k_augreg laion/CLIP-convnext_base_w_320-laion_aesthetic-s13B-b82K-augreg
    convnext_large_d laion2b_s26b_b102k_augreg laion/CLIP-convnext_large_d.laion2B-s26B-b102K-augreg
    convnext_large_d_320 laion2b_s29b_b131k_ft laion/CLIP-convnext_large_d_320.laion2B-s29B-b131K-ft
    convnext_large_d_320 laion2b_s29b_b131k_ft_soup laion/CLIP-convnext_large_d_320.laion2B-s29B-b131K-ft-soup
    convnext_xxlarge laion2b_s34b_b82k_augreg laion/CLIP-convnext_xxlarge-laion2B-s34B-b82K-augreg
    convnext_xxlarge laion2b_s34b_b82k_augreg_rewind laion/CLIP-convnext_xxlarge-laion2B-s34B-b82K-augreg-rewind
    convnext_xxlarge laion2b_s34b_b82k_augreg_soup laion/CLIP-convnext_xxlarge-laion2B-s34B-b82K-augreg-soup
    MobileCLIP-S1 datacompdr apple/MobileCLIP-S1-OpenCLIP
    MobileCLIP-S2 datacompdr apple/MobileCLIP-S2-OpenCLIP
    MobileCLIP2-S0 dfndr2b timm/MobileCLIP2-S0-OpenCLIP
    MobileCLIP2-S2 dfndr2b timm/MobileCLIP2-S2-OpenCLIP
    MobileCLIP2-S3 dfndr2b timm/MobileCLIP2-S3-OpenCLIP
    MobileCLIP2-S4 dfndr2b timm/MobileCLIP2-S4-OpenCLIP
    coca_ViT-B-32 laion2b_s13b_b90k laion/CoCa-ViT-B-32-laion2B-s13B-b90k
    coca_ViT-B-32 mscoco_finetuned_laion2b_s13b_b90k laion/mscoco_finetuned_CoCa-ViT-B-32-laion2B-s13B-b90k
    coca_ViT-L-14 laion2b_s13b_b90k laion/CoCa-ViT-L-14-laion2B-s13B-b90k
    coca_ViT-L-14 mscoco_finetuned_laion2b_s13b_b90k laion/mscoco_finetuned_CoCa-ViT-L-14-laion2B-s13B-b90k
    ViTamin-S datacomp1b jienengchen/ViTamin-S
    ViTamin-S-LTT datacomp1b jienengchen/ViTamin-S-LTT
    ViTamin-B datacomp1b jienengchen/ViTamin-B
    ViTamin-B-LTT datacomp1b jienengchen/ViTamin-B-LTT
    ViTamin-L datacomp1b jienengchen/ViTamin-L-224px
    ViTamin-L-256 datacomp1b jienengchen/ViTamin-L-256px
    ViTamin-L-336 datacomp1b jienengchen/ViTamin-L-336px
    ViTamin-L-384 datacomp1b jienengchen/ViTamin-L-384px
    ViTamin-L2 datacomp1b jienengchen/ViTamin-L2-224px
    ViTamin-L2-256 datacomp1b jienengchen/ViTamin-L2-256px
    ViTamin-L2-336 datacomp1b jienengchen/ViTamin-L2-336px
    ViTamin-L2-384 datacomp1b jienengchen/ViTamin-L2-384px
    ViTamin-XL-256 datacomp1b jienengchen/ViTamin-XL-256px
    ViTamin-XL-336 datacomp1b jienengchen/ViTamin-XL-336px
    ViTamin-XL-384 datacomp1b jienengchen/ViTamin-XL-384px
    nllb-clip-base v1 visheratin/nllb-clip-base-oc
    nllb-clip-large v1 visheratin/nllb-clip-large-oc
    nllb-clip-base-siglip v1 visheratin/nllb-clip-base-siglip
    nllb-clip-base-siglip mrl visheratin/nllb-siglip-mrl-base
    nllb-clip-large-siglip v1 visheratin/nllb-clip-large-siglip
    nllb-clip-large-siglip mrl visheratin/nllb-siglip-mrl-large
    clip-ViT-B-32 - sentence-transformers/clip-ViT-B-32 quick
    clip-ViT-B-16 - sentence-transformers/clip-ViT-B-16 quick
    clip-ViT-L-14 - sentence-transformers/clip-ViT-L-14 quick
    clip-ViT-B-32-multilingual-v1 - sentence-transformers/clip-ViT-B-32-multilingual-v1
    XLM-Roberta-Large-Vit-B-32 - M-CLIP/XLM-Roberta-Large-Vit-B-32
    XLM-Roberta-Large-Vit-B-16Plus - M-CLIP/XLM-Roberta-Large-Vit-B-16Plus
    XLM-Roberta-Large-Vit-L-14 - M-CLIP/XLM-Roberta-Large-Vit-L-14
    LABSE-Vit-L-14 - M-CLIP/LABSE-Vit-L-14
    chinese-clip-vit-base-patch16 - OFA-Sys/chinese-clip-vit-base-patch16 quick
    chinese-clip-vit-large-patch14 - OFA-Sys/chinese-clip-vit-large-patch14 quick
    chinese-clip-vit-large-patch14-336px - OFA-Sys/chinese-clip-vit-large-patch14-336px quick
    chinese-clip-vit-huge-patch14 - OFA-Sys/chinese-clip-vit-huge-patch14 quick
    AltCLIP - BAAI/AltCLIP quick
    AltCLIP-m9 - BAAI/AltCLIP-m9 quick
    AltCLIP-m18 - BAAI/AltCLIP-m18
    metaclip-2-worldwide-s16 - facebook/metaclip-2-worldwide-s16
    metaclip-2-worldwide-m16 - facebook/metaclip-2-worldwide-m16
    metaclip-2-worldwide-b16 - facebook/metaclip-2-worldwide-b16
    metaclip-2-worldwide-b32 - facebook/metaclip-2-worldwide-b32
    metaclip-2-worldwide-s16-384 - facebook/metaclip-2-worldwide-s16-384
    metaclip-2-worldwide-m16-384 - facebook/metaclip-2-worldwide-m16-384
    metaclip-2-worldwide-b16-384 - facebook/metaclip-2-worldwide-b16-384
    metaclip-2-worldwide-b32-384 - facebook/metaclip-2-worldwide-b32-384
    metaclip-2-worldwide-l14 - facebook/metaclip-2-worldwide-l14
    metaclip-2-worldwide-huge-quickgelu - facebook/metaclip-2-worldwide-huge-quickgelu quick
    metaclip-2-worldwide-huge-378 - facebook/metaclip-2-worldwide-huge-378
    metaclip-2-worldwide-giant - facebook/metaclip-2-worldwide-giant
    metaclip-2-worldwide-giant-378 - facebook/metaclip-2-worldwide-giant-378
    metaclip-2-mt5-worldwide-s16 - facebook/metaclip-2-mt5-worldwide-s16
    metaclip-2-mt5-worldwide-m16 - facebook/metaclip-2-mt5-worldwide-m16
    metaclip-2-mt5-worldwide-b32 - facebook/metaclip-2-mt5-worldwide-b32
    siglip2-base-patch16-naflex - google/siglip2-base-patch16-naflex
    siglip2-so400m-patch16-naflex - google/siglip2-so400m-patch16-naflex
    jina-clip-v1 - jinaai/jina-clip-v1
    jina-clip-v2 - jinaai/jina-clip-v2
    """
