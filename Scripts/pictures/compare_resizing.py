#!/usr/bin/env python3
"""Holds resizing to the pinned Pillow, byte by byte: random sizes, ratios, filters and crops.

    Scripts/.venv/bin/python Scripts/pictures/compare_resizing.py [--pairs 6000] [--seed 1]

A third of the pairs are of any shape, a third stand at the edge where the order of the two passes changes, a third are
what CLIP's preprocessing asks for: phone screenshots, photographs and ribbons, with the short edge fitted, squashed or
padded. Half of them are cropped, and every other one takes the kernels that all machines have. Prints what differs; the
status is 1 if anything does.
"""
import argparse
import collections
import random
import tempfile
from pathlib import Path

import numpy as np
import PIL
from PIL import Image

from picture_tool import ROOT, PictureTool

FILTERS = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box"}
SHAPES = [(1080, 2400), (1170, 2532), (1440, 3200), (720, 1280), (750, 1334), (828, 1792), (1080, 1920), (1440, 720),
          (640, 480), (480, 640), (1024, 1024), (300, 1500), (90, 2000), (2000, 90), (224, 449), (225, 449)]


def pair(index):
    """Sizes before and after: (width, height), (width, height)."""
    def length(top):
        return max(1, round(10 ** random.uniform(0, top)))

    if index % 3 == 0:
        return (length(2.9), length(2.9)), (length(2.7), length(2.7))
    if index % 3 == 1:
        width, new_width, new_height = length(2.5), length(2.5), length(2.4)
        height = new_height + 2 * (width - new_width) + random.randint(-2, 2)
        return (width, max(1, height)), (new_width, new_height)
    width, height = random.choice(SHAPES)
    if random.random() < 0.5:
        width, height = (max(1, round(side * random.uniform(0.3, 1))) for side in (width, height))
    edge = random.choice((32, 224, 256, 336, 384))
    short, long = min(width, height), max(width, height)
    if long > 8 * short or random.random() < 0.3:
        return (width, height), (edge, edge)
    scale = edge / random.choice((short, long))
    return (width, height), (max(1, int(width * scale)), max(1, int(height * scale)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    pinned = next(line.split("==")[1].strip() for line in (ROOT / "Scripts/requirements-oracle.txt").open()
                  if line.startswith("pillow=="))
    if PIL.__version__ != pinned:
        raise SystemExit(f"Pillow {PIL.__version__} is here, {pinned} is pinned")
    random.seed(arguments.seed)
    noise = np.random.default_rng(arguments.seed)
    tool, differing, rows_first = PictureTool(), 0, 0
    counts = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder) / "source.ppm", Path(folder) / "resized"
        for index in range(arguments.pairs):
            (width, height), (new_width, new_height) = pair(index)
            # Extremes as well as noise, so that sums overshoot.
            samples = noise.integers(0, 256, (height, width, 3), dtype=np.uint8)
            if index % 4 == 0:
                samples = np.where(samples < 128, np.uint8(0), np.uint8(255))
            picture = Image.fromarray(samples)
            picture.save(source)
            left, top, columns, rows = 0, 0, new_width, new_height
            if random.random() < 0.5:
                columns, rows = random.randint(1, new_width), random.randint(1, new_height)
                left, top = random.randint(0, new_width - columns), random.randint(0, new_height - rows)
            number = random.choice((0, 1, 2, 3, 3, 3, 4))
            wanted = np.asarray(picture.resize((new_width, new_height), number))[top:top + rows, left:left + columns]
            kernels = "baseline" if index % 2 else "-"
            tool("resize", source, kernels, ",".join(map(str, (new_width, new_height, left, top, columns, rows))), number,
                 output)
            found = np.fromfile(output, np.uint8).reshape(rows, columns, 3)
            counts[FILTERS[number]] += 1
            rows_first += number != 0 and new_height < height and height - new_height > 2 * (width - new_width)
            if not (wanted == found).all():
                differing += 1
                print(f"{width} × {height} to {new_width} × {new_height}, {FILTERS[number]}, {kernels}, part {left},{top} "
                      f"{columns} × {rows}: by {np.abs(wanted.astype(int) - found).max()}", flush=True)
    print(f"Pillow {pinned}: {arguments.pairs} pairs ({', '.join(f'{n} {name}' for name, n in counts.items())}), "
          f"{rows_first} with their rows first: {differing} differ")
    tool.close()
    raise SystemExit(1 if differing else 0)


if __name__ == "__main__":
    main()
