#!/usr/bin/env python3
"""Holds the decoders to Pillow over folders of pictures and prints a table.

    Scripts/.venv/bin/python Scripts/pictures/compare_pictures.py FOLDER… [--verbose]

Each file is decoded with its transparency dropped and over white, 16-bit grey clipped as Pillow does, turned upright.
"Pillow errs" counts files that Pillow reads differently, but that decode here to what make_picture_set.py noted that
they hold, or, where ImageMagick is installed, to what that makes of them. Anything else that is off by more than one
level is wrong; the exit status is 1 if there is any. "refused" are files that Pillow decodes and the decoder here
refuses, "both" those that neither decodes, "more" those that only the decoder here does; --verbose says of these
whether ImageMagick agrees.
"""
import argparse
import collections
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from picture_tool import PictureTool, Refused

warnings.simplefilter("ignore")
Image.MAX_IMAGE_PIXELS = 200_000_000
COLUMNS = ["exact", "within 1", "wrong", "Pillow errs", "refused", "both", "more"]


def pillow(path, over_white):
    with Image.open(path) as picture:
        picture.load()
        format = picture.format
        picture = ImageOps.exif_transpose(picture)
        if over_white and ("A" in picture.getbands() or picture.info.get("transparency") is not None):
            picture = picture.convert("RGBA")
            picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
        return format, np.array(picture.convert("RGB")).astype(int)


def imagemagick(path, over_white, size):
    """As ImageMagick decodes it; None where it doesn't, or where its colours don't compare."""
    alpha = ["-background", "white", "-alpha", "remove"] if over_white else ["-alpha", "off"]
    command = ["convert", f"{path}[0]", "-auto-orient", *alpha, "-colorspace", "sRGB", "-depth", "8", "rgb:-"]
    result = subprocess.run(command, capture_output=True)
    if result.returncode or len(result.stdout) != 3 * size[0] * size[1]:
        return None
    return np.frombuffer(result.stdout, np.uint8).reshape(size[1], size[0], 3).astype(int)


def opinion(path, over_white, ours):
    """How far from `ours` the samples are that the file is known to hold, or else ImageMagick's, and whose they are."""
    truth = path.parents[1] / ".truth" / path.parent.name / (path.name + ".png")
    if truth.exists():
        return np.abs(pillow(truth, over_white)[1] - ours).max(), "what the file holds"
    other = imagemagick(path, over_white, ours.shape[1::-1]) if shutil.which("convert") else None
    return (256, "no second opinion") if other is None else (np.abs(other - ours).max(), "ImageMagick")


def judge(tool, path, output):
    """The column, Pillow's name of the format or None, and what to say."""
    verdicts, format = [], None
    for over_white in [False, True]:
        try:
            format, expected = pillow(path, over_white)
        except Exception as error:  # Pillow raises what it likes
            expected = error
        is_known = not isinstance(expected, Exception)
        try:
            width, height = map(int, tool("decode", path, "clip" if over_white else "clip,drop", output))
        except Refused as error:
            verdicts.append(("refused" if is_known else "both", str(error)))
            continue
        ours = np.fromfile(output, np.uint8).reshape(height, width, 3).astype(int)
        if is_known and ours.shape != expected.shape:
            verdicts.append(("wrong", f"{width} × {height}, Pillow {expected.shape[1]} × {expected.shape[0]}"))
            continue
        largest = np.abs(ours - expected).max() if is_known else 256
        if largest <= 1:
            verdicts.append(("within 1" if largest else "exact", ""))
            continue
        distance, whose = opinion(path, over_white, ours)
        note = f"{'over white' if over_white else 'dropped'}: off by {largest} from Pillow, {distance} from {whose}"
        if not is_known:
            verdicts.append(("wrong" if whose[0] == "w" and distance > 1 else "more", f"{note}; Pillow: {expected}"))
        else:
            verdicts.append(("wrong" if distance > 1 else "Pillow errs", note))
    order = ["exact", "more", "both", "within 1", "refused", "Pillow errs", "wrong"]
    worst = max(verdicts, key=lambda verdict: order.index(verdict[0]))
    return worst[0], format, worst[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--verbose", action="store_true", help="name every file that is not exact")
    arguments = parser.parse_args()

    tool = PictureTool()
    counts = collections.defaultdict(collections.Counter)
    with tempfile.NamedTemporaryFile() as output:
        files = [file for folder in arguments.folders
                 for file in ([folder] if folder.is_file() else sorted(folder.rglob("*")))]
        for file in files:
            if not file.is_file() or any(part.startswith(".") for part in file.parts):
                continue
            column, format, note = judge(tool, file, output.name)
            counts[format or file.suffix[1:].upper()][column] += 1
            if column == "wrong" or arguments.verbose and column != "exact":
                print(f"{column}: {file}: {note}")
    tool.close()

    print("| format | files | " + " | ".join(COLUMNS) + " |")
    print("|---" * (len(COLUMNS) + 2) + "|")
    counts["all"] = sum(counts.values(), collections.Counter())
    for format, row in sorted(counts.items(), key=lambda item: (item[0] == "all", item[0])):
        print(f"| {format} | {sum(row.values())} | " + " | ".join(str(row[column]) for column in COLUMNS) + " |")
    sys.exit(1 if counts["all"]["wrong"] else 0)


if __name__ == "__main__":
    main()
