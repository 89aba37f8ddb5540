#!/usr/bin/env python3
"""Holds the preview that `clip` reads of camera raw files to what exiftool extracts of them.

    Scripts/.venv/bin/python Scripts/checks/check_raw_previews.py [--clip PATH]

Needs exiftool (Debian: libimage-exiftool-perl). Makes a file of each kind with the structure that its maker gives it: directories and
boxes that lead to a small and a large JPEG, and a sensor's samples, in some of them as a JPEG without loss, which is no picture. Real
files can't be had; what exiftool finds in these shows that they are built as those are. The largest JPEG that it extracts must be
the picture that `clip preprocess` shows.
"""
import argparse
import io
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image, ImageOps

PACKAGE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PACKAGE / "Scripts/pictures"))
from make_picture_set import scene  # noqa: E402

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 7: 1}
TAGS = ["JpgFromRaw", "PreviewImage", "OtherImage", "ThumbnailImage", "JpgFromRaw2"]


class Tiff:
    """Directories one after another, whose values may be data that stand behind them."""

    def __init__(self, magic=b"II*\0", extra=b""):
        self.bytes = bytearray(magic + struct.pack("<I", 8 + len(extra)) + extra)

    def blob(self, data):
        while len(self.bytes) % 4:
            self.bytes += b"\0"
        place = len(self.bytes)
        self.bytes += data
        return place

    def directory(self, entries, following=0):
        """Appends a directory of (tag, type, values or bytes), and says where it stands."""
        ready = []
        for tag, kind, values in sorted(entries, key=lambda e: e[0]):
            data = values if isinstance(values, bytes) else b"".join(struct.pack("<" + {1: "B", 3: "H", 4: "I"}[kind], v) for v in values)
            count = len(data) // SIZES[kind]
            ready.append((tag, kind, count, data if len(data) <= 4 else struct.pack("<I", self.blob(data))))
        place = self.blob(struct.pack("<H", len(ready)))
        for tag, kind, count, data in ready:
            self.bytes += struct.pack("<HHI", tag, kind, count) + data.ljust(4, b"\0")
        self.bytes += struct.pack("<I", following)
        return place

    def file(self, first):
        self.bytes[4:8] = struct.pack("<I", first)
        return bytes(self.bytes)


def text(value):
    return value.encode() + b"\0"


def jpeg(side, seed, **options):
    stream = io.BytesIO()
    scene(side, side, seed).save(stream, "JPEG", quality=90, **options)
    return stream.getvalue()


def lossless():
    """The beginning of a JPEG without loss (SOF3), as sensors' samples are kept."""
    return b"\xff\xd8\xff\xc4\0\x14\0" + bytes(16) + b"\0" + b"\xff\xc3\0\x11\x0e\x0b\xb8\x0f\xa0\3\0\x11\0\1\x11\0\2\x11\0" + bytes(500)


def nef(small, large, orientation):
    t = Tiff()
    big = t.blob(large)
    little = t.blob(small)
    raw = t.blob(bytes(2000))
    previews = t.directory([(254, 4, [1]), (259, 3, [6]), (513, 4, [big]), (514, 4, [len(large)])])
    sensor = t.directory([(254, 4, [0]), (256, 4, [100]), (257, 4, [10]), (258, 3, [14]), (259, 3, [34713]), (262, 3, [32803]), (273, 4, [raw]), (279, 4, [2000])])
    following = t.directory([(513, 4, [little]), (514, 4, [len(small)])])
    return t.file(t.directory([(254, 4, [1]), (271, 2, text("NIKON CORPORATION")), (272, 2, text("NIKON D850")), (274, 3, [orientation]), (330, 4, [previews, sensor])], following))


def cr2(small, large, orientation):
    t = Tiff(extra=b"CR\2\0" + struct.pack("<I", 0))
    big, little, raw = t.blob(large), t.blob(small), t.blob(lossless())
    sensor = t.directory([(259, 3, [6]), (273, 4, [raw]), (279, 4, [len(lossless())])])
    thumbnail = t.directory([(513, 4, [little]), (514, 4, [len(small)])], sensor)
    first = t.directory([(256, 3, [192]), (257, 3, [192]), (258, 3, [8, 8, 8]), (259, 3, [6]), (271, 2, text("Canon")), (272, 2, text("Canon EOS 80D")), (273, 4, [big]), (274, 3, [orientation]), (279, 4, [len(large)])], thumbnail)
    return t.file(first)


def arw(small, large, orientation):
    t = Tiff()
    big, little, raw = t.blob(large), t.blob(small), t.blob(bytes(2000))
    sensor = t.directory([(254, 4, [0]), (256, 4, [100]), (257, 4, [10]), (259, 3, [32767]), (262, 3, [32803]), (273, 4, [raw]), (279, 4, [2000])])
    thumbnail = t.directory([(259, 3, [6]), (513, 4, [little]), (514, 4, [len(small)])])
    return t.file(t.directory([(254, 4, [1]), (259, 3, [6]), (271, 2, text("SONY")), (272, 2, text("ILCE-7M3")), (274, 3, [orientation]), (330, 4, [sensor]), (513, 4, [big]), (514, 4, [len(large)])], thumbnail))


def dng(small, large, orientation):
    t = Tiff()
    big, little, raw = t.blob(large), t.blob(small), t.blob(lossless())
    sensor = t.directory([(254, 4, [0]), (256, 4, [4000]), (257, 4, [3000]), (259, 3, [7]), (262, 3, [32803]), (273, 4, [raw]), (279, 4, [len(lossless())])])
    preview = t.directory([(254, 4, [1]), (256, 4, [192]), (257, 4, [192]), (259, 3, [7]), (262, 3, [6]), (273, 4, [big]), (279, 4, [len(large)])])
    return t.file(t.directory([(254, 4, [1]), (259, 3, [7]), (262, 3, [6]), (271, 2, text("Apple")), (273, 4, [little]), (274, 3, [orientation]), (279, 4, [len(small)]), (330, 4, [sensor, preview]), (50706, 1, [1, 4, 0, 0])]))


def rw2(small, large, orientation):
    t = Tiff(magic=b"IIU\0")
    return t.file(t.directory([(1, 7, b"0330"), (2, 3, [100]), (0x2E, 7, large), (271, 2, text("Panasonic")), (272, 2, text("DC-G9")), (274, 3, [orientation])]))


def orf(small, large, orientation):
    # Olympus keeps the preview's place in its own notes, counted from where those begin.
    t = Tiff(magic=b"IIRO")
    notes = t.blob(b"OLYMPUS\0II\3\0")
    settings = len(t.bytes) + 2 + 12 + 4
    t.bytes += struct.pack("<HHHIII", 1, 0x2020, 13, 1, settings - notes, 0)
    end = settings + 2 + 3 * 12 + 4
    big = (end + 3) // 4 * 4
    t.bytes += struct.pack("<HHHIIHHIIHHIII", 3, 0x100, 4, 1, 1, 0x101, 4, 1, big - notes, 0x102, 4, 1, len(large), 0)
    assert t.blob(large) == big
    little = t.blob(small)
    exif = t.blob(struct.pack("<HHHIII", 1, 0x927C, 7, end - notes, notes, 0))
    thumbnail = t.directory([(513, 4, [little]), (514, 4, [len(small)])])
    return t.file(t.directory([(271, 2, text("OLYMPUS CORPORATION")), (272, 2, text("E-M5")), (274, 3, [orientation]), (0x8769, 4, [exif])], thumbnail))


def raf(small, large, orientation):
    start = 160
    header = b"FUJIFILMCCD-RAW 0201FF383501" + b"X-T3".ljust(32, b"\0") + b"0100" + bytes(20)
    header += struct.pack(">IIIIII", start, len(large), start + len(large), 100, start + len(large) + 100, 2000)
    return header.ljust(start, b"\0") + large + bytes(4) + struct.pack(">I", 0).ljust(96, b"\0") + bytes(2000)


def box(kind, content, uuid=None):
    body = (bytes.fromhex(uuid) if uuid else b"") + content
    return struct.pack(">I", 8 + len(body)) + kind + body


def cr3(small, large, orientation):
    t = Tiff()
    first = t.file(t.directory([(271, 2, text("Canon")), (272, 2, text("Canon EOS R5")), (274, 3, [orientation])]))
    thumbnail = box(b"THMB", struct.pack(">IHHIHH", 0, 64, 64, len(small), 1, 0) + small)
    canon = box(b"uuid", box(b"CMT1", first) + thumbnail, "85c0b687820f11e08111f4ce462b6a48")
    preview = box(b"uuid", struct.pack(">II", 0, 1) + box(b"PRVW", struct.pack(">IHHHHI", 0, 1, 192, 192, 1, len(large)) + large), "eaf42b5e1c984b88b9fbb7dc406e4d16")
    return box(b"ftyp", b"crx \0\0\0\1crx isom") + box(b"moov", canon) + preview + box(b"mdat", lossless())


KINDS = {"nef": nef, "cr2": cr2, "arw": arw, "dng": dng, "rw2": rw2, "orf": orf, "raf": raf, "cr3": cr3}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--clip", default=str(PACKAGE / ".build/debug/clip"))
    clip = parser.parse_args().clip

    def run(*arguments):
        return subprocess.run([str(a) for a in arguments], capture_output=True)

    side = json.loads(run(clip, "info", "--format", "json").stdout)["vision"]["image_size"]
    failed, equal = [], 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for kind, make in KINDS.items():
            for orientation in [1, 6, 3]:
                exif = Image.Exif()
                exif[0x0112] = orientation
                # Fujifilm's and Panasonic's previews are whole photos, with data of their own.
                own = {"exif": exif} if kind in ("raf", "rw2") else {}
                file = folder / f"x{orientation}.{kind}"
                file.write_bytes(make(jpeg(64, 3), jpeg(side, 4, **own), orientation))
                found = [run("exiftool", "-b", f"-{tag}", file).stdout for tag in TAGS]
                pictures = [Image.open(io.BytesIO(data)) for data in found if data.startswith(b"\xff\xd8")]
                if not pictures:
                    failed.append(f"{file.name}: exiftool finds no JPEG")
                    continue
                best = max(pictures, key=lambda p: p.width * p.height)
                if best.getexif().get(0x0112, 1) != 1:
                    expected = ImageOps.exif_transpose(best)
                else:
                    turn = {6: Image.Transpose.ROTATE_270, 3: Image.Transpose.ROTATE_180}.get(orientation)
                    expected = best.transpose(turn) if turn else best
                seen = folder / "seen.png"
                result = run(clip, "preprocess", file, "-o", seen)
                if result.returncode:
                    failed.append(f"{file.name}: {result.stderr.decode().strip()}")
                elif (np.asarray(Image.open(seen).convert("RGB")) != np.asarray(expected.convert("RGB"))).any():
                    failed.append(f"{file.name}: another picture than exiftool's {best.width} x {best.height}")
                else:
                    equal += 1
    print(f"{3 * len(KINDS)} files of {', '.join(KINDS)}: {equal} show what exiftool extracts")
    print(*failed, sep="\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
