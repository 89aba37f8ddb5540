#!/usr/bin/env python3
"""Kills `clip index` at random instants while its folder grows and changes, and checks the index after each.

After every kill the index must open and verify, and whatever it holds must be right: each vector that of a file that the
folder has or had at that path. At the end a run completes it; it must then hold exactly the pictures that are there.

    Scripts/faults/kill_index.py --clip .build/release/clip [--kills 100] [--seed 1]
"""

import argparse
import io
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time

import numpy as np
from PIL import Image


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clip", required=True)
    parser.add_argument("--model", help="default: the embedded model")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    model = ["--model", arguments.model] if arguments.model else []
    rng = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as root:
        folder = os.path.join(root, "photos")
        os.mkdir(folder)
        vectors = {}  # content -> embedding
        history = {}  # path -> contents that were there
        current = {}  # path -> content
        # One content is one picture: embedded once, here, by the same program.
        contents = [png(rng) for _ in range(60)]
        for number, vector in enumerate(embed(arguments.clip, model, contents, root)):
            vectors[contents[number]] = vector

        def put(path, content):
            with open(path, "wb") as file:
                file.write(content)
            current[path] = content
            history.setdefault(path, set()).add(content)

        def change():
            for _ in range(rng.randrange(1, 12)):
                kind = rng.random()
                if kind < 0.6 or len(current) < 10:
                    put(os.path.join(folder, f"{rng.randrange(10**6)}.png"), rng.choice(contents))
                elif kind < 0.75:
                    put(rng.choice(list(current)), rng.choice(contents))
                elif kind < 0.85:
                    path = rng.choice(list(current))
                    os.remove(path)
                    del current[path]
                else:
                    path = rng.choice(list(current))
                    target = os.path.join(folder, f"moved{rng.randrange(10**6)}.png")
                    os.rename(path, target)
                    content = current.pop(path)
                    current[target] = content
                    history.setdefault(target, set()).add(content)

        command = [arguments.clip, "index", folder, "--batch-size", "4", "-q"] + model
        index = os.path.join(folder, ".clip-index")
        kills = misses = torn = 0
        while kills < arguments.kills:
            change()
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(rng.random() ** 2 * 0.25)
            if rng.random() < 0.5:
                change()  # while it runs
            process.send_signal(signal.SIGKILL)
            if process.wait() == -signal.SIGKILL:
                kills += 1
            else:
                misses += 1
            if not os.path.exists(index) or os.path.getsize(index) < 512:
                continue
            verified = json.loads(run(arguments.clip, "index", "--verify", folder, check=False))
            assert not verified["damaged"] and not verified["other_damage"], verified
            torn += verified["torn_bytes"] > 0
            # An index without its end hands out no vectors. A copy that is brought up to date keeps those that it has.
            copy = os.path.join(folder, ".copy")
            shutil.copyfile(index, copy)
            run(*command, "-o", copy, check=False)
            check(arguments.clip, copy, vectors, history)
            os.remove(copy)
        run(*command, check=False)
        run(*command, check=False)
        found = check(arguments.clip, folder, vectors, {path: {content} for path, content in current.items()})
        assert found == set(current), found ^ set(current)
        print(
            f"{kills} kills, {misses} runs that ended first, {torn} times a torn end: the index opened every time, no "
            f"wrong vector, complete at the end with {len(found)} pictures"
        )


def png(rng):
    pixels = np.random.default_rng(rng.randrange(2**32)).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((64, 64)).save(buffer, "png")
    return buffer.getvalue()


def embed(clip, model, contents, root):
    folder = os.path.join(root, "contents")
    os.mkdir(folder)
    for number, content in enumerate(contents):
        with open(os.path.join(folder, f"{number:04}.png"), "wb") as file:
            file.write(content)
    lines = run(clip, "embed-image", folder, *model).splitlines()
    return [np.array(json.loads(line)["embedding"], np.float32) for line in lines]


def check(clip, index, vectors, allowed):
    """Every vector is that of one of the contents allowed at its path."""
    paths = set()
    for line in run(clip, "vectors", "--index", index, "--format", "jsonl").splitlines():
        record = json.loads(line)
        vector = np.array(record["embedding"], np.float32)
        path = record["input"]
        assert path not in paths, f"{path} is there twice"
        paths.add(path)
        assert any(np.abs(vectors[content] - vector).max() < 1e-3 for content in allowed[path]), path
    return paths


def run(*command, check=True):
    return subprocess.run(command, check=check, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
