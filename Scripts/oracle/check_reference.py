#!/usr/bin/env python3
"""Runs `clip` on models that have a golden.json and compares: tokens, preprocessing, image and text embeddings.

  Scripts/oracle/check_reference.py [--clip .build/release/clip] MODEL_DIR…

Only the standard library is needed. Exits 1 when anything is outside what the package promises: tokens equal,
preprocessing within 1e-5, embeddings of cosine >= 0.999999 and within 1e-4 of the largest value. `--packed f16|int16|int8`
first packs each model with that weight type and holds it to cosine 0.9999 or 0.99 instead.
"""

import argparse
import ast
import json
import math
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEAST_COSINE = {None: 0.999999, "f32": 0.999999, "f16": 0.9999, "int16": 0.99999, "int8": 0.99}
LARGEST_ERROR = 1e-4
LARGEST_PIXEL_ERROR = 1e-5
failures = 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", default=str(ROOT / ".build" / "release" / "clip"))
    parser.add_argument("--packed", choices=("f32", "f16", "int16", "int8"))
    parser.add_argument("--pictures", type=Path, help="where the pictures of golden.json lie")
    parser.add_argument("--model", type=Path, help="the model's file, when it is not MODEL_DIR itself")
    parser.add_argument("models", type=Path, nargs="+", metavar="MODEL_DIR")
    arguments = parser.parse_args()
    for folder in arguments.models:
        golden = json.loads((folder / "golden.json").read_text(encoding="utf-8"))
        pictures = arguments.pictures or picture_folder(folder, golden)
        with tempfile.TemporaryDirectory() as scratch:
            model = arguments.model or folder
            if arguments.packed:
                model = Path(scratch) / "model.clip"
                run(arguments.clip, "pack", arguments.model or folder, "-o", model, "--dtype", arguments.packed)
            check = Check(arguments.clip, folder.name, model, arguments.packed, Path(scratch))
            check.tokens(golden["texts"] + golden.get("tokens", []))
            if golden["pictures"]:
                check.preprocessing(golden["pictures"], pictures)
                check.pictures(golden["pictures"], pictures)
            check.texts(golden["texts"])
    print(f"{failures} checks failed" if failures else "all checks passed")
    sys.exit(1 if failures else 0)


class Check:
    def __init__(self, clip, name, model, packed, scratch):
        self.clip, self.name, self.model, self.packed, self.scratch = clip, name, model, packed, scratch

    def records(self, command, *arguments):
        output = run(self.clip, command, "--model", self.model, "--format", "jsonl", "--quiet", *arguments)
        return [json.loads(line) for line in output.decode("utf-8").splitlines() if line]

    def text_records(self, command, golden, *arguments):
        """One record per golden text. Texts go in as arguments: a file of lines can't carry every one of them."""
        return self.records(command, *arguments, "--", *(entry["text"] for entry in golden))

    def report(self, what, passed, detail):
        global failures
        failures += not passed
        print(f"{'ok  ' if passed else 'FAIL'} {self.name:30} {what:14} {detail}", flush=True)

    def tokens(self, golden):
        records = self.text_records("tokenize", golden)
        wrong = [entry["text"] for entry, record in zip(golden, records) if entry["tokens"] != record["tokens"]]
        passed = not wrong and len(records) == len(golden)
        self.report("tokens", passed, f"{len(golden) - len(wrong)} of {len(golden)} equal {wrong[:3] or ''}")

    def preprocessing(self, golden, folder):
        worst = 0.0
        for entry in golden:
            output = self.scratch / "pixels.npy"
            run(self.clip, "preprocess", "--model", self.model, "--quiet", folder / entry["picture"], "-o", output)
            shape, values = read_npy(output)
            if len(shape) != 4 or shape[:2] != (1, 3):
                self.report("preprocess", False, f"{entry['picture']}: shape {shape}, expected (1, 3, H, W)")
                return
            plane = shape[2] * shape[3]
            means = [math.fsum(values[c * plane : (c + 1) * plane]) / plane for c in range(3)]
            pairs = [*zip(values, entry["pixels_first_row"]), *zip(means, entry["pixels_mean"])]
            worst = max(worst, *(difference(ours, theirs) for ours, theirs in pairs))
        self.report("preprocess", worst <= LARGEST_PIXEL_ERROR, f"largest error {worst:.1e}")

    def pictures(self, golden, folder):
        paths = [folder / entry["picture"] for entry in golden]
        self.embeddings("image", golden, self.records("embed-image", "--no-normalize", *paths))

    def texts(self, golden):
        self.embeddings("text", golden, self.text_records("embed-text", golden, "--no-normalize"))

    def embeddings(self, what, golden, records):
        if len(golden) != len(records):
            self.report(what, False, f"{len(records)} records, expected {len(golden)}")
            return
        worst, least = 0.0, 1.0
        for entry, record in zip(golden, records):
            ours, theirs = record["embedding"], entry["embedding"]
            if len(ours) != len(theirs):
                self.report(what, False, f"{len(ours)} values, expected {len(theirs)}")
                return
            largest = max(abs(value) for value in theirs)
            worst = max(worst, max(difference(a, b) for a, b in zip(ours, theirs)) / largest)
            least = min(least, cosine(ours, theirs))
        exact = self.packed in (None, "f32")
        passed = least >= LEAST_COSINE[self.packed] and (worst <= LARGEST_ERROR or not exact)
        self.report(what, passed, f"{len(golden)} embeddings, largest error {worst:.1e}, least cosine {least:.9f}")


def picture_folder(folder, golden):
    for candidate in (folder / "pictures", folder.parent / "pictures", folder.parent.parent / "pictures"):
        if all((candidate / entry["picture"]).is_file() for entry in golden["pictures"]):
            return candidate
    sys.exit(f"{folder}: no folder holds the pictures of golden.json, name it with --pictures")


def run(*command):
    result = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if result.returncode:
        message = result.stderr.decode("utf-8", "replace").strip()
        sys.exit(f"{' '.join(map(str, command[:2]))}: exit {result.returncode}: {message}")
    return result.stdout


def difference(ours, theirs):
    """How far apart; a value that is no number is infinitely far."""
    distance = abs(ours - theirs)
    return distance if math.isfinite(distance) else math.inf


def cosine(a, b):
    product = math.fsum(x * y for x, y in zip(a, b))
    value = product / math.sqrt(math.fsum(x * x for x in a) * math.fsum(y * y for y in b) or math.inf)
    return value if math.isfinite(value) else -1.0


def read_npy(path):
    data = path.read_bytes()
    assert data[:6] == b"\x93NUMPY", f"{path}: no npy file"
    wide = data[6] > 1
    start = 12 if wide else 10
    (length,) = struct.unpack_from("<I" if wide else "<H", data, 8)
    header = data[start : start + length].decode("latin-1")
    fields = ast.literal_eval(header.strip())
    assert fields["descr"] == "<f4" and not fields["fortran_order"], header
    count = math.prod(fields["shape"])
    return tuple(fields["shape"]), struct.unpack_from(f"<{count}f", data, start + length)


main()
