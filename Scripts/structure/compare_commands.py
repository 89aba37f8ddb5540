#!/usr/bin/env python3
"""Runs every command over the fixtures with two builds and says where they differ: output, errors, exit code, files written.

  compare_commands.py OLD NEW [--keep FOLDER]

OLD and NEW are programs. Both run at the same path, beside the small model of this checkout, in a fresh copy of one and the same
folder, so that no name differs. For a change that is meant to change nothing. Exit code 1 if
anything differs. Python's standard library alone.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "Tests/CLIPTests/Fixtures"
LABELS = "cat,dog,house,airplane,teapot"
# What may differ between two runs of one program: times of files and of day, measured speeds.
CLOCK = re.compile(rb'\b\d+(\.\d+)? ?(ms|s|seconds|pictures/s|/s)\b|"seconds":[0-9.e-]+')

# One line a command, run in order in one folder, so that later ones find what earlier ones wrote.
COMMANDS = [line.split("#")[0].strip() for line in """
help
--version
classify photos/cat.jpg --labels LABELS
classify photos --labels LABELS
classify photos --labels LABELS --format text
classify photos --labels LABELS --format csv --top 2
classify photos --labels LABELS --format json --reject --independent
classify photos/cat.jpg --labels LABELS --template "a drawing of a {}" --template "a {}" --fit pad
classify photos/cat.jpg --labels cat,cat
classify photos/cat.jpg missing.jpg broken.png --labels LABELS
classify photos/cat.jpg --labels "pink horse,green horse,pink house" --batch-size 1 --threads 1
embed-image photos -o photos.npy
embed-image photos --format jsonl -o photos.jsonl
embed-image photos --format csv
embed-image photos --fit squash --alpha drop --no-orient --gray16 clip
embed-image photos --fit multicrop --fast-decode --no-normalize
embed-image pictures --model models/quickgelu-f32
embed-image pictures --model models/gelu-f16-sharded
embed-image pictures --model models/siglip
embed-image pictures --model models/siglip2
embed-image broken.png
embed-text "a cat" "a photo of two dogs" ""
embed-text --file texts.txt --format csv
embed-text --file texts.txt -o texts.npy
embed-text "LONG" --long-text chunk
embed-text "LONG" --long-text truncate
embed-text "LONG" --long-text error
similarity photos/cat.jpg photos/dog.jpg "text:a cat"
similarity "text:a cat" photos/cat.jpg "a dog" --format csv
score photos/cat.jpg "a cat" "a dog"
score --pairs pairs.tsv --pairs-format lines
compare photos drawings
explain photos/cat.jpg "a cat" -o map.png
audit photos --labels LABELS --html audit.html
evaluate . --template {} --html evaluation.html
classify photos --examples . --save-head folders.safetensors
classify drawings --head folders.safetensors
score --head folders.safetensors photos
index photos drawings -o both.index
index photos
index photos
index --status photos
index --verify photos
search "a cat" --index photos
search "a cat" --index photos --format text --top 3
search "a cat" --minus "a dog" --index both.index --html search.html
search --image photos/cat.jpg --index both.index
dedupe photos
dedupe photos --threshold 0.5 --html dedupe.html
cluster photos --count 3
cluster photos --count 3 --html cluster.html --name-by LABELS
filter --index photos --keep "a cat"
filter --index photos --keep "a cat" --html filter.html
outliers photos
outliers --index photos --html outliers.html
vectors --index photos -o vectors.npy
tokenize "A photo of a cat!" "naïve café 😀" --pieces
tokenize --file texts.txt
tokenize --file texts.txt --model models/siglip
tokenize --file texts.txt --model models/siglip2
tokenize --file texts.txt --model sources/openclip-variant
preprocess photos/cat.jpg -o seen.npy
preprocess photos/cat.jpg -o seen.png --fit pad
pack models/quickgelu-f32 -o quickgelu.clip
pack models/quickgelu-f32 -o quickgelu-f16.clip --dtype f16
pack models/quickgelu-f32 -o quickgelu-int8.clip --dtype int8
pack models/quickgelu-f32 -o quickgelu-int16.clip --dtype int16
pack models/gelu-f16-sharded -o gelu.clip
pack models/siglip -o siglip.clip
pack models/siglip2 -o siglip2.clip --dtype int8
pack sources/openclip-variant -o openclip.clip
pack sources/openai-script -o openai-script.clip
pack sources/openai-state -o openai-state.clip
pack sources/gguf-q4_0 -o gguf4.clip
pack sources/gguf-q8_0 -o gguf8.clip
pack missing -o missing.clip
embed-image pictures --model quickgelu.clip
embed-image pictures --model quickgelu-int8.clip
embed-image pictures --model quickgelu-int16.clip
embed-text --file texts.txt --model openclip.clip
embed-text --file texts.txt --model openai-state.clip
export quickgelu.clip -o exported
export siglip.clip -o exported-siglip
info
info quickgelu.clip
info models/siglip2 --format json
info photos/cat.jpg
info sources/openclip-variant
verify
verify quickgelu-int8.clip
verify quickgelu.clip --format json
models
models --known
pull
bench --what image --seconds 0.1 --format json
search
frobnicate
classify --lables cat photos/cat.jpg
index missing-folder
search "a cat" --index missing-folder
""".splitlines()]


def prepare(folder):
    shutil.copytree(FIXTURES / "models", folder / "models")
    shutil.copytree(FIXTURES / "sources", folder / "sources")
    shutil.copytree(FIXTURES / "pictures", folder / "pictures")
    (folder / "photos").mkdir()
    (folder / "drawings").mkdir()
    for picture in sorted((ROOT / "Models/examples").glob("*.*g")):
        shutil.copy2(picture, folder / ("photos" if picture.suffix == ".jpg" else "drawings"))
    shutil.copy2(folder / "photos/cat.jpg", folder / "photos/cat copy.jpg")
    (folder / "broken.png").write_bytes((folder / "drawings/owl.png").read_bytes()[:200])
    (folder / "texts.txt").write_text("a cat\nA photo of a DOG\nnaïve café\n猫の写真\n'quoted' <html> &amp; 12345\n", encoding="utf-8")
    (folder / "pairs.tsv").write_text("photos/cat.jpg\ta cat\nphotos/dog.jpg\ta red car\n", encoding="utf-8")
    for path in folder.rglob("*"):
        os.utime(path, (1_700_000_000, 1_700_000_000))


def words(line):
    import shlex
    return [{"LABELS": LABELS, "LONG": "word " * 200}.get(word, word) for word in shlex.split(line)]


def snapshot(folder):
    return {
        str(path.relative_to(folder)): os.readlink(path) if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*")) if path.is_file() or path.is_symlink()
    }


def outcome(program, folder, line):
    environment = {**os.environ, "HF_HOME": str(folder / "hub"), "HOME": str(folder), "COLUMNS": "80"}
    environment.pop("CLIP_MODEL", None)
    done = subprocess.run([program, *words(line)], cwd=folder, env=environment, capture_output=True, stdin=subprocess.DEVNULL, timeout=300)
    hide = (lambda text: CLOCK.sub(b"*", text)) if not line.startswith("bench") else (lambda text: b"")
    return done.returncode, hide(done.stdout), hide(done.stderr)


def run(built, place):
    """[(line, outcome, files that the line changed)]"""
    programs = place.parent / "bin"
    if programs.exists():
        shutil.rmtree(programs)
    programs.mkdir()
    shutil.copy2(built, programs / "clip")
    shutil.copy2(ROOT / "Models/clip-small.clip", programs)
    program = programs / "clip"
    if place.exists():
        shutil.rmtree(place)
    place.mkdir(parents=True)
    prepare(place)
    rows, before = [], snapshot(place)
    for line in COMMANDS:
        if line:
            answer, after = outcome(program, place, line), snapshot(place)
            rows.append((line, answer, {name: after.get(name) for name in {*before, *after} if before.get(name) != after.get(name)}))
            before = after
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--keep", type=Path, help="leave the folder of the run of NEW here")
    options = parser.parse_args()
    scratch = Path(tempfile.mkdtemp())
    try:
        old, new = run(options.old.resolve(), scratch / "run"), run(options.new.resolve(), scratch / "run")
        if options.keep:
            shutil.copytree(scratch / "run", options.keep)
    finally:
        shutil.rmtree(scratch)
    differing = 0
    for (line, before, files), (_, after, others) in zip(old, new):
        faults = [name for name, a, b in zip(("exit code", "output", "errors"), before, after) if a != b]
        faults += [f"file {name}" for name in sorted({*files, *others}) if files.get(name) != others.get(name)]
        if faults:
            differing += 1
            print(f"differs: clip {line}: {', '.join(faults[:6])}")
            for a, b in zip(before, after):
                if a != b:
                    print(f"    old: {str(a)[:300]}\n    new: {str(b)[:300]}")
    ended = sum(code == 0 for _, (code, *_), _ in new)
    print(f"{len(new)} commands, {ended} of them successful, {differing} differ")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
