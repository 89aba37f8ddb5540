#!/usr/bin/env python3
"""Holds the command of another architecture, in an emulator, to this machine's: embeddings of every fixture model and every picture.

  compare_machines.py HERE THERE [--pictures FOLDER …] [--sets NAME …] [--tools HERE THERE]

HERE and THERE are commands, such as .build/release/clip and "qemu-aarch64-static -L ROOT .build/arm64/…/clip".

  models     every model among the fixtures and the embedded one, as it is and packed as f32, f16, int16 and int8: the
             fixture pictures, four of the examples and a few texts. Whole numbers must give the same text to the last digit, on each instruction set of
             --sets there (baseline dotprod i8mm); floats may differ by 1e-6, and so may int8 of version 1, whose projection is f16.
  pictures   every file below --pictures, embedded with the embedded model in int16, whose embeddings are the same to the bit if their
             pictures are, and with what can't be read refused in the same words
  --tools    two builds of Scripts/pictures/PictureTool.swift: every file decoded by both, over white and without alpha, to the same bytes

Exit status 1 if anything differs. Python's standard library alone.
"""

import argparse
import hashlib
import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "Tests/CLIPTests/Fixtures"
TEXTS = ["a photo of a dog", "naïve café — 3.14159", "", "two red cars", "ein Fahrrad im Regen", "猫の写真"]
TYPES = ("f32", "f16", "int16", "int8")
BOUND = 1e-6


def run(command, arguments, instruction_set=None):
    """Standard output, standard error and the exit status."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CLIP_")}
    if instruction_set:
        environment["CLIP_ISA"] = instruction_set
    done = subprocess.run([*shlex.split(command), *map(str, arguments)], env=environment, capture_output=True, text=True)
    return done.stdout, done.stderr, done.returncode


def models():
    """(name, path) of what may load by itself."""
    yield "embedded", ROOT / "Models/clip-small.clip"
    for room in ("models", "sources"):
        for path in sorted((FIXTURES / room).iterdir()):
            if path.is_dir():
                files = [file for file in sorted(path.iterdir()) if file.suffix in (".pt", ".gguf", ".bin")]
                yield f"{room}/{path.name}", path if (path / "config.json").exists() or not files else files[0]
    yield "sentences", FIXTURES / "sentences"
    for path in sorted((FIXTURES / "formats").glob("*.clip")):
        yield f"formats/{path.name}", path


def compare_embeddings(options, name, model, whole, pictures):
    """The number of differences, and a line of the table."""
    failures, cells = 0, []
    for job, inputs in (("embed-image", pictures), ("embed-text", TEXTS)):
        arguments = [job, "--model", model, *inputs, "--format", "jsonl", "--threads", "2", "--quiet"]
        here = run(options.here, arguments)
        for instruction_set in options.sets if whole else options.sets[-1:]:
            there = run(options.there, arguments, instruction_set)
            records = [[json.loads(line) for line in output.splitlines()] for output in (here[0], there[0])]
            largest = max((abs(a - b) for x, y in zip(*records) for a, b in zip(x["embedding"], y["embedding"])), default=0)
            same = here[1:] == there[1:] and len(records[0]) == len(records[1]) and (here[0] == there[0] if whole else largest <= BOUND)
            failures += not same
            cells.append(f"{job[6:]} {instruction_set}: {len(records[0])}, {'equal' if here[0] == there[0] else f'{largest:.1e}'}{'' if same else ' DIFFERS'}")
    print(f"{name:40} {'; '.join(cells)}", flush=True)
    return failures


def compare_models(options):
    failures = 0
    pictures = sorted((FIXTURES / "pictures").glob("*.png")) + sorted((ROOT / "Models/examples").glob("*.jpg"))[:4]
    with tempfile.TemporaryDirectory() as folder:
        for name, model in models():
            said = run(options.here, ["info", model, "--format", "json"])
            if said[2]:
                print(f"{name:40} doesn't load by itself: {said[1].strip()[:100]}")
                continue
            failures += compare_embeddings(options, name, model, name.startswith("formats/clip-2-int"), pictures)
            if name.startswith("formats/"):
                continue
            for type in TYPES:
                file = Path(folder) / "packed.clip"
                _, error, status = run(options.here, ["pack", model, "-o", file, "--dtype", type, "--overwrite", "--quiet"])
                if status:
                    print(f"{name} as {type}: not packed: {error.strip()[-100:]}")
                    break
                failures += compare_embeddings(options, f"{name} as {type}", file, type.startswith("int"), pictures)
    return failures


def compare_pictures(options):
    files = sorted(path for folder in options.pictures for path in folder.rglob("*") if path.is_file())
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "int16.clip"
        run(options.here, ["pack", ROOT / "Models/clip-small.clip", "-o", model, "--dtype", "int16", "--quiet"])
        listed = Path(folder) / "list"
        listed.write_bytes(b"".join(os.fsencode(path) + b"\0" for path in files))
        arguments = ["embed-image", "--model", model, "--files-from", listed, "--null", "--format", "jsonl", "--quiet"]
        here, there = (run(command, arguments) for command in (options.here, options.there))
        for index, what in enumerate(("embeddings", "refusals")):
            lines = [answer[index].splitlines() for answer in (here, there)]
            different = sum(a != b for a, b in zip(*lines)) + abs(len(lines[0]) - len(lines[1]))
            failures += different
            print(f"{what} of {len(files)} files: {len(lines[0])}, {different} different", flush=True)
        if options.tools:
            failures += compare_decoded(options.tools, files, Path(folder) / "pixels")
    return failures


def compare_decoded(tools, files, target):
    answers = []
    for command in tools:
        tool = subprocess.Popen(shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, errors="replace")
        found = {}
        for path in files:
            for words in ("clip", "drop,clip"):
                print("decode", path, words, target, sep="\t", file=tool.stdin, flush=True)
                answer = tool.stdout.readline().strip()
                if not answer:
                    raise SystemExit(f"{command} ended at {path}")
                found[path, words] = (answer, hashlib.sha256(target.read_bytes()).hexdigest() if answer.startswith("ok") else "")
        tool.stdin.close()
        tool.wait()
        answers.append(found)
    different = [key for key in answers[0] if answers[0][key] != answers[1][key]]
    for path, words in different[:20]:
        print(f"  {path} ({words}): {answers[0][path, words][0]} here, {answers[1][path, words][0]} there")
    decoded = sum(1 for answer, _ in answers[0].values() if answer.startswith("ok"))
    print(f"decoded: {decoded} pictures, {len(answers[0]) - decoded} refusals, {len(different)} different", flush=True)
    return len(different)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("here")
    parser.add_argument("there")
    parser.add_argument("--pictures", type=Path, nargs="+", default=[])
    parser.add_argument("--sets", nargs="+", default=["baseline", "dotprod", "i8mm"])
    parser.add_argument("--tools", nargs=2, metavar=("HERE", "THERE"))
    options = parser.parse_args()
    failures = (compare_pictures(options) if options.pictures else 0) + compare_models(options)
    print(f"{failures} differences")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
