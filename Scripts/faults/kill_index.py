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


class Folder:
    """Pictures that come, go, change and move, and what was ever there."""

    def __init__(self, clip, model, rng, root):
        self.rng, self.path = rng, os.path.join(root, "photos")
        os.mkdir(self.path)
        self.history = {}  # path -> contents that were there
        self.current = {}  # path -> content
        # One content is one picture: embedded once, here, by the same program.
        self.contents = [png(rng) for _ in range(60)]
        self.vectors = dict(zip(self.contents, embed(clip, model, self.contents, root)))

    def put(self, path, content):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        self.note(path, content)

    def note(self, path, content):
        self.current[path] = content
        self.history.setdefault(path, set()).add(content)

    def new_path(self):
        return os.path.join(self.path, self.rng.choice(["", "", "one", "one/two"]), f"{self.rng.randrange(10**6)}.png")

    def change(self, most=12):
        rng, current = self.rng, self.current
        for _ in range(rng.randrange(1, most)):
            kind = rng.random()
            if kind < 0.6 or len(current) < 10:
                self.put(self.new_path(), rng.choice(self.contents))
            elif kind < 0.75:
                self.put(rng.choice(list(current)), rng.choice(self.contents))
            elif kind < 0.85:
                path = rng.choice(list(current))
                os.remove(path)
                del current[path]
            else:
                path, target = rng.choice(list(current)), self.new_path()
                os.makedirs(os.path.dirname(target), exist_ok=True)
                os.rename(path, target)
                self.note(target, current.pop(path))


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
        folder = Folder(arguments.clip, model, rng, root)
        command = [arguments.clip, "index", folder.path, "--batch-size", "4", "-q"] + model
        kills = misses = torn = 0
        while kills < arguments.kills:
            folder.change()
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(rng.random() ** 2 * 0.25)
            if rng.random() < 0.5:
                folder.change()  # while it runs
            process.send_signal(signal.SIGKILL)
            if process.wait() == -signal.SIGKILL:
                kills += 1
            else:
                misses += 1
            torn += check_killed(arguments.clip, folder, command)
        run(*command, check=False)
        run(*command, check=False)
        found = check_complete(arguments.clip, folder)
        print(
            f"{kills} kills, {misses} runs that ended first, {torn} times a torn end: the index opened every time, no "
            f"wrong vector, complete at the end with {len(found)} pictures"
        )


def check_killed(clip, folder, command):
    """Checks the index that a killed run left; whether its end was torn."""
    index = os.path.join(folder.path, ".clip-index")
    if not os.path.exists(index) or os.path.getsize(index) < 512:
        return False
    verified = json.loads(run(clip, "index", "--verify", folder.path, check=False))
    assert not verified["damaged"] and not verified["other_damage"], verified
    # An index without its end hands out no vectors. A copy that is brought up to date keeps those that it has.
    copy = os.path.join(folder.path, ".copy")
    shutil.copyfile(index, copy)
    run(*command, "-o", copy, check=False)
    check(clip, copy, folder.vectors, folder.history)
    os.remove(copy)
    return verified["torn_bytes"] > 0


def check_complete(clip, folder):
    """Checks that the index has exactly the pictures that are there."""
    found = check(clip, folder.path, folder.vectors, {path: {content} for path, content in folder.current.items()})
    assert found == set(folder.current), found ^ set(folder.current)
    return found


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
