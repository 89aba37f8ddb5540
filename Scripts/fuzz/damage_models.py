#!/usr/bin/env python3
"""Feeds `clip` damaged model files: PyTorch archives, GGUF, safetensors, and in whole folders one damaged configuration or
tokenizer file: JSON, SentencePiece's protobuf, vocabularies. Each must load or be refused in one line.

  Scripts/fuzz/damage_models.py [--clip .build/release/clip] [--count 100000] [--seed 1] [--jobs 2]

Anything else is a finding: a signal, another exit code, more lines, more than --seconds, more than --megabytes. The file
that did it is kept in the current folder, and the exit status is 1.
"""

import argparse
import io
import json
import os
import random
import re
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "Tests"
PICTURE = FIXTURES / "CLIPTests" / "Fixtures" / "pictures" / "speck.png"
SEEDS = [
    *(FIXTURES / "CLIPWeightsTests" / "Fixtures").glob("*.pt"),
    *(FIXTURES / "CLIPWeightsTests" / "Fixtures").glob("*.gguf"),
    *(FIXTURES / "CLIPTests" / "Fixtures" / "sources").glob("*/model.*"),
    FIXTURES / "CLIPTests" / "Fixtures" / "models" / "quickgelu-f32" / "model.safetensors",
]
MODELS = FIXTURES / "CLIPTests" / "Fixtures" / "models"
FOLDERS = [MODELS / "quickgelu-f32", MODELS / "siglip", MODELS / "siglip2", MODELS / "naflex",
           FIXTURES / "CLIPTests" / "Fixtures" / "sources" / "openclip-variant"]  # fmt: skip
TOKENIZERS = FIXTURES / "CLIPTokenizersTests" / "Fixtures"
NOT_READ = ("README.md", "golden.json", "golden-openclip.json")
TEXT = "A photo's of [SEP] </s> <eos> \u6771\u4eac \ufb01 \u00e9 \U0001f99c\n\n\n kato " + "kato" * 20


def small_files(scratch):
    """Each small file of the folders; open_clip's also with BERT's and with SigLIP's tokenizer."""
    folders = list(FOLDERS)
    for name in ("bert", "unigram-json"):
        folder = scratch / name
        shutil.copytree(FOLDERS[-1], folder)
        for path in (TOKENIZERS / name).iterdir():
            shutil.copy(path, folder / path.name)
        config = json.loads((folder / "open_clip_config.json").read_text())
        config["model_cfg"]["text_cfg"].update(
            {"hf_tokenizer_name": name, "tokenizer_kwargs": {"clean": "canonicalize", "strip_sep_token": True}})
        (folder / "open_clip_config.json").write_text(json.dumps(config))
        folders.append(folder)
        if name == "bert":
            without = scratch / "vocabulary"
            shutil.copytree(folder, without)
            (without / "tokenizer.json").unlink()
            folders.append(without)
    return [path for folder in folders for path in sorted(folder.iterdir())
            if path.is_file() and path.suffix not in (".safetensors", ".bin") and path.name not in NOT_READ]  # fmt: skip


def structure(data):
    """The ranges that say where and what things are: damage there tells more than in the numbers."""
    if data[:4] == b"PK\x03\x04":
        end = data.rfind(b"PK\x05\x06")
        ranges = [(max(0, end - 4096), len(data))]
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                if entry.filename.endswith("data.pkl"):
                    ranges += [(entry.header_offset, entry.header_offset + 200 + entry.file_size)] * 4
        return ranges
    if data[:4] == b"GGUF":
        return [(0, 64), (0, 4096)]
    if data[:1] in (b"{", b"["):
        # Where a tokenizer.json says what to do, and the rest, which is vocabulary for the most part.
        return [(0, 4000), (max(0, len(data) - 4000), len(data))]
    if data[8:9] == b"{":
        return [(0, 8), (8, 8 + struct.unpack_from("<Q", data)[0])]
    # SentencePiece keeps pieces first, what it does with texts last.
    return [(0, 200), (max(0, len(data) - 4000), len(data))]


def mutated(data, ranges, generator):
    data = bytearray(data)
    for _ in range(generator.randint(1, 3)):
        if not data:
            break
        low, high = generator.choice([*ranges, (0, len(data))])
        place = min(generator.randrange(low, max(low + 1, high)), len(data) - 1)
        end = min(place + generator.randint(1, 32), len(data))
        kind = generator.randrange(9)
        if kind == 0:
            data[place] ^= 1 << generator.randrange(8)
        elif kind == 1:
            data[place] = generator.randrange(256)
        elif kind == 2:
            del data[generator.choice([place, end]) :]
        elif kind == 3:
            del data[place:end]
        elif kind == 4:
            data[place:place] = data[place:end]
        elif kind == 5:
            other = generator.randrange(len(data))
            data[place:end] = data[other : other + end - place]
        elif kind == 6:
            data[place : place + 8] = struct.pack("<Q", generator.choice([0, 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1]))[: len(data) - place]
        elif kind == 7:
            # Opcodes of pickles, and digits of JSON.
            data[place] = generator.choice(b"()]}.tRbqrhjXKMJNQcae\x80\x81\x85\x86\x87\x8a\x8b\x8c\x93\x940123456789")
        else:
            digit = re.search(rb"[0-9]", bytes(data[place : place + 4096]))
            if digit:
                data[place + digit.start()] = generator.choice(b"0123456789")
    return bytes(data)


def limits(megabytes):
    def apply():
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    return apply


def run(arguments, first, count, kept):
    generator = random.Random(arguments.seed * 1_000_003 + first)
    folder = Path(tempfile.mkdtemp(prefix="clip-fuzz-", dir=arguments.folder))
    seeds = [(path, path.read_bytes()) for path in (small_files(folder) if arguments.small else SEEDS)]
    seeds = [(path, data, structure(data)) for path, data in seeds]
    loaded = refused = 0
    findings = []
    shutil.copy(SEEDS[-1].parent / "config.json", folder / "config.json")
    environment = {"PATH": os.environ.get("PATH", ""), "CLIP_THREADS": "1"}
    for index in range(count):
        path, data, ranges = generator.choice(seeds)
        if arguments.small:
            place = folder / "model" / path.name
            shutil.rmtree(place.parent, ignore_errors=True)
            place.parent.mkdir()
            for other in path.parent.iterdir():
                (place.parent / other.name).symlink_to(other)
            place.unlink()
        else:
            name = "model" + path.suffix
            place = folder / name if path.suffix == ".safetensors" else folder / "alone" / name
            place.parent.mkdir(exist_ok=True)
        place.write_bytes(mutated(data, ranges, generator))
        model = place.parent if arguments.small else place
        embed = ["embed-text", TEXT] if arguments.small else ["embed-image", PICTURE]
        command = ["info", model] if index % 4 == 0 else [*embed, "--model", model, "--format", "jsonl"]
        try:
            result = subprocess.run(
                [arguments.clip, *map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment,
                timeout=arguments.seconds, preexec_fn=limits(arguments.megabytes))  # fmt: skip
            lines = result.stderr.decode("utf-8", "replace").strip().splitlines()
            # A damaged configuration may ask for what earns a warning: those are lines of their own.
            if arguments.small:
                lines = [line for line in lines if "warning" not in line]
            fine = result.returncode == 0 or result.returncode == 1 and len(lines) == 1
            detail = f"exit {result.returncode}, {lines[-1] if lines else 'no message'}"
            loaded += result.returncode == 0
            refused += result.returncode == 1
        except subprocess.TimeoutExpired:
            fine, detail = False, f"more than {arguments.seconds} s"
        if not fine:
            copy = kept / f"finding-{arguments.seed}-{first + index}{path.suffix}"
            shutil.copy(place, copy)
            findings.append(f"{copy.name}: from {path.name}, {command[0]}: {detail}")
            print(findings[-1], flush=True)
    shutil.rmtree(folder)
    return loaded, refused, findings


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", default=str(ROOT / ".build" / "release" / "clip"))
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--small", action="store_true", help="configuration and tokenizer files in place of weights")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--megabytes", type=int, default=2000)
    parser.add_argument("--folder", default="/dev/shm" if Path("/dev/shm").is_dir() else None)
    arguments = parser.parse_args()
    share = -(-arguments.count // (10 * arguments.jobs))
    starts = range(0, arguments.count, share)
    with ThreadPoolExecutor(arguments.jobs) as pool:
        results = list(pool.map(lambda first: run(arguments, first, min(share, arguments.count - first), Path.cwd()), starts))
    findings = [line for _, _, lines in results for line in lines]
    print(json.dumps({"files": arguments.count, "loaded": sum(r[0] for r in results),
                      "refused": sum(r[1] for r in results), "findings": len(findings)}))  # fmt: skip
    sys.exit(bool(findings))


main()
