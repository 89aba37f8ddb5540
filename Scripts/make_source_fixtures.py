#!/usr/bin/env python3
"""Makes the models of other programs' formats in Tests/CLIPTests/Fixtures/sources, with golden values.

  Scripts/.venv/bin/python Scripts/make_source_fixtures.py
"""

from pathlib import Path

import json

import torch
from family_models import float_list, golden, gguf_row, make_model, openai_row, rounded, write_json, write_open_clip

ROOT = Path(__file__).resolve().parent.parent / "Tests" / "CLIPTests" / "Fixtures"
TINY = {
    "embed_dim": 24,
    "quick_gelu": True,
    "vision_cfg": {"layers": 2, "width": 64, "patch_size": 16, "image_size": 48},
    "text_cfg": {"context_length": 9, "vocab_size": 120, "width": 64, "heads": 1, "layers": 1},
}


VARIANT = {
    "embed_dim": 24,
    "vision_cfg": {
        "layers": 2, "width": 64, "head_width": 16, "patch_size": 16, "image_size": 48, "mlp_ratio": 2.5, "pool_type": "avg",
        "ls_init_value": 0.1, "no_ln_pre": True, "final_ln_after_pool": True, "norm_kwargs": {"eps": 1e-3},
    },
    "text_cfg": {
        "context_length": 9, "vocab_size": 120, "width": 64, "heads": 2, "layers": 2, "pool_type": "last",
        "no_causal_mask": True, "proj_bias": True, "ls_init_value": 0.1, "act_kwargs": {"approximate": "tanh"},
    },
}  # fmt: skip


def open_clip_variant(folder, pictures):
    """Everything that open_clip's configuration may change, with texts as token ids."""
    model = make_model(VARIANT, 34, custom_text=True)
    write_open_clip(folder, VARIANT, model, dtype=torch.float16)
    model = rounded(model, torch.float16)
    golden(folder, model, pictures)
    values = json.loads((folder / "golden.json").read_text())
    for tokens in ([5], [7, 8, 9], [3, 1, 4, 1, 5, 9, 2, 6, 5]):
        padded = torch.tensor([tokens + [0] * (9 - len(tokens))])
        with torch.inference_mode():
            values["texts"].append({"text": "", "tokens": tokens, "embedding": float_list(model.encode_text(padded))})
    write_json(folder / "golden.json", values)


def main():
    pictures = sorted((ROOT / "pictures").glob("*.png"))
    openai_row(ROOT / "sources" / "openai-script", pictures, TINY, 31, "TorchScript", texts=False)
    openai_row(ROOT / "sources" / "openai-state", pictures, TINY, 32, "state dict", texts=False)
    open_clip_variant(ROOT / "sources" / "openclip-variant", pictures)
    shape = {"vision": (64, 2, 4), "text": (64, 1, 4), "side": 32, "patch": 16, "projection": 24, "activation": "gelu"}
    for kind in ("q4_0", "q8_0"):
        gguf_row(ROOT / "sources" / f"gguf-{kind}", pictures, 33, kind, texts=False, **shape)


main()
