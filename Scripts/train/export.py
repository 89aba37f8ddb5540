#!/usr/bin/env python3
"""Writes a training result as a Hugging Face CLIPModel folder in f16, and checks it against transformers.

export.py CHECKPOINT OUT [--card card.json]
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from model import Towers


def fold(state):
    """The batch norms before the projections, folded into the layer norms that they follow."""
    for norm, centre in (("vision.post", "vision.centre"), ("text.final", "text.centre")):
        scale = (state[f"{centre}.running_var"] + 1e-5) ** -0.5
        state[f"{norm}.weight"] = state[f"{norm}.weight"] * scale
        state[f"{norm}.bias"] = (state[f"{norm}.bias"] - state[f"{centre}.running_mean"]) * scale
    return state


def tower(state, prefix, layers, width):
    """One tower's blocks under transformers' names."""
    out = {}
    for i in range(layers):
        old, new = f"{prefix}.blocks.{i}.", f"{prefix}_model.encoder.layers.{i}."
        for kind in ("weight", "bias"):
            for name, part in zip(("q_proj", "k_proj", "v_proj"), state[f"{old}qkv.{kind}"].split(width)):
                out[f"{new}self_attn.{name}.{kind}"] = part
            for a, b in (
                ("out", "self_attn.out_proj"),
                ("norm1", "layer_norm1"),
                ("norm2", "layer_norm2"),
                ("fc1", "mlp.fc1"),
                ("fc2", "mlp.fc2"),
            ):
                out[f"{new}{b}.{kind}"] = state[f"{old}{a}.{kind}"]
    return out


def export(checkpoint, out, card=None):
    saved = torch.load(checkpoint, weights_only=False, map_location="cpu")
    state, config = fold(dict(saved["average"])), saved["config"]
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    vision, text, patch = config["vision"], config["text"], config["patch_size"]
    tensors = tower(state, "vision", vision["num_hidden_layers"], vision["hidden_size"]) | tower(
        state, "text", text["num_hidden_layers"], text["hidden_size"]
    )
    tensors |= {
        "vision_model.embeddings.class_embedding": state["vision.cls"],
        "vision_model.embeddings.patch_embedding.weight": state["vision.embed.weight"].view(-1, 3, patch, patch),
        "vision_model.embeddings.position_embedding.weight": state["vision.positions"],
        "vision_model.pre_layrnorm.weight": state["vision.pre.weight"],
        "vision_model.pre_layrnorm.bias": state["vision.pre.bias"],
        "vision_model.post_layernorm.weight": state["vision.post.weight"],
        "vision_model.post_layernorm.bias": state["vision.post.bias"],
        "visual_projection.weight": state["vision.project.weight"],
        "text_model.embeddings.token_embedding.weight": state["text.tokens.weight"],
        "text_model.embeddings.position_embedding.weight": state["text.positions"],
        "text_model.final_layer_norm.weight": state["text.final.weight"],
        "text_model.final_layer_norm.bias": state["text.final.bias"],
        "text_projection.weight": state["text.project.weight"],
        "logit_scale": state["scale"],
    }
    save_file(
        {k: v.to(torch.float16).contiguous() for k, v in tensors.items()}, out / "model.safetensors", {"format": "pt"}
    )
    end = config["vocab"] - 1
    common = {"hidden_act": "quick_gelu", "layer_norm_eps": 1e-5, "projection_dim": config["projection_dim"]}
    (out / "config.json").write_text(
        json.dumps(
            {
                "architectures": ["CLIPModel"],
                "model_type": "clip",
                "projection_dim": config["projection_dim"],
                "logit_scale_init_value": 2.6592,
                "torch_dtype": "float16",
                "text_config": {
                    "model_type": "clip_text_model",
                    **text,
                    **common,
                    "vocab_size": config["vocab"],
                    "max_position_embeddings": config["context"],
                    "bos_token_id": end - 1,
                    "eos_token_id": end,
                    "pad_token_id": end,
                },
                "vision_config": {
                    "model_type": "clip_vision_model",
                    **vision,
                    **common,
                    "image_size": config["image_size"],
                    "patch_size": patch,
                    "num_channels": 3,
                },
            },
            indent=2,
        )
        + "\n"
    )
    (out / "preprocessor_config.json").write_text(
        json.dumps(
            {
                "image_processor_type": "CLIPImageProcessor",
                "do_convert_rgb": True,
                "do_resize": True,
                "size": {"shortest_edge": config["image_size"]},
                "resample": 3,
                "do_center_crop": True,
                "crop_size": {"height": config["image_size"], "width": config["image_size"]},
                "do_rescale": True,
                "rescale_factor": 1 / 255,
                "do_normalize": True,
                "image_mean": [0.5, 0.5, 0.5],
                "image_std": [0.5, 0.5, 0.5],
            },
            indent=2,
        )
        + "\n"
    )
    for name in ("vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(Path(checkpoint).parent / "tokenizer" / name, out / name)
    if card:
        shutil.copy(card, out / "model_card.json")
    return check(saved, out)


def check(saved, out):
    """The exported folder through transformers against the training code: the smallest cosine of random pictures and some labels."""
    sys.path.append(str(Path(__file__).parent.parent))
    import torchvision_cpu  # noqa: F401
    from transformers import CLIPModel, CLIPTokenizer

    mine = Towers(saved["config"], len(saved["average"]["prototypes"])).eval()
    mine.load_state_dict(saved["average"])
    theirs = CLIPModel.from_pretrained(out, torch_dtype=torch.float32).eval()
    tokenizer = CLIPTokenizer.from_pretrained(out)
    side, worst = saved["config"]["image_size"], 1.0
    with torch.no_grad():
        pixels = torch.randn(4, 3, side, side)
        features = theirs.get_image_features(pixel_values=pixels)
        features = getattr(features, "pooler_output", features)
        worst = min(worst, torch.cosine_similarity(mine.vision(pixels), features).min().item())
        for label in ("dog", "a photo of a red house", "naïve café 42"):
            ids = tokenizer(label, truncation=True, max_length=saved["config"]["context"], return_tensors="pt")
            features = theirs.get_text_features(**ids)
            features = getattr(features, "pooler_output", features)
            length = torch.tensor([ids["input_ids"].shape[1]])
            worst = min(worst, torch.cosine_similarity(mine.text(ids["input_ids"], length), features).min().item())
    size = sum(f.stat().st_size for f in out.iterdir())
    print(f"{out}: {size / 1e6:.2f} MB, smallest cosine to the training code {worst:.6f}")
    if worst < 0.999:
        raise SystemExit("export.py: the exported model does not agree with the training code")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--card", type=Path)
    arguments = parser.parse_args()
    export(arguments.checkpoint, arguments.out, arguments.card)
