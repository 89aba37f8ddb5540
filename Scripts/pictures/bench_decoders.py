#!/usr/bin/env python3
"""Times the decoders beside Pillow, one thread each, interleaved, on pictures of 12 megapixels; prints a table.

    Scripts/.venv/bin/python Scripts/pictures/bench_decoders.py [--rounds 7] [--only REGEX] [--folder FOLDER]

A time is the median of the rounds, from the file's name to RGB samples in memory; the ratio is this decoder's time to
Pillow's. The second table has large JPEGs on two threads, the third adds the resize to 224 pixels, exact and with JPEGs
scaled while they are decoded, the last has the most memory above that of a program that has decoded a picture of one
pixel. FOLDER keeps the pictures. QOI is left out: Pillow decodes it in Python.
"""
import argparse
import re
import statistics
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from picture_tool import PictureTool, build

warnings.simplefilter("ignore")
WIDTH, HEIGHT, EDGE = 4000, 3000, 224


def photograph():
    """Noise whose spectrum falls with the frequency as that of photographs does, and some sharp edges."""
    random = np.random.default_rng(7)
    y, x = np.meshgrid(np.fft.fftfreq(HEIGHT), np.fft.rfftfreq(WIDTH), indexing="ij")
    fall = 1 / np.maximum(np.hypot(x, y), 1 / WIDTH) ** 1.3
    planes = []
    for _ in range(3):
        spectrum = fall * np.exp(2j * np.pi * random.random(fall.shape))
        plane = np.fft.irfft2(spectrum, (HEIGHT, WIDTH))
        planes.append(plane / plane.std())
    mixed = np.stack([planes[0] + 0.3 * planes[1], planes[0], planes[0] + 0.3 * planes[2]], axis=-1)
    picture = 128 + 45 * mixed
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    for _ in range(30):
        cx, cy, radius = random.integers(WIDTH), random.integers(HEIGHT), random.integers(30, 400)
        top, left = max(cy - radius, 0), max(cx - radius, 0)
        part = np.s_[top:cy + radius, left:cx + radius]
        inside = (x[part] - cx) ** 2 + (y[part] - cy) ** 2 < radius ** 2
        picture[part][inside] = 0.6 * picture[part][inside] + 0.4 * random.integers(0, 256, 3)
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def pictures(folder):
    """The files, made where they are missing: name and path."""
    folder.mkdir(parents=True, exist_ok=True)
    picture = None
    wanted = [
        ("JPEG 4:2:0", "420.jpg", None, dict(quality=88)), ("JPEG 4:4:4", "444.jpg", None, dict(quality=88, subsampling=0)),
        ("JPEG progressive", "progressive.jpg", None, dict(quality=88, progressive=True)),
        ("JPEG restarts", "restart.jpg", None, dict(quality=88, restart_marker_rows=1)),
        ("JPEG grey", "grey.jpg", "L", dict(quality=88)), ("PNG RGB", "rgb.png", None, {}),
        ("PNG RGBA", "rgba.png", "RGBA", {}), ("PNG grey", "grey.png", "L", {}), ("PNG palette", "palette.png", "P", {}),
        ("WebP lossy", "lossy.webp", None, dict(quality=80, method=2)),
        ("WebP lossless", "lossless.webp", None, dict(lossless=True, method=0, quality=20)),
        ("GIF", "256.gif", "P", {}), ("BMP 24 bit", "24.bmp", None, {}), ("BMP 8 bit", "8.bmp", "P", {}),
        ("TIFF RGB", "rgb.tif", None, {}), ("TIFF grey", "grey.tif", "L", {}),
        ("TIFF LZW", "lzw.tif", None, dict(compression="tiff_lzw")),
        ("TIFF Deflate", "deflate.tif", None, dict(compression="tiff_adobe_deflate")),
        ("PPM", "rgb.ppm", None, {}), ("PGM", "grey.pgm", "L", {}),
        ("TGA", "rgb.tga", None, dict(compression="tga_rle"))]
    for name, file, mode, options in wanted:
        if not (folder / file).exists():
            picture = picture or photograph()
            (picture.convert(mode) if mode else picture).save(folder / file, **options)
    return [(name, folder / file) for name, file, _, _ in wanted]


def pillow(path, edge=None, draft=False):
    """Milliseconds."""
    start = time.perf_counter()
    with Image.open(path) as picture:
        if draft:
            picture.draft("RGB", (edge, edge))
        rgb = picture.convert("RGB")
    if edge:
        short, long = sorted(rgb.size)
        size = (edge, edge * long // short)
        rgb.resize(size if rgb.width <= rgb.height else size[::-1], Image.Resampling.BICUBIC)
    return 1000 * (time.perf_counter() - start)


def compare(rounds, *candidates):
    """The median time of each, one after the other in every round; the first round doesn't count."""
    times = [[candidate() for candidate in candidates] for _ in range(rounds + 1)][1:]
    return [statistics.median(column) for column in zip(*times)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="formats whose name matches")
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()

    program = build()
    with tempfile.TemporaryDirectory() as temporary:
        files = pictures(arguments.folder or Path(temporary))
        chosen = [(name, path) for name, path in files if re.search(arguments.only, name)]
        tool = PictureTool(program)

        def ours(command, path, *more):
            return float(tool(command, path, *more)[0])

        print(f"| decode, {WIDTH} × {HEIGHT} | MB | Pillow, ms | here, ms | ratio |\n|---|---|---|---|---|")
        for name, path in chosen:
            theirs, here = compare(
                arguments.rounds, lambda: pillow(path), lambda: ours("time", path, "drop"))
            size = path.stat().st_size / 1e6
            print(f"| {name} | {size:.1f} | {theirs:.1f} | {here:.1f} | {here / theirs:.2f} |", flush=True)

        jpegs = [(name, path) for name, path in chosen if name.startswith("JPEG")]
        if jpegs:
            print("\n| decode | one thread, ms | two threads, ms | ratio |\n|---|---|---|---|")
        for name, path in jpegs:
            one, two = compare(
                arguments.rounds, lambda: ours("time", path, "drop"), lambda: ours("time", path, "drop,threads=2"))
            print(f"| {name} | {one:.1f} | {two:.1f} | {one / two:.2f} |", flush=True)

        print(f"\n| decode and resize to {EDGE} | Pillow, ms | Pillow, draft, ms | here, ms | here, fast, ms | fast ratio |")
        print("|---|---|---|---|---|---|")
        for name, path in chosen:
            if not name.startswith(("JPEG", "PNG RGB", "WebP lossy")):
                continue
            theirs, draft, here, fast = compare(
                arguments.rounds, lambda: pillow(path, EDGE), lambda: pillow(path, EDGE, draft=True),
                lambda: ours("fit", path, "drop", EDGE), lambda: ours("fit", path, f"drop,{EDGE}", EDGE))
            print(f"| {name} | {theirs:.1f} | {draft:.1f} | {here:.1f} | {fast:.1f} | {fast / theirs:.2f} |", flush=True)
        tool.close()

        print("\n| most memory while decoding | MB above the base |\n|---|---|")
        tiny = Path(temporary) / "tiny.png"
        Image.new("RGB", (1, 1)).save(tiny)
        for name, path in chosen:
            peaks = []
            for file in [tiny, path]:
                alone = PictureTool(program)
                alone("time", file, "drop")
                peaks.append(alone.peak_memory())
                alone.close()
            print(f"| {name} | {(peaks[1] - peaks[0]) / 1e6:.0f} |")


if __name__ == "__main__":
    main()
