#!/usr/bin/env python3
"""Says of every configuration of open_clip's whether `clip` loads it: the tensors' names and shapes are the reference's, their
numbers zeros in a file with a hole, so that the largest take no room.

  Scripts/.venv/bin/python Scripts/oracle/check_configurations.py [--clip .build/release/clip] [--read 400] [NAME…]

A configuration loads when `clip info` finds every tensor that it needs and no other. Of models below --read million weights
`clip verify` reads them too, which holds the shapes to what the configuration says. At the end stand the configurations, and
open_clip's pretrained tags, that load.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fixtures"))
import torchvision_cpu  # noqa: E402, F401
import open_clip  # noqa: E402
from tower_models import HF_TOWERS, skeleton  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]


def write_hollow(path, states):
    """A safetensors file of zeros."""
    header, offset = {}, 0
    for name, value in states.items():
        kind, size = ("I64", 8) if value.dtype == torch.int64 else ("F16", 2)
        end = offset + size * value.numel()
        header[name] = {"dtype": kind, "shape": list(value.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + offset)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", default=str(ROOT / ".build" / "release" / "clip"))
    parser.add_argument("--read", type=int, default=0, metavar="MILLIONS")
    parser.add_argument("names", nargs="*", metavar="NAME")
    arguments = parser.parse_args()
    loaded, refused = [], {}
    for name in arguments.names or open_clip.list_models():
        config = open_clip.get_model_config(name)
        tower = config["text_cfg"].get("hf_model_name", "").split("/")[-1]
        if tower and tower not in HF_TOWERS:
            states = None
        else:
            states = skeleton(config).state_dict()
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": {}}))
            write_hollow(folder / "open_clip_model.safetensors", states or {"visual.conv1.weight": torch.zeros(1)})
            count = sum(value.numel() for value in (states or {}).values())
            commands = [["info"]] + ([["verify"]] if count < arguments.read * 1e6 and states else [])
            for command in commands:
                result = subprocess.run([arguments.clip, *command, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                # Zeros have no direction: what verify says of embeddings doesn't matter, what it says of a tensor does.
                problem = result.stderr.strip() if result.returncode else ""
                if problem and (command == ["info"] or "tensor" in problem):
                    break
            else:
                problem = ""
        if problem:
            refused[name] = problem.replace(str(folder), "")
            print(f"refused {name}: {refused[name]}", flush=True)
        else:
            loaded.append(name)
            print(f"loads   {name}, {count / 1e6:.0f} M", flush=True)
    print(f"{len(loaded)} of {len(loaded) + len(refused)} configurations load")
    tags = open_clip.list_pretrained()
    print(f"{sum(name in loaded for name, _ in tags)} of {len(tags)} pretrained tags load")
    sys.exit(0)


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    main()
