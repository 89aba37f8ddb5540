#!/usr/bin/env python3
"""Writes a training result as open_clip reads a model, in f16, with a calibrated scale, and checks it against open_clip.

export.py CHECKPOINT… OUT --packages DIR --features DIR [--card card.json]

Of several checkpoints, endings of one training, the weights are averaged (Wortsman et al., 2022, "Model soups").
"""

import argparse
import json
import math
import shutil
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

import evaluate
import tower
from model import Towers

# How far shares among 50 labels may be off where the scale is chosen, at 224 pixels: less than 0.05, for at 256 and elsewhere they are off a little more.
OFF = 0.04


def load(checkpoints, packages):
    """The averaged towers of the checkpoints, and the pretrained model with their upper stages in it."""
    saved = [torch.load(path, weights_only=False, map_location="cpu") for path in checkpoints]
    states, config = [s["average"] for s in saved], saved[0]["config"]
    state = {k: sum(s[k] for s in states) / len(states) if v.is_floating_point() else v for k, v in states[0].items()}
    classifier = tower.pretrained(packages)
    model = Towers(config, classifier, state["mean"], len(state["prototypes"]))
    model.load_state_dict(state)
    model.eval().upper.write(classifier)
    return model, classifier, config


def tensors(model, classifier):
    """Both towers under open_clip's names. Batch norms fold into the layer that they follow or, the image tower's, stay."""
    out = {
        f"visual.trunk.{k}": v
        for k, v in classifier.state_dict().items()
        if not k.startswith("classifier") and not k.endswith("num_batches_tracked")
    }
    out["visual.head.proj.weight"] = model.project.weight
    out["visual.head.proj.bias"] = model.project.bias - model.project.weight @ model.mean
    text = model.text
    scale = (text.centre.running_var + text.centre.eps) ** -0.5
    out |= {
        "token_embedding.weight": text.tokens.weight,
        "positional_embedding": text.positions,
        "ln_final.weight": text.final.weight * scale,
        "ln_final.bias": (text.final.bias - text.centre.running_mean) * scale,
        "text_projection": text.project.weight.T,
        "logit_scale": model.scale,
    }
    for i, block in enumerate(text.blocks):
        name = f"transformer.resblocks.{i}."
        out |= {f"{name}attn.in_proj_{kind}": getattr(block.qkv, kind) for kind in ("weight", "bias")}
        for mine, theirs in (
            ("norm1", "ln_1"),
            ("out", "attn.out_proj"),
            ("norm2", "ln_2"),
            ("fc1", "mlp.c_fc"),
            ("fc2", "mlp.c_proj"),
        ):
            out |= {f"{name}{theirs}.{kind}": getattr(getattr(block, mine), kind) for kind in ("weight", "bias")}
    return {k: v.detach().to(torch.float16).contiguous() for k, v in out.items()}


def configuration(config):
    text = config["text"]
    return {
        "model_cfg": {
            "embed_dim": config["projection_dim"],
            "quick_gelu": True,
            "vision_cfg": {
                "timm_model_name": tower.NAME,
                "timm_model_pretrained": False,
                "timm_pool": "avg",
                "timm_proj": "linear",
                "timm_proj_bias": True,
                "image_size": config["image_size"],
            },
            "text_cfg": {
                "context_length": config["context"],
                "vocab_size": config["vocab"],
                "width": text["hidden_size"],
                "heads": text["num_attention_heads"],
                "layers": text["num_hidden_layers"],
                "hf_tokenizer_name": "clip-small",  # the files beside it
            },
        },
        "preprocess_cfg": {
            "mean": [tower.MEAN / 255] * 3,
            "std": [tower.STD / 255] * 3,
            "interpolation": "bicubic",
            "resize_mode": "shortest",
        },
    }


@torch.no_grad()
def calibrate(model, tokenizer, features, config):
    """The logarithm of the scale at which the shares among 50 labels fit EmojiOne and the held-out drawings."""
    pictures = []
    for part in ("emojione", "held"):
        held = np.load(features / f"eval-{part}.npz")
        names = sorted(set(held["names"]))
        labels = 0
        for template in evaluate.TEMPLATES:
            rows = tokenizer([template.format(n) for n in names], padding=True, truncation=True, max_length=config["context"])
            ids, lengths = torch.tensor(rows["input_ids"]), torch.tensor(rows["attention_mask"]).sum(1)
            labels = labels + F.normalize(model.text(ids, lengths), dim=1)
        labels = F.normalize(labels, dim=1)
        maps = torch.from_numpy(held["maps"].astype(np.float32))
        found = torch.cat([model.image(model.upper(m)) for m in maps.split(128)])
        similarity = found @ labels.T
        truth = torch.tensor([names.index(n) for n in held["names"]])
        noise = torch.rand(similarity.shape, generator=torch.Generator().manual_seed(1))
        others = noise.scatter(1, truth[:, None], 2.0).topk(50, 1).indices  # the truth comes first
        pictures.append(similarity.gather(1, others))
    # The lowest that is off by no more than OFF: it errs towards less sure.
    logits = torch.cat(pictures)
    for scale in torch.linspace(10, 60, 201).tolist():
        shares, hits = torch.softmax(scale * logits, 1).amax(1), logits.argmax(1) == 0
        if evaluate.calibration_error(shares, hits) <= OFF:
            return math.log(scale)
    raise SystemExit(f"export.py: no scale from 10 to 60 is off by {OFF} or less")


def export(checkpoints, out, packages, features, card=None):
    from transformers import CLIPTokenizer

    model, classifier, config = load(checkpoints, packages)
    out.mkdir(parents=True, exist_ok=True)
    for name in ("vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(checkpoints[0].parent / "tokenizer" / name, out / name)
    tokenizer = CLIPTokenizer.from_pretrained(out)
    trained = model.scale.exp().item()
    model.scale.data.fill_(calibrate(model, tokenizer, features, config))
    save_file(tensors(model, classifier), out / "open_clip_model.safetensors", {"format": "pt"})
    (out / "open_clip_config.json").write_text(json.dumps(configuration(config), indent=2) + "\n")
    if card:
        shutil.copy(card, out / "model_card.json")
    print(f"scale {model.scale.exp():.2f}, in training {trained:.2f}")
    check(model, classifier, out, tokenizer, config)


@torch.no_grad()
def check(model, classifier, out, tokenizer, config):
    """The exported folder through open_clip against the training code: the smallest cosine of random pictures and some labels."""
    theirs = evaluate.Exported(out).model
    pixels = torch.randn(4, 3, config["image_size"], config["image_size"])
    mine = model.image(tower.Split(classifier)(pixels)[1])
    worst = F.cosine_similarity(mine, theirs.encode_image(pixels)).min().item()
    for label in ("dog", "a photo of a red house", "naïve café 42"):
        ids = torch.tensor([tokenizer(label, truncation=True, max_length=config["context"])["input_ids"]])
        padded = F.pad(ids, (0, config["context"] - ids.shape[1]))
        found = F.cosine_similarity(model.text(ids, torch.tensor([ids.shape[1]])), theirs.encode_text(padded))
        worst = min(worst, found.item())
    size = sum(f.stat().st_size for f in out.iterdir())
    print(f"{out}: {size / 1e6:.2f} MB, smallest cosine to the training code {worst:.6f}")
    if worst < 0.999:
        raise SystemExit("export.py: the exported model does not agree with the training code")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoints", type=Path, nargs="+", metavar="checkpoint")
    parser.add_argument("out", type=Path)
    parser.add_argument("--packages", type=Path, required=True)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--card", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    export(arguments.checkpoints, arguments.out, arguments.packages, arguments.features, arguments.card)
