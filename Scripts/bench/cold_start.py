#!/usr/bin/env python3
"""Times whole processes that embed one picture: `clip` on a packed model, and the shortest Python scripts that do it.

  Scripts/setup_venv.sh --peers
  Scripts/.venv/bin/python Scripts/fixtures/make_seeded_model.py --shape B/32 --out /tmp/b32
  Scripts/.venv/bin/python Scripts/bench/cold_start.py /tmp/b32 PICTURE

Each command runs in turn, --rounds times after one round that doesn't count, with files in the page cache. Prints the
medians of wall and processor seconds, the peak memory, and how many times longer than `clip` with f16 weights it takes.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Each is called with the model's folder and the picture, and ends with the embedding in hand.
TRANSFORMERS = """
import sys
sys.path.insert(0, {scripts!r})
import torch, torchvision_cpu
from PIL import Image
from transformers import CLIPModel
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
model = CLIPModel.from_pretrained(sys.argv[1])
pixels = CLIPImageProcessorPil.from_pretrained(sys.argv[1])(Image.open(sys.argv[2]), return_tensors="pt")
with torch.inference_mode():
    model.get_image_features(**pixels)
"""
ONNX_RUNTIME = """
import sys
import numpy, onnxruntime
from PIL import Image
picture = Image.open(sys.argv[2]).convert("RGB")
scale = 224 / min(picture.size)
picture = picture.resize([max(224, int(side * scale)) for side in picture.size], Image.BICUBIC)
left, top = (picture.width - 224) // 2, (picture.height - 224) // 2
pixels = numpy.asarray(picture.crop((left, top, left + 224, top + 224)), numpy.float32) / 255
pixels = (pixels - [0.48145466, 0.4578275, 0.40821073]) / [0.26862954, 0.26130258, 0.27577711]
onnxruntime.InferenceSession(sys.argv[1] + "/peers/image.onnx").run(
    None, {"input": pixels.transpose(2, 0, 1)[None].astype(numpy.float32)})
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="a Hugging Face folder of 224 pixels")
    parser.add_argument("picture", type=Path)
    parser.add_argument("--clip", default=str(ROOT / ".build" / "release" / "clip"))
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    python = [sys.executable, "-c"]
    files = [str(arguments.model), str(arguments.picture)]
    commands = {}
    for dtype in ("f16", "int8"):
        packed = arguments.model / f"packed-{dtype}.clip"
        if not packed.exists():
            subprocess.run([arguments.clip, "pack", arguments.model, "-o", packed, "--dtype", dtype, "--quiet"],
                           check=True, stdout=subprocess.DEVNULL)  # fmt: skip
        commands[f"clip {dtype}"] = [arguments.clip, "embed-image", "--model", str(packed), str(arguments.picture)]
    if (arguments.model / "peers" / "image.onnx").exists():
        commands["onnxruntime"] = [*python, ONNX_RUNTIME, *files]
    else:
        print("no peers/image.onnx in the model's folder: Scripts/bench/bench_peers.py --prepare makes it", file=sys.stderr)
    commands["transformers"] = [*python, TRANSFORMERS.format(scripts=str(ROOT / "Scripts" / "fixtures")), *files]
    runs = {name: [] for name in commands}
    for _ in range(arguments.rounds + 1):
        for name, command in commands.items():
            runs[name].append(run(command))
    print("| process | wall s | user + system s | peak MB | wall / clip f16 |\n|---|---|---|---|---|")
    ours = median(runs["clip f16"], 0)
    for name, results in runs.items():
        wall, processor, memory = (median(results, index) for index in range(3))
        print(f"| {name} | {wall:.3f} | {processor:.3f} | {memory:.0f} | {wall / ours:.1f} |")


def run(command):
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"cold_start: {command[0]} failed with status {status}")
    return time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def median(results, index):
    return statistics.median(result[index] for result in results[1:])


main()
