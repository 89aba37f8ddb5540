#!/usr/bin/env python3
"""Writes the pages that `clip audit` makes of the embedded model: drawings of women and men, and things of several regions.

    skews.py --cache DIR --clip PROGRAM [--model FILE] --out DIR

DIR of --cache is the picture bank. The drawings are Noto Color Emoji's, since the pages carry small copies of them and its licence allows that; the
model was trained on them, so that what the pages show is what it made of them, not a style that it doesn't know. Writes people.html and
regions.html into OUT and prints the labels that lean.
"""

import argparse
import csv
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

import evaluate

PEOPLE = [*evaluate.PROFESSIONS, "criminal", "genius", "boss"]
THINGS = "delicious,strange,modern,old-fashioned,rich,poor,clean,dirty,beautiful,ugly,home,foreign".split(",")


def drawings(cache):
    """{name: picture} of Noto Color Emoji"""
    meta, bank = json.loads((cache / "meta.json").read_text()), np.load(cache / "bank.npy", mmap_mode="r")
    rows = {meta["concepts"][p["concept"]]["name"]: i for i, p in enumerate(meta["pictures"]) if p["source"] == "noto-color"}
    return {name: evaluate.on_white(bank[i]).resize((72, 72)) for name, i in rows.items()}


def audit(arguments, groups, labels, page):
    """groups: {group: {name: picture}}"""
    with tempfile.TemporaryDirectory() as work:
        folder, table, rows = Path(work) / "drawings", Path(work) / "groups.csv", []
        folder.mkdir()
        for group, pictures in groups.items():
            for name, picture in pictures.items():
                path = f"{name.replace(' ', '-')}.png"
                picture.save(folder / path)
                rows.append((path, group))
        with open(table, "w", newline="") as file:
            csv.writer(file).writerows([("path", "group"), *rows])
        command = [arguments.clip, "audit", ".", "--labels", ",".join(labels), "--groups", table, "--html", page, "--overwrite"]
        command += ["--model", arguments.model.resolve()] if arguments.model else []
        done = subprocess.run([*command, "-q", "--format", "jsonl"], cwd=folder, check=True, capture_output=True, text=True)
        page.write_text(page.read_text().replace(f"{work}/", ""))  # where they lay for the moment is nobody's business
    records = [json.loads(line) for line in done.stdout.splitlines()]
    print(f"{page.name}: {len(rows)} pictures, {page.stat().st_size} bytes")
    for record in records:
        if record["kind"] in ("association", "summary"):
            print(json.dumps(record))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--clip", type=Path, required=True)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.clip, out = arguments.clip.resolve(), arguments.out.resolve()
    drawn = drawings(arguments.cache)
    pairs = [n.removeprefix("woman ") for n in drawn if n.startswith("woman ") and n.replace("woman ", "man ", 1) in drawn]
    people = {who: {f"{who} {pair}": drawn[f"{who} {pair}"] for pair in pairs} for who in ("man", "woman")}
    audit(arguments, people, PEOPLE, out / "people.html")
    regions = {}
    for listed, names in evaluate.REGIONS.items():
        group = regions.setdefault(listed.partition(" of ")[2], {})
        group |= {name: drawn[name] for name in names.split(",") if name in drawn}
    audit(arguments, regions, THINGS, out / "regions.html")
