#!/usr/bin/env python3
"""Makes the tiny models, pictures and golden values in Tests/CLIPTests/Fixtures.

  Scripts/setup_venv.sh
  Scripts/.venv/bin/python Scripts/make_fixture_models.py [--out DIR]
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from seeded_clip import clip_merges, write_golden, write_model
from transformers import CLIPConfig

FIXTURES = Path(__file__).resolve().parent.parent / "Tests" / "CLIPTests" / "Fixtures"
MERGES = 300
VOCABULARY = 512 + MERGES + 2


def write_pictures(folder):
    """Four lossless pictures: a landscape to shrink, a portrait, a grey one, one far smaller than a model's input."""
    folder.mkdir(parents=True, exist_ok=True)
    y, x = np.mgrid[0:150, 0:200]
    waves = np.stack([127 + 127 * np.sin(x / 9 + y / 31), 255 * (x / 199), 127 + 127 * np.cos(y / 7 - x / 50)], -1)
    Image.fromarray(waves.clip(0, 255).astype(np.uint8)).save(folder / "waves.png")
    random = np.random.default_rng(5)
    blocks = random.integers(0, 256, (9, 6, 3), dtype=np.uint8).repeat(17, 0).repeat(13, 1)
    Image.fromarray(blocks).save(folder / "blocks.png")
    ring = (255 * np.hypot(x - 100, y - 75) / 125).clip(0, 255).astype(np.uint8)
    Image.fromarray(ring).save(folder / "ring_grey.png")
    Image.fromarray(random.integers(0, 256, (5, 3, 3), dtype=np.uint8)).save(folder / "speck.png")
    return sorted(folder.glob("*.png"))


def config(activation, projection, end_token, text, vision):
    tokens = {"vocab_size": VOCABULARY, "bos_token_id": VOCABULARY - 2, "eos_token_id": end_token, "pad_token_id": 1}
    return CLIPConfig(
        text_config={**tokens, "hidden_act": activation, **text},
        vision_config={"hidden_act": activation, **vision},
        projection_dim=projection,
        logit_scale_init_value=3.5,
    )


def shape(width, intermediate, layers, heads, **others):
    sizes = {"hidden_size": width, "intermediate_size": intermediate}
    return {**sizes, "num_hidden_layers": layers, "num_attention_heads": heads, **others}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=FIXTURES)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    pictures = write_pictures(out / "pictures")
    merges = clip_merges()[:MERGES]

    models = {
        # Two heads of 16.
        "quickgelu-f32": (
            config(
                "quick_gelu", 20, VOCABULARY - 1,
                shape(16, 40, 2, 2, max_position_embeddings=24),
                shape(32, 40, 3, 2, image_size=32, patch_size=8),
            ),
            torch.float32, "100GB", 11,
        ),
        # A head of 48, patches of 14, a large eps, a text width that is no multiple of 16, several shards, and the
        # legacy end token 2, which means the place of the largest id.
        "gelu-f16-sharded": (
            config(
                "gelu", 40, 2,
                shape(24, 60, 2, 2, max_position_embeddings=40),
                shape(48, 88, 2, 1, image_size=56, patch_size=14, layer_norm_eps=1e-3),
            ),
            torch.float16, "60KB", 12,
        ),
    }  # fmt: skip
    for name, (configuration, dtype, shard, seed) in models.items():
        folder = out / "models" / name
        write_model(folder, configuration, merges, seed, dtype, shard)
        write_golden(folder, pictures)
        size = sum(file.stat().st_size for file in folder.iterdir())
        print(f"{folder}: {size / 1000:.0f} kB")


main()
