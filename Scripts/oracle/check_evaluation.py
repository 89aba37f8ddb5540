#!/usr/bin/env python3
"""Holds `clip evaluate` and `clip classify --examples` to CLIP_benchmark and scikit-learn on the same embeddings.

    Scripts/.venv/bin/python Scripts/oracle/check_evaluation.py [--clip .build/release/clip] [--model MODEL] [FOLDER | --digits]

FOLDER has a folder of pictures for each label; without it cuttings of Models/examples stand in, with --digits the 1,797 handwritten
digits that scikit-learn carries. Embeddings come from `clip
embed-image` and `embed-text`; CLIP_benchmark computes top-1, top-5, the mean recall and the recalls of captions from them,
scikit-learn the regression.
"""

import argparse
import csv
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy as np
import torch
from PIL import Image
from safetensors.numpy import load_file
from sklearn.linear_model import LogisticRegression

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Scripts/fixtures"))
from make_evaluation_fixtures import Batches, Lookup, zeroshot_classification, zeroshot_retrieval  # noqa: E402

TEMPLATES = ["a photo of a {}", "a drawing of a {}", "{}"]
failures = []


def check(holds, what):
    print("ok    " if holds else "FAILED", what, flush=True)
    if not holds:
        failures.append(what)


def cuttings(folder):
    """Twelve cuttings of each example, in a folder named like it."""
    chance = random.Random(22)
    for path in sorted((ROOT / "Models/examples").glob("*.[jp][pn]g")):
        picture = Image.open(path).convert("RGB")
        (folder / path.stem).mkdir(parents=True)
        for number in range(12):
            width, height = (int(edge * chance.uniform(0.4, 0.9)) for edge in picture.size)
            left, top = chance.randint(0, picture.width - width), chance.randint(0, picture.height - height)
            picture.crop((left, top, left + width, top + height)).save(folder / path.stem / f"{number:02}.png")


def digits(folder):
    """The test set of the UCI ML hand-written digits, eight pixels wide, made large enough for an encoder."""
    from sklearn.datasets import load_digits

    names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    data = load_digits()
    for number, (picture, digit) in enumerate(zip(data.images, data.target)):
        (folder / names[digit]).mkdir(parents=True, exist_ok=True)
        shades = 255 - np.clip(picture * 16, 0, 255).astype(np.uint8)
        Image.fromarray(shades).resize((224, 224), Image.Resampling.BICUBIC).save(folder / names[digit] / f"{number:04}.png")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clip", default=str(ROOT / ".build/release/clip"))
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--digits", action="store_true")
    parser.add_argument("folder", nargs="?", type=pathlib.Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="check-evaluation-") as name:
        scratch = pathlib.Path(name)
        folder = options.folder or scratch / "sets"
        if options.digits:
            digits(folder)
        elif not options.folder:
            cuttings(folder)

        def clip(*arguments):
            arguments = [options.clip, *map(str, arguments), "--model", options.model, "-q"]
            return subprocess.run(arguments, check=True, capture_output=True, text=True).stdout

        def rows(command, *arguments):
            clip(command, *arguments, "-o", scratch / "rows.npy", "--overwrite")
            return np.load(scratch / "rows.npy")

        templates = [word for template in TEMPLATES for word in ("--template", template)]
        records = [json.loads(line) for line in clip("evaluate", folder, *templates).splitlines()]
        summary = records[-1]
        shown = [record for record in records if record["kind"] == "picture"]
        labels = [record["label"] for record in records if record["kind"] == "class"]
        truths = np.array([labels.index(record["label"]) for record in shown])
        paths = scratch / "paths"
        paths.write_text("".join(record["input"] + "\n" for record in shown))
        pictures = rows("embed-image", "--files-from", paths)
        texts = [template.replace("{}", label) for template in TEMPLATES for label in labels]
        (scratch / "texts").write_text("".join(text + "\n" for text in texts))
        table = rows("embed-text", "--file", scratch / "texts").tolist()

        batches = Batches()
        for start in range(0, len(shown), 64):
            numbers = torch.arange(start, min(start + 64, len(shown)))
            batches.append((numbers, torch.tensor(truths[numbers.numpy()])))
        batches.dataset = type("Dataset", (), {"classes": labels})

        def benchmark(templates):
            return zeroshot_classification.evaluate(
                Lookup(pictures, table), batches, lambda prompts: torch.tensor([texts.index(text) for text in prompts]), labels,
                [template.replace("{}", "{c}") for template in templates], "cpu", amp=False)

        expected = benchmark(TEMPLATES)
        for ours, theirs in [("top1", "acc1"), ("top5", "acc5"), ("mean_recall", "mean_per_class_recall")]:
            if summary[ours] is None:
                check(np.isnan(expected[theirs]), f"{ours}: none, as there")
            else:
                check(np.float32(summary[ours]) == np.float32(expected[theirs]), f"{ours}: {summary[ours]}, {expected[theirs]}")
        for record in records:
            if record["kind"] == "template":
                alone = benchmark([record["template"]])["acc1"]
                check(np.float32(record["top1"]) == np.float32(alone), f"{record['template']!r}: {record['top1']}, {alone}")

        captions = [(record["input"], f"{kind} {record['label']}") for record in shown for kind in ["a", "a small", "some"]]
        with open(scratch / "captions.csv", "w", newline="") as file:
            csv.writer(file).writerows([("path", "caption")] + [(path, f"{text} {place}") for place, (path, text) in enumerate(captions)])
        (scratch / "texts").write_text("".join(f"{text} {place}\n" for place, (_, text) in enumerate(captions)))
        table = rows("embed-text", "--file", scratch / "texts").tolist()
        batches = [
            (torch.arange(start, min(start + 16, len(shown))),
             [[3 * number, 3 * number + 1, 3 * number + 2] for number in range(start, min(start + 16, len(shown)))])
            for start in range(0, len(shown), 16)]
        expected = zeroshot_retrieval.evaluate(
            Lookup(pictures, table), batches, torch.tensor, "cpu", amp=False, recall_k_list=[1, 5, 10])
        for line in clip("evaluate", "--pairs", scratch / "captions.csv").splitlines():
            record = json.loads(line)
            if record["kind"] == "retrieval":
                for ours, theirs in [("image_recall", "image_retrieval_recall"), ("text_recall", "text_retrieval_recall")]:
                    value = expected[f"{theirs}@{record['k']}"]
                    check(np.float32(record[ours]) == np.float32(value), f"{ours} at {record['k']}: {record[ours]}, {value}")

        for c in ["1", "31.6"]:
            head = scratch / f"{c}.safetensors"
            clip("classify", "--examples", folder, "--regression", c, "--save-head", head)
            found = load_file(head)
            fit = LogisticRegression(C=float(c), tol=1e-10, max_iter=100_000).fit(pictures.astype(np.float64), truths)
            weights, biases = found["layers.0.weight"], found["layers.0.bias"]
            if len(labels) == 2:
                weights, biases = weights[1:], biases[1:]
            error = max(np.abs(weights - fit.coef_).max(), np.abs(biases - fit.intercept_).max())
            check(error < 1e-4, f"regression with C = {c}: weights within {error:.1e}")
    print(f"{len(failures)} failed" if failures else "all hold")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
