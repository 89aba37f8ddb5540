#!/usr/bin/env python3
"""Takes a seeded model of every family through pack, verify and export, and lets transformers read what was exported.

  Scripts/.venv/bin/python Scripts/oracle/check_round_trips.py [--clip .build/release/clip] [--layers 1] [ROW…]

Rows are those of check_families.py. A packed file must verify; the embeddings of what was exported and of what it was exported from must
be the same to the bit; transformers' embeddings from that folder must be `clip`'s to a cosine of 0.999999. What `export` refuses is printed with
its reason: it is what no folder of transformers can say.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fixtures"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
import torchvision_cpu  # noqa: E402, F401
import numpy  # noqa: E402
import torch  # noqa: E402
from check_families import PICTURES, ROOT, rows  # noqa: E402
from PIL import Image  # noqa: E402
from transformers import AutoImageProcessor, AutoModel  # noqa: E402

TEXTS = ["a photo of a dog", "zwei Katzen auf einem Sofa", "一只猫", "x"]


def clip(command, *arguments):
    return subprocess.run([str(word) for word in [command, *arguments]], capture_output=True, text=True)


def embeddings(command, verb, model, inputs):
    result = clip(command, verb, *inputs, "--model", model, "--format", "jsonl", "--quiet")
    if result.returncode:
        return result.stderr.strip()
    return numpy.array([json.loads(line)["embedding"] for line in result.stdout.splitlines()], numpy.float32)


def in_transformers(command, folder, pictures):
    """Image and text embeddings of an exported folder, of unit length."""
    model = AutoModel.from_pretrained(folder).float().eval()
    images = texts = None
    with torch.inference_mode():
        if hasattr(model, "get_image_features"):
            processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
            inputs = processor([Image.open(path).convert("RGB") for path in pictures], return_tensors="pt")
            images = unit(model.get_image_features(**inputs))
        if hasattr(model, "get_text_features"):
            lines = clip(command, "tokenize", *TEXTS, "--model", folder, "--format", "jsonl").stdout.splitlines()
            padding = json.loads((folder / "config.json").read_text()).get("text_config", {}).get("pad_id")
            texts = torch.cat([unit(text_features(model, json.loads(line)["tokens"], padding)) for line in lines])
    return images, texts


def text_features(model, tokens, padding):
    if model.config.model_type.startswith("siglip"):
        tokens = tokens + [padding] * (model.config.text_config.max_position_embeddings - len(tokens))
    ids = torch.tensor([tokens])
    return model.get_text_features(input_ids=ids, attention_mask=torch.ones_like(ids))


def unit(features):
    features = getattr(features, "pooler_output", features)
    return features / features.norm(dim=-1, keepdim=True)


def least(ours, theirs):
    return "–" if theirs is None else f"{float((torch.tensor(ours) * theirs).sum(-1).min()):.7f}"


def check(command, name, make, scratch, pictures):
    """A line for the row, and whether it passed."""
    folder, packed, exported = scratch / "model", scratch / "packed.clip", scratch / "exported"
    folder.mkdir()
    make(folder, pictures)
    single = [*folder.glob("*.pt"), *folder.glob("*.gguf")]
    result = clip(command, "pack", single[0] if single else folder, "-o", packed, "--dtype", "f32", "--quiet")
    if result.returncode:
        return f"pack: {result.stderr.strip()}", False
    result = clip(command, "verify", packed)
    if result.returncode:
        return f"verify: {result.stderr.strip()}", False
    source = packed
    result = clip(command, "export", source, "-o", exported, "--quiet")
    if "export the folder that it is from" in result.stderr:
        source = folder
        result = clip(command, "export", source, "-o", exported, "--quiet")
    if result.returncode:
        return f"packed and verified; export refuses: {result.stderr.strip().replace(str(scratch), '')}", True
    parts = []
    ours = {}
    for verb, inputs in (("embed-image", pictures), ("embed-text", TEXTS)):
        before, after = (embeddings(command, verb, model, inputs) for model in (source, exported))
        if isinstance(before, str) and isinstance(after, str):
            parts.append(f"no {verb}")
            continue
        if isinstance(before, str) or isinstance(after, str) or not numpy.array_equal(before, after):
            return f"{verb} differs after export: {before if isinstance(before, str) else after}", False
        ours[verb] = after
    images, texts = in_transformers(command, exported, pictures)
    cosines = [least(ours.get("embed-image"), images), least(ours.get("embed-text"), texts)]
    passed = all(value == "–" or float(value) >= 0.999999 for value in cosines)
    return f"packed, verified, exported {'from its folder ' if source is folder else ''}to the bit; transformers' cosine: images {cosines[0]}, texts {cosines[1]}", passed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", default=str(ROOT / ".build" / "release" / "clip"))
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("rows", nargs="*", metavar="ROW")
    arguments = parser.parse_args()
    table = rows(arguments.layers)
    torch.set_num_threads(1)
    pictures = sorted(PICTURES.glob("*.png"))[:3]
    failed = []
    for name in arguments.rows or table:
        with tempfile.TemporaryDirectory() as scratch:
            line, passed = check(arguments.clip, name, table[name], Path(scratch), pictures)
        print(f"{'passed' if passed else 'FAILED'} {name}: {line}", flush=True)
        failed += [] if passed else [name]
    print(f"failed: {', '.join(failed)}" if failed else f"all {len(arguments.rows or table)} rows passed")
    sys.exit(bool(failed))


main()
