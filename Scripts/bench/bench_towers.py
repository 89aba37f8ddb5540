#!/usr/bin/env python3
"""Measures image towers that are not CLIP's plain ones beside PyTorch, ONNX Runtime and OpenVINO: pictures per second on one thread.

  Scripts/setup_venv.sh --peers
  swift build -c release
  Scripts/.venv/bin/python Scripts/bench/bench_towers.py [--towers MobileCLIP2-S2 RN50 …] [--batch 1 8]

In each round every engine computes for `--seconds` in turn, and the best of an engine's rounds is compared: on a busy machine that is
the one that was disturbed least. Weights are random, every engine computes in float32, the peers' convolutions and batch norms folded
as their own tools fold them (timm's reparameterisation of MobileCLIP; ONNX Runtime's and OpenVINO's optimisers).
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "fixtures"))
import torchvision_cpu  # noqa: E402, F401
import numpy  # noqa: E402
import open_clip  # noqa: E402
import torch  # noqa: E402
from family_models import write_open_clip  # noqa: E402
from peers import onnx_engine, openvino_engine  # noqa: E402
from tower_models import build  # noqa: E402

TOWERS = ["MobileCLIP2-S2", "MobileCLIP2-B", "RN50", "convnext_base", "EVA02-B-16"]


def prepare(name, folder, clip):
    """A seeded model of the architecture, packed for clip, and its image tower for the peers."""
    config = json.loads(json.dumps(open_clip.get_model_config(name)))
    config["text_cfg"]["layers"] = 1
    model = build(config, 1)
    write_open_clip(folder, config, model)
    packed = folder / "model.clip"
    subprocess.run([clip, "pack", folder, "-o", packed, "--dtype", "f32", "--images-only", "--quiet"], check=True, stdout=subprocess.DEVNULL)
    tower = model.visual.eval()
    if name.startswith("MobileCLIP"):
        from timm.utils.model import reparameterize_model

        tower = reparameterize_model(tower)
    side = config["vision_cfg"].get("image_size", 224)
    example = torch.rand(2, 3, side, side)
    exported = folder / "tower.onnx"
    # The newer exporter (dynamo) leaves a graph of FastViT that the peers compute three times as slowly.
    torch.onnx.export(tower, (example,), str(exported), input_names=["input"], output_names=["output"], dynamo=False,
                      opset_version=18, dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}})  # fmt: skip
    return packed, tower, exported, side


def engines(tower, exported, shape):
    def in_torch(array):
        with torch.inference_mode():
            return tower(torch.from_numpy(array)).numpy()

    return {"torch": in_torch, "onnxruntime": onnx_engine(exported, shape, 1), "openvino": openvino_engine(exported, shape, 1)}


def rate(engine, array, seconds):
    count, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds or count == 0:
        engine(array)
        count += len(array)
    return count / elapsed


def clip_rate(clip, packed, batch, seconds):
    command = [clip, "bench", "--what", "image", "--batch", str(batch), "--threads", "1", "--seconds", str(seconds), "--model", packed, "--json"]
    output = subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout
    return json.loads(output.strip().splitlines()[-1])["items_per_second"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--towers", nargs="+", default=TOWERS, help="open_clip's names")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--clip", default=str(ROOT / ".build" / "release" / "clip"))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print("| tower | batch | torch | onnxruntime | openvino | clip | clip / best |\n|---|---|---|---|---|---|---|", flush=True)
    for name in arguments.towers:
        with tempfile.TemporaryDirectory() as scratch:
            packed, tower, exported, side = prepare(name, Path(scratch), arguments.clip)
            for batch in arguments.batch:
                array = numpy.random.default_rng(3).random((batch, 3, side, side), numpy.float32) * 2 - 1
                peers = engines(tower, exported, array.shape)
                for engine in peers.values():
                    engine(array)
                best = dict.fromkeys([*peers, "clip"], 0.0)
                for _ in range(arguments.rounds):
                    for peer, engine in peers.items():
                        best[peer] = max(best[peer], rate(engine, array, arguments.seconds))
                    best["clip"] = max(best["clip"], clip_rate(arguments.clip, packed, batch, arguments.seconds))
                ratio = best["clip"] / max(best[peer] for peer in peers)
                print(f"| {name} | {batch} | {' | '.join(f'{value:.2f}' for value in best.values())} | {ratio:.2f} |", flush=True)


main()
