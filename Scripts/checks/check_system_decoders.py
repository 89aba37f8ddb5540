#!/usr/bin/env python3
"""Holds HEIC, AVIF and JPEG XL, which `clip` has decoded by the system's libraries, to those libraries' own programs.

    Scripts/.venv/bin/python Scripts/checks/check_system_decoders.py [--clip PATH] [--mutations N]

Needs heif-enc and heif-convert, avifenc, cjxl and djxl (Debian: libheif-examples, libavif-bin, libjxl-tools). Makes a
file with every option that changes the stream, of the size that the embedded model takes, so that `clip preprocess` shows the
pixels as they are: they must equal those of heif-convert and djxl. Then N damaged copies of each format: one line or one
embedding each, the program goes on, and its memory stays where it was.
"""
import argparse
import json
import pathlib
import random
import resource
import struct
import subprocess
import sys
import tempfile
import zlib

import numpy as np
from PIL import Image

PACKAGE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PACKAGE / "Scripts/pictures"))
from make_picture_set import scene, with_alpha  # noqa: E402


def run(*arguments, **options):
    return subprocess.run([str(a) for a in arguments], capture_output=True, **options)


def deep_png(path, samples):
    """A PNG of sixteen bits a sample, which Pillow doesn't write in colour."""
    height, width, _ = samples.shape

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + row.tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def make(folder, side):
    """The files that could be made, and those of them that have more than eight bits a sample."""
    scene(side, side).save(folder / "scene.png")
    with_alpha(scene(side, side, 2)).save(folder / "alpha.png")
    scene(side, side).convert("L").save(folder / "grey.png")
    deep_png(folder / "deep.png", (np.asarray(scene(side, side)).astype(np.uint32) * 64003 // 255).astype(">u2"))
    scene(side, side, 3).save(folder / "other.png")
    source = {n: folder / f"{n}.png" for n in ["scene", "other", "alpha", "grey", "deep"]}
    wanted = []
    heif = [("scene", ["-q", q]) for q in ["10", "50", "95"]] + [("scene", ["-L"]), ("alpha", ["-q", "60"]), ("grey", ["-q", "60"])]
    heif += [("scene", ["-q", "60", "-p", f"chroma={c}"]) for c in ["420", "422", "444"]]
    heif += [("deep", ["-q", "60", "-b", b]) for b in ["10", "12"]]
    for place, (name, options) in enumerate(heif):
        wanted.append((["heif-enc", source[name], "-o"], options, folder / f"h{place}.heic"))
        wanted.append((["heif-enc", "-A", source[name], "-o"], options, folder / f"h{place}.avif"))
    avif = [("scene", ["-y", y]) for y in ["420", "422", "444"]] + [("scene", ["-l"]), ("scene", ["-y", "400"]), ("alpha", []), ("alpha", ["--premultiply"])]
    avif += [("scene", ["-d", d]) for d in ["10", "12"]] + [("scene", ["--irot", r]) for r in "123"] + [("scene", ["--imir", m]) for m in "01"]
    avif += [("scene", ["--irot", "1", "--imir", "0"]), ("scene", ["--grid", "2x2", "-y", "444"]), ("scene", ["-r", "limited"])]
    for place, (name, options) in enumerate(avif):
        wanted.append((["avifenc", "-s", "8", *options, source[name]], [], folder / f"a{place}.avif"))
    # A sequence, of which the picture that stands for it counts.
    wanted.append((["avifenc", "-s", "8", source["scene"], source["other"]], [], folder / "sequence.avif"))
    jxl = [("scene", ["-d", d]) for d in ["0", "1", "4"]] + [("alpha", ["-d", "0"]), ("alpha", ["-d", "1"]), ("grey", ["-d", "0"]), ("grey", ["-d", "1"])]
    jxl += [("scene", ["-d", "1", "-e", e]) for e in ["3", "8"]] + [("scene", ["-d", "1", "-p"]), ("scene", ["-d", "0", "-m", "1"]), ("scene", ["-d", "1", "--container=1"])]
    jxl += [("deep", ["-d", "0"])]
    for place, (name, options) in enumerate(jxl):
        wanted.append((["cjxl", source[name]], options, folder / f"j{place}.jxl"))
    # JPEGs that EXIF turns: inside JPEG XL as they are, in HEIF as heif-enc writes them.
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        jpeg = folder / f"turned{orientation}.jpg"
        scene(side, side).save(jpeg, quality=90, exif=exif)
        wanted.append((["cjxl", jpeg], [], folder / f"o{orientation}.jxl"))
        wanted.append((["heif-enc", jpeg, "-o"], ["-q", "70"], folder / f"o{orientation}.heic"))
    made = []
    deep = {file for command, _, file in wanted if source["deep"] in command}
    for command, options, file in wanted:
        result = run(*command, file, *options)
        if file.exists() and result.returncode == 0:
            made.append(file)
        else:
            print("not made:", file.name, *options, result.stderr.decode(errors="replace").strip().splitlines()[-1:])
    return made, deep


def reference(file, folder):
    """What the library's own program decodes, over white as `clip` does it."""
    png = folder / "reference.png"
    png.unlink(missing_ok=True)
    whole = file.read_bytes()
    if whole[4:12] == b"ftypavis":
        # heif-convert takes no file that says it is a sequence; the picture in it is stored as that of any other.
        file = folder / "still.avif"
        file.write_bytes(whole.replace(b"ftypavis", b"ftypavif", 1))
    result = run("djxl", file, png) if file.suffix == ".jxl" else run("heif-convert", file, png)
    if not png.exists():
        raise SystemExit(f"{file.name}: {result.stderr.decode()}")
    # Of sixteen bits in colour Pillow takes the high ones.
    picture = Image.open(png)
    if picture.mode == "I;16":
        picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    pixels = np.asarray(picture.convert("RGBA")).astype(np.uint32)
    colour, opacity = pixels[..., :3], pixels[..., 3:]
    return (colour * opacity + 255 * (255 - opacity) + 127) // 255


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--clip", default=str(PACKAGE / ".build/debug/clip"))
    parser.add_argument("--mutations", type=int, default=200)
    arguments = parser.parse_args()
    clip = arguments.clip
    info = json.loads(run(clip, "info", "--format", "json").stdout)
    side = info["vision"]["image_size"]
    print(*(f"{d['name']} {d['version']}: {', '.join(d['formats'])}" for d in info["system_decoders"]), sep="\n")
    failed = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        made, deep = make(folder, side)
        for file in made:
            seen = folder / "seen.png"
            seen.unlink(missing_ok=True)
            result = run(clip, "preprocess", file, "-o", seen)
            if result.returncode:
                failed.append(f"{file.name}: {result.stderr.decode().strip()}")
                continue
            ours = np.asarray(Image.open(seen).convert("RGB")).astype(int)
            theirs = reference(file, folder).astype(int)
            # libjxl rounds sixteen bits to eight; what djxl writes keeps them, and of that the high byte is taken here.
            allowed = 1 if file in deep and file.suffix == ".jxl" else 0
            if ours.shape != theirs.shape or abs(ours - theirs).max() > allowed:
                worst = "another size" if ours.shape != theirs.shape else f"up to {abs(ours - theirs).max()} in {(ours != theirs).mean():.2%}"
                failed.append(f"{file.name}: differs, {worst}")
        print(f"{len(made)} files, {len(made) - len(failed)} equal to heif-convert's or djxl's pixels")

        generator = random.Random(1)
        damaged = folder / "damaged"
        damaged.mkdir()
        for file in made:
            whole = file.read_bytes()
            for number in range(max(1, arguments.mutations // len(made))):
                part = bytearray(whole)
                for _ in range(generator.randint(1, 4)):
                    place = generator.randrange(min(len(part), generator.choice([64, 400, len(part)])))
                    part[place] = generator.choice([0, 0xFF, 0x7F, 0x80, generator.randrange(256)])
                if generator.random() < 0.3:
                    del part[generator.randrange(len(part)):]
                (damaged / f"{file.stem}-{number}{file.suffix}").write_bytes(part)
        names = sorted(str(p) for p in damaged.iterdir())
        listed = folder / "list"
        listed.write_text("\n".join(names) + "\n")
        result = run(clip, "embed-image", "--files-from", listed, "--quiet")
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
        embedded = {json.loads(line)["input"] for line in result.stdout.decode().splitlines()}
        errors = [line for line in result.stderr.decode(errors="replace").splitlines()]
        named = {n for n in names if any(line.startswith(f"clip: {n}: ") for line in errors)}
        if result.returncode not in (0, 1) or embedded & named or embedded | named != set(names):
            failed.append(f"damaged files: status {result.returncode}, {len(set(names) - embedded - named)} without an answer")
        faults = sum("or a fault of the system's" in line for line in errors)
        print(f"{len(names)} damaged files: {len(embedded)} decoded, {len(named)} refused, {faults} of them by the end of their process; "
              f"the largest process took {peak} MB")
    print(*failed, sep="\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
