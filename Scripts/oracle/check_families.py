#!/usr/bin/env python3
"""Makes a seeded model in the files of every family that `clip` loads, and holds `clip` to open_clip or transformers.

  Scripts/.venv/bin/python Scripts/oracle/check_families.py [--clip .build/release/clip] [--layers 3] [ROW…]

Tokens of more than 1,000 texts, preprocessing, image and text embeddings are compared by check_reference.py. Architectures
larger than B keep their widths, heads and resolution but have --layers layers. Without ROW all rows run; `--list` names
them. GGUF rows need the gguf package.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fixtures"))
from family_models import gguf_row, hugging_face_row, open_clip_row, openai_row, resampled_row
from jina_models import jina_row
from sentence_models import sentence_row
from tower_models import clip_like, naflex_row, tower_row, transformers_row

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "Tests" / "CLIPTests" / "Fixtures" / "pictures"
HALF = torch.float16
B32 = {"vision": (768, 12, 12), "text": (512, 12, 8)}
SMALL = {"vision": (768, 3, 12), "text": (512, 3, 8)}
ZERO = {"mean": (0.0,) * 3, "std": (1.0,) * 3, "interpolation": "bilinear"}
LITE = {"mean": (127 / 255,) * 3, "std": (128 / 255,) * 3, "interpolation": "bicubic", "resize_mode": "shortest"}
CLIPA = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225), "interpolation": "bilinear", "resize_mode": "squash"}
SIGLIP = {"mean": (0.5,) * 3, "std": (0.5,) * 3, "interpolation": "bicubic", "resize_mode": "squash"}
VARIANTS = {
    "vision_cfg": {"ls_init_value": 0.1, "pool_type": "avg", "head_width": 32, "norm_kwargs": {"eps": 1e-3}},
    "text_cfg": {"ls_init_value": 0.1, "pool_type": "first", "no_causal_mask": True, "proj_bias": True, "mlp_ratio": 3.7},
}



def lite(variant):
    """An EfficientNet-lite of timm's as open_clip takes it, which has no name there."""
    vision = {"timm_model_name": f"tf_efficientnet_lite{variant}", "timm_model_pretrained": False, "timm_pool": "avg", "timm_proj": "linear"}
    text = {"context_length": 77, "vocab_size": 49408, "width": 256, "heads": 4, "layers": 3}
    return {"embed_dim": 256, "vision_cfg": {**vision, "image_size": 160}, "text_cfg": text}


def rows(layers):
    """Each row's name, and what writes its model and golden values into a folder."""

    def row(make, *arguments, **options):
        return lambda folder, pictures: make(folder, pictures, *arguments, **options)

    def clip(name, seed, **options):
        return row(open_clip_row, name, seed, **options)

    def tower(name, seed, **options):
        return row(tower_row, name, seed, **options)

    def other(kind, seed, tokenizer, preprocessor=None, dtype=torch.float32, **text):
        return row(transformers_row, f"{kind}Model", seed, clip_like(kind, **text), tokenizer, preprocessor, dtype)

    return {
        "MobileCLIP2-L-14": tower("MobileCLIP2-L-14", 30, layers=layers, dtype=HALF),
        "MobileCLIP-B": tower("MobileCLIP-B", 31, layers=layers, preprocess=ZERO),
        "EVA01-g-14": tower("EVA01-g-14", 32, layers=layers, dtype=HALF),
        "EVA02-B-16": tower("EVA02-B-16", 33, layers=layers),
        "EVA02-L-14-336": tower("EVA02-L-14-336", 34, layers=layers, dtype=HALF),
        "PE-Core-B-16": tower("PE-Core-B-16", 35, layers=layers, preprocess=SIGLIP),
        "PE-Core-L-14-336": tower("PE-Core-L-14-336", 36, layers=layers, preprocess=SIGLIP, dtype=HALF),
        "PE-Core-T-16-384": tower("PE-Core-T-16-384", 37, layers=layers, preprocess=SIGLIP),
        "RN50": tower("RN50", 43, layers=layers),
        "RN50x4-quickgelu": tower("RN50x4-quickgelu", 44, layers=layers, dtype=HALF),
        "OpenAI RN50 TorchScript": row(openai_row, "RN50-quickgelu", 45, "TorchScript"),
        "convnext_base_w": tower("convnext_base_w", 46, layers=layers),
        "convnext_large_d": tower("convnext_large_d", 47, layers=layers, dtype=HALF),
        "MobileCLIP2-S0": tower("MobileCLIP2-S0", 48, layers=layers, preprocess=ZERO),
        "MobileCLIP-S2": tower("MobileCLIP-S2", 49, layers=layers, preprocess=ZERO),
        "MobileCLIP2-S3": tower("MobileCLIP2-S3", 50, layers=layers, dtype=HALF),
        "coca_ViT-B-32": tower("coca_ViT-B-32", 55, layers=layers),
        "coca_ViT-L-14": tower("coca_ViT-L-14", 56, layers=layers, dtype=HALF),
        "ViTamin-S": tower("ViTamin-S", 57, layers=layers),
        "ViTamin-B-LTT": tower("ViTamin-B-LTT", 58, layers=layers, dtype=HALF),
        "ViTamin-XL-256": tower("ViTamin-XL-256", 59, layers=layers, dtype=HALF),
        "EfficientNet-lite0": tower(lite(0), 53, preprocess=LITE),
        "EfficientNet-lite2": tower(lite(2), 54, preprocess=LITE, dtype=HALF),
        "xlm-roberta-base-ViT-B-32": tower("xlm-roberta-base-ViT-B-32", 38, layers=layers, tokenizer="xlm-roberta"),
        "nllb-clip-base": tower("nllb-clip-base", 51, layers=layers, tokenizer="nllb"),
        "nllb-clip-base-siglip": tower("nllb-clip-base-siglip", 52, layers=layers, preprocess=SIGLIP, tokenizer="nllb", dtype=HALF),
        "mt5-base-ViT-B-32": tower("mt5-base-ViT-B-32", 65, layers=layers, tokenizer="mt5"),
        "roberta-ViT-B-32": tower("roberta-ViT-B-32", 39, layers=layers, tokenizer="roberta"),
        "MetaCLIP 2": other("MetaClip2", 40, "xlm-roberta", vocab_size=20000, hidden_size=512, eos_token_id=2),
        "Chinese-CLIP": other("ChineseCLIP", 41, "bert", vocab_size=21128, preprocessor={"size": {"height": 224, "width": 224}, "do_center_crop": False, "image_processor_type": "ChineseCLIPImageProcessor"}),
        "AltCLIP": other("AltCLIP", 42, "xlm-roberta", vocab_size=250002, dtype=HALF),
        "SigLIP 2 NaFlex B": row(naflex_row, 63, 768, 12, 3072, layers),
        "SigLIP 2 NaFlex SO400M": row(naflex_row, 64, 1152, 16, 4304, layers, dtype=HALF, most_patches=1024),
        "jina-clip-v1": row(jina_row, 1, 66, layers),
        "jina-clip-v2": row(jina_row, 2, 67, layers, dtype=HALF),
        "clip-ViT-B-32-multilingual-v1": row(sentence_row, "distilbert", 60),
        "sentence-transformers XLM-R": row(sentence_row, "xlm-roberta", 61, dtype=HALF),
        "M-CLIP": row(sentence_row, "M-CLIP", 62),
        "ViT-B-32": clip("ViT-B-32", 1),
        "ViT-B-32-quickgelu": clip("ViT-B-32-quickgelu", 2, dtype=HALF),
        "ViT-B-16 DataComp": clip("ViT-B-16", 3, form="bin"),
        "ViT-L-14 LAION": clip("ViT-L-14", 4, layers=layers, preprocess={"mean": (0.5,) * 3, "std": (0.5,) * 3}),
        "ViT-L-14-336": clip("ViT-L-14-336", 5, layers=layers, dtype=HALF),
        "ViT-H-14": clip("ViT-H-14", 6, layers=layers, form="training checkpoint"),
        "ViT-g-14": clip("ViT-g-14", 7, layers=layers, dtype=HALF),
        "ViT-bigG-14": clip("ViT-bigG-14", 8, layers=layers, dtype=HALF),
        "DFN ViT-H-14-378": clip("ViT-H-14-378-quickgelu", 9, layers=layers, dtype=HALF, form="bin"),
        "CLIPA ViT-L-14": clip("ViT-L-14-CLIPA", 10, layers=layers, preprocess=CLIPA, tokenizer="WordPiece"),
        "CLIPA ViT-H-14-336": clip("ViT-H-14-CLIPA-336", 21, layers=layers, preprocess=CLIPA, tokenizer="WordPiece", dtype=HALF, custom_text=True),
        "open_clip SigLIP ViT-B-16": clip("ViT-B-16-SigLIP", 22, preprocess=SIGLIP, tokenizer="unigram", custom_text=True),
        "open_clip SigLIP 2 ViT-B-32-256": clip("ViT-B-32-SigLIP2-256", 23, preprocess=SIGLIP, tokenizer="Gemma", custom_text=True, dtype=HALF),
        "CustomText, variants": clip("ViT-B-32", 11, layers=layers, custom_text=True, **VARIANTS),
        "ViT-B-16-plus-240": clip("ViT-B-16-plus-240", 12, layers=layers, preprocess={"resize_mode": "longest"}),
        "ViT-B-16 at 256": row(resampled_row, "ViT-B-16", 13, side=256, layers=layers),
        "ViT-B-32 at 128": row(resampled_row, "ViT-B-32", 14, side=128, layers=layers),
        "OpenAI ViT-B-32 TorchScript": row(openai_row, "ViT-B-32-quickgelu", 15, "TorchScript"),
        "OpenAI ViT-L-14-336 state dict": row(openai_row, "ViT-L-14-336-quickgelu", 16, "state dict", layers=layers),
        "MetaCLIP ViT-B-16": row(hugging_face_row, 17, form="bin", dtype=HALF, patch=16, **B32),
        "HF ViT-B-32 in .bin shards": row(hugging_face_row, 18, form="sharded bin", **SMALL),
        **{f"GGUF {kind}": row(gguf_row, 19, kind, **SMALL) for kind in ("f32", "f16", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0")},
        "GGUF gelu": row(gguf_row, 20, "f16", activation="gelu", **SMALL),
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", default=str(ROOT / ".build" / "release" / "clip"))
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--packed", choices=("f32", "f16", "int16", "int8"))
    parser.add_argument("rows", nargs="*", metavar="ROW")
    arguments = parser.parse_args()
    table = rows(arguments.layers)
    if arguments.list:
        print(*table, sep="\n")
        return
    torch.set_num_threads(2)
    failed = []
    for name in arguments.rows or table:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / name.replace(" ", "-").replace(",", "").replace(".", "")
            folder.mkdir()
            table[name](folder, sorted(PICTURES.glob("*.png")))
            single = [*folder.glob("*.pt"), *folder.glob("*.gguf")]
            command = [sys.executable, ROOT / "Scripts" / "oracle" / "check_reference.py", "--clip", arguments.clip]
            command += ["--pictures", PICTURES, "--model", single[0] if single else folder]
            command += ["--packed", arguments.packed] if arguments.packed else []
            result = subprocess.run([*map(str, command), str(folder)], stdout=subprocess.PIPE, text=True)
            print(result.stdout, end="", flush=True)
            failed += [name] if result.returncode else []
    print(f"failed: {', '.join(failed)}" if failed else f"all {len(arguments.rows or table)} rows passed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
