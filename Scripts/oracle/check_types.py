#!/usr/bin/env python3
"""What each type of weights leaves of a model's accuracy: packs MODEL as f32, f16, int16 and int8, embeds pictures and labels with
each, and prints one row a type: the file's size, the mean of 1 - cosine and the least cosine to f32 of pictures and of labels, the
largest change of a score (a picture's cosine with a label), and the share of zero-shot answers that change, over seeded draws of labels.

    Scripts/oracle/check_types.py MODEL --pictures DIR... [--labels FILE] [--clip .build/release/clip]

FILE holds a label a line, or is JSON with a list of "labels", or of "images" with a "label" each, as Models/examples/labels.json, which
is taken by default.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

TYPES = ("f32", "f16", "int16", "int8")


def main():
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--pictures", nargs="+", required=True)
    parser.add_argument("--labels", type=Path, default=root / "Models/examples/labels.json")
    parser.add_argument("--template", default="a photo of a {}")
    parser.add_argument("--among", type=int, default=50, help="labels of a draw")
    parser.add_argument("--draws", type=int, default=100, help="draws for each picture")
    parser.add_argument("--clip", default=root / ".build/release/clip")
    arguments = parser.parse_args()

    labels = read_labels(arguments.labels)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        prompts = folder / "prompts.txt"
        prompts.write_text("".join(arguments.template.format(label) + "\n" for label in labels))

        def run(*words, check):
            subprocess.run([arguments.clip, *map(str, words), "--quiet"], check=check, stdout=subprocess.DEVNULL)

        def embed(command, kind, model, *inputs):
            target = folder / f"{kind}.npy"
            target.unlink(missing_ok=True)
            # Pictures that can't be decoded make it 1, and the others are there.
            run(command, *inputs, "--model", model, "-o", target, check=False)
            return np.load(target).astype(np.float64)

        print(f"{arguments.model}: {len(labels)} labels\n")
        print("| type | MB | pictures: mean 1 - cos | least cos | labels: mean 1 - cos | least cos | largest change of a score | answers changed |")
        print("|---|---|---|---|---|---|---|---|")
        reference = None
        for kind in TYPES:
            model = folder / "model.clip"
            run("pack", arguments.model, "-o", model, "--dtype", kind, "--overwrite", check=True)
            pictures = embed("embed-image", "pictures", model, *arguments.pictures)
            texts = embed("embed-text", "texts", model, "--file", prompts)
            reference = reference or (pictures, texts)
            row = compare(reference, (pictures, texts), arguments.among, arguments.draws)
            print(f"| {kind} | {model.stat().st_size / 1e6:.1f} | {row} |", flush=True)
        print(f"\n{len(reference[0])} pictures, {len(reference[0]) * arguments.draws} answers")


def read_labels(path):
    if path.suffix == ".json":
        data = json.loads(path.read_text())
        return data.get("labels") or sorted({image["label"] for image in data["images"]})
    return [line for line in path.read_text().splitlines() if line]


def compare(reference, found, among, draws):
    fields = []
    for ours, theirs in zip(reference, found):
        cosines = (ours * theirs).sum(1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)
        fields += [f"{np.mean(1 - cosines):.1e}", f"{cosines.min():.7f}"]
    expected, scores = reference[0] @ reference[1].T, found[0] @ found[1].T
    changed, random = 0, np.random.default_rng(1)
    for _ in range(draws):
        # The same labels for both, others for every picture.
        order = random.random(scores.shape).argsort(1)[:, :among]
        best = [np.take_along_axis(matrix, order, 1).argmax(1) for matrix in (expected, scores)]
        changed += int((best[0] != best[1]).sum())
    share = changed / (draws * len(scores))
    return " | ".join([*fields, f"{np.abs(expected - scores).max():.1e}", f"{100 * share:.2f} %"])


if __name__ == "__main__":
    main()
