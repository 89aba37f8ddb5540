#!/usr/bin/env python3
"""Makes a CLIP of real size with seeded random weights: a Hugging Face folder with CLIP's tokenizer and golden values.

  Scripts/.venv/bin/python Scripts/make_seeded_model.py --shape B/32 --out DIR [--layers N] [--dtype f16] [PICTURE…]

The folder also gets `pictures/`, what golden.json is about: PICTURE…, else the test pictures of this repository.
Written for Scripts/check_reference.py and Scripts/bench_peers.py; keep DIR outside the repository (B/32 is 605 MB).
"""

import argparse
from pathlib import Path

import torch
from seeded_clip import clip_merges, copy_pictures, write_golden, write_model
from transformers import CLIPConfig

PICTURES = Path(__file__).resolve().parent.parent / "Tests" / "CLIPTests" / "Fixtures" / "pictures"

# image side, patch, (width, layers, heads) of the image and of the text tower, projection, activation
SHAPES = {
    "B/32": (224, 32, (768, 12, 12), (512, 12, 8), 512, "quick_gelu"),
    "B/16": (224, 16, (768, 12, 12), (512, 12, 8), 512, "quick_gelu"),
    "L/14": (224, 14, (1024, 24, 16), (768, 12, 12), 768, "quick_gelu"),
    "L/14@336": (336, 14, (1024, 24, 16), (768, 12, 12), 768, "quick_gelu"),
    "H/14": (224, 14, (1280, 32, 16), (1024, 24, 16), 1024, "gelu"),
}


def tower(width, layers, heads, limit):
    return {
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "num_hidden_layers": min(layers, limit or layers),
        "num_attention_heads": heads,
    }


def configuration(shape, layers):
    side, patch, vision, text, projection, activation = SHAPES[shape]
    tokens = {"vocab_size": 49408, "bos_token_id": 49406, "eos_token_id": 49407, "pad_token_id": 1}
    return CLIPConfig(
        text_config={
            **tokens,
            **tower(*text, layers),
            "max_position_embeddings": 77,
            "hidden_act": activation,
            "projection_dim": projection,
        },
        vision_config={
            **tower(*vision, layers),
            "image_size": side,
            "patch_size": patch,
            "hidden_act": activation,
            "projection_dim": projection,
        },
        projection_dim=projection,
        logit_scale_init_value=4.6052,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--layers", type=int, help="at most so many layers in each tower")
    parser.add_argument("--dtype", choices=("f32", "f16"), default="f32")
    parser.add_argument("--seed", type=int, default=21)
    parser.add_argument("pictures", type=Path, nargs="*")
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    dtype = {"f32": torch.float32, "f16": torch.float16}[arguments.dtype]
    config = configuration(arguments.shape, arguments.layers)
    write_model(arguments.out, config, clip_merges(), arguments.seed, dtype)
    pictures = sorted(arguments.pictures or PICTURES.glob("*.png"))
    copy_pictures(pictures, arguments.out / "pictures")
    write_golden(arguments.out, pictures)
    size = sum(file.stat().st_size for file in arguments.out.rglob("*") if file.is_file())
    print(f"{arguments.out}: {arguments.shape}, {arguments.dtype}, {size / 1e6:.0f} MB")


main()
