#!/usr/bin/env python3
"""What the pretrained tower makes of every presentation, once: training begins behind its first five stages.

    features.py --packages DIR --cache DIR --out DIR [--workers 2]

Writes draw-K, comp-K, blank-0 and eval-* into OUT, each .npz with features [n, 1280] in f16 and what the pictures are; maps [n, 112, 14, 14] in f16
lie in a .maps.npy beside it, those of eval-* in the .npz itself.
Shard K depends on its number alone.
"""

import argparse
import json
import os
import random
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import augment
import evaluate
import tower
import words
from composites import Maker
from tower import SIDE

DRAWINGS, COMPOSITES = (9, 6000), (6, 4000)  # shards, pictures of each
BLANKS = 1500
# Sets of black-only art, which may take any ink; sets in colours.
STROKES = ("noto-mono", "noto-symbols", "symbola", "mdi", "phosphor", "tabler", "font-awesome")
COLOURED = ("noto-color", "twemoji", "openclipart", "tango")


def may_flip(meta):
    """Which drawings may be mirrored: not those whose name says a direction."""
    turned = set(words.DIRECTIONS) | set("arrow letter button sign hand flag".split())
    names = [meta["concepts"][p["concept"]]["name"] for p in meta["pictures"]]
    return [not set(n.replace("-", " ").split()) & turned for n in names]


class Tower:
    """The pretrained tower on one core in bf16."""

    def __init__(self, packages, batch=32):
        import openvino

        self.batch = batch
        shape = [batch, 3, SIDE, SIDE]
        converted = openvino.convert_model(
            tower.Split(tower.pretrained(packages)), example_input=torch.zeros(shape), input=[shape]
        )
        options = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "bf16", "NUM_STREAMS": 1}
        self.compiled = openvino.Core().compile_model(converted, "CPU", options)

    def __call__(self, pictures):
        """uint8 [n, side, side, 3] -> maps, features"""
        maps, features = [], []
        for start in range(0, len(pictures), self.batch):
            x = pictures[start : start + self.batch]
            n = len(x)
            x = np.concatenate([x, np.repeat(x[-1:], self.batch - n, 0)])
            x = ((x.astype(np.float32) - tower.MEAN) / tower.STD).transpose(0, 3, 1, 2)
            out = self.compiled(np.ascontiguousarray(x))
            maps.append(out[0][:n].astype(np.float16))
            features.append(out[1][:n].astype(np.float16))
        return np.concatenate(maps), np.concatenate(features)


class Shards:
    def __init__(self, arguments):
        self.out, self.seed, cache = arguments.out, arguments.seed, arguments.cache
        self.cache = cache
        self.meta = json.loads((cache / "meta.json").read_text())
        self.bank = np.load(cache / "bank.npy", mmap_mode="r")
        self.tower, self.maker = Tower(arguments.packages), Maker(arguments.packages, SIDE)
        pictures, concepts = self.meta["pictures"], self.meta["concepts"]
        sources = [p["source"] for p in pictures]
        names = [concepts[p["concept"]]["name"] for p in pictures]
        self.mono = torch.tensor([s in STROKES for s in sources])
        self.fixed_hue = torch.tensor(
            [bool(set(n.split()) & set(words.COLOURS)) or s == "procedural" for n, s in zip(names, sources)]
        )
        self.flip = torch.tensor(may_flip(self.meta))
        self.coloured = [i for i, s in enumerate(sources) if s in COLOURED]
        # Drawings of things that have an emoji are shown twice as often.
        self.cycle = [i for i, p in enumerate(pictures) for _ in range(1 + concepts[p["concept"]]["emoji"])]

    def make(self, kind, number=None):
        path = self.out / (kind if number is None else f"{kind}-{number}.npz")
        if path.exists():
            return
        begun = time.time()
        torch.manual_seed(self.seed + 1000 * (number or 0))
        self.maker.rng = random.Random(f"{self.seed} {kind} {number}")
        arrays = getattr(self, kind.split("-")[0])(number if number is not None else kind)
        if number is not None:  # 3.5 GB together, which the training maps rather than reads
            np.save(f"{path}.part.npy", arrays.pop("maps"))
            os.replace(f"{path}.part.npy", path.with_suffix(".maps.npy"))
        np.savez(f"{path}.part.npz", **arrays)
        os.replace(f"{path}.part.npz", path)
        print(f"{path.name}: {len(arrays['features'])} pictures, {time.time() - begun:.0f} s", flush=True)

    def draw(self, number):
        """Drawings, a share of them restyled."""
        count = DRAWINGS[1]
        order = []
        rng = np.random.default_rng(self.seed)
        while len(order) < (number + 1) * count:
            order += [self.cycle[i] for i in rng.permutation(len(self.cycle))]
        shown = np.array(order[number * count : (number + 1) * count])
        maps, features = [], []
        for start in range(0, count, 128):
            rows = shown[start : start + 128]
            index = torch.from_numpy(rows)
            bank = torch.from_numpy(np.stack([self.bank[i] for i in rows]))
            with torch.no_grad():
                x = augment.present(bank, self.mono[index], self.fixed_hue[index], self.flip[index], SIDE, strength=0.4)
            x = ((x * augment.STD + augment.MEAN) * 255).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()
            m, f = self.tower(x)
            maps.append(m)
            features.append(f)
        return {"maps": np.concatenate(maps), "features": np.concatenate(features), "shown": shown}

    def comp(self, number):
        count = COMPOSITES[1]
        drawings = [self.bank[i] for i in self.maker.rng.sample(self.coloured, 3000)]
        maps, features, shown = [], [], []
        for start in range(0, count, 128):
            made = [self.maker.one(drawings) for _ in range(min(128, count - start))]
            m, f = self.tower(np.stack([np.asarray(self.maker.shift(picture)) for picture, _ in made]))
            maps.append(m)
            features.append(f)
            shown += [number for _, number in made]
        return {"maps": np.concatenate(maps), "features": np.concatenate(features), "shown": np.array(shown)}

    def blank(self, number):
        """Pictures of nothing: plain, graded, cloudy, noisy."""
        rng = np.random.default_rng([self.seed, number])
        pictures = []
        for _ in range(BLANKS):
            kind, ends = rng.integers(5), rng.uniform(0, 255, (2, 3)) if rng.random() < 0.8 else np.full((2, 3), 255.0)
            slope = np.linspace(0, 1, SIDE)[:, None, None] * np.ones((1, SIDE, 1))
            slope = slope if rng.random() < 0.5 else slope.transpose(1, 0, 2)
            picture = np.full((SIDE, SIDE, 3), ends[0]) if kind < 2 else ends[0] * (1 - slope) + ends[1] * slope
            if kind >= 3:
                coarse = int(rng.choice([3, 6, 12, SIDE])) if kind == 3 else SIDE
                noise = rng.normal(0, rng.uniform(5, 70), (coarse, coarse, int(rng.choice([1, 3]))))
                planes = [Image.fromarray(n.astype(np.float32)).resize((SIDE, SIDE), Image.BICUBIC) for n in noise.transpose(2, 0, 1)]
                picture = picture + np.stack([np.asarray(p) for p in planes], 2)
            pictures.append(picture.clip(0, 255).astype(np.uint8))
        maps, features = self.tower(np.stack(pictures))
        return {"maps": maps, "features": features, "shown": np.full(BLANKS, -1)}

    def eval(self, kind):
        """A held-out set; or every render on white, and those of unseen names thrice more, on colours, photographs and textures."""
        part = kind.removeprefix("eval-").removesuffix(".npz")
        if part != "renders":
            entries = json.loads((self.cache / f"eval-{part}.json").read_text())
            bank = np.load(self.cache / f"eval-{part}.npy", mmap_mode="r")
            chosen = evaluate.short(entries)
            white = [evaluate.on_white(bank[i], evaluate.margin(part, bank.shape[1])) for i in chosen]
            pictures, shown = [p.resize((SIDE, SIDE), Image.BICUBIC) for p in white], [entries[i]["name"] for i in chosen]
        else:
            pictures, shown = [], []
            for name, model in self.maker.models:
                for white in (1, 0, 0, 0)[: 4 if name in self.maker.unseen else 1]:
                    pictures.append(self.maker.put(self.maker.background(white), model, 0.7, 0.95))
                    shown.append(name)
        maps, features = self.tower(np.stack([np.asarray(p) for p in pictures]))
        unseen = np.array([name in self.maker.unseen for name in shown])
        return {"maps": maps, "features": features, "names": np.array(shown), "unseen": unseen}


def work(arguments, jobs):
    torch.set_num_threads(1)
    shards = Shards(arguments)
    for job in jobs:
        shards.make(*job)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--packages", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    todo = [(f"eval-{part}.npz",) for part in ("openmoji", "emojione", "held", "renders")]
    todo.append(("blank", 0))
    for k in range(max(DRAWINGS[0], COMPOSITES[0])):
        todo += [("draw", k)] * (k < DRAWINGS[0]) + [("comp", k)] * (k < COMPOSITES[0])
    with ProcessPoolExecutor(options.workers) as pool:
        list(pool.map(work, [options] * options.workers, [todo[i :: options.workers] for i in range(options.workers)]))
