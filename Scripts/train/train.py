#!/usr/bin/env python3
"""Trains the small CLIP: pictures, captions and concept prototypes share one space; many drawings of one concept meet in each batch.

    train.py --cache DIR --out DIR [--steps 12000] [--resume]

The schedule counts steps, not time, and every draw comes from the seed: two runs on one kind of CPU are the same to the bit, stopped and
resumed or not.

Writes OUT/checkpoint.pt (resumable), OUT/log.txt and, at the end, OUT/final.pt with the averaged weights.
"""

import argparse
import copy
import json
import math
import os
import random
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as distributed
import torch.multiprocessing as multiprocessing
import torch.nn.functional as F

import augment
import evaluate
import words
from captions import Captions
from model import CONFIG, Towers


# Sets of black-only art, which may take any ink.
STROKES = ("noto-mono", "noto-symbols", "symbola", "mdi", "phosphor", "tabler", "font-awesome")


class Sampler:
    """Concepts by weight, then drawings of them from different sets."""

    def __init__(self, meta, common):
        self.meta = meta
        by_source = {}
        for i, picture in enumerate(meta["pictures"]):
            by_source.setdefault(picture["concept"], {}).setdefault(picture["source"], []).append(i)
        self.pictures = {c: list(s.values()) for c, s in by_source.items()}
        concepts = list(self.pictures)
        weights = np.array([meta["concepts"][c]["weight"] for c in concepts], float)
        emoji = np.array([meta["concepts"][c]["emoji"] for c in concepts])
        weights *= [0.3 if len(meta["concepts"][c]["name"].split()) > 2 else 1.0 for c in concepts]
        many = np.array([len(self.pictures[c]) for c in concepts])
        weights[~emoji] *= np.where(many[~emoji] > 1, 1.0, 0.5)
        weights[emoji] *= common * weights[~emoji].sum() / ((1 - common) * weights[emoji].sum())
        self.concepts, self.weights = np.array(concepts), weights / weights.sum()

    def batch(self, rng, concepts, each):
        """[(picture, concept)] with `each` drawings of every concept, different sets first."""
        rows = []
        for concept in rng.choice(self.concepts, concepts, replace=False, p=self.weights):
            sets = self.pictures[concept]
            order = [sets[i] for i in rng.permutation(len(sets))]
            for i in range(each):
                rows.append((int(rng.choice(order[i % len(order)])), int(concept)))
        return rows


def multi_positive(logits, positive):
    """Cross entropy against the even distribution over a row's positives."""
    target = positive / positive.sum(1, keepdim=True).clamp(min=1)
    return -(target * F.log_softmax(logits, 1)).sum(1).mean()


def embed_labels(model, captions, names, templates=("{}", "a photo of a {}", "a drawing of a {}")):
    total = 0
    for template in templates:
        ids, lengths = captions.pack([template.format(n) for n in names])
        total = total + F.normalize(model.text(ids, lengths), dim=1)
    return F.normalize(total, dim=1)


def judge(model, captions, cache, parts=("openmoji", "held"), limit=None):
    """The figures of the current weights, as one line a part."""
    lines = []
    model.eval()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        for part in parts:
            entries = json.loads((cache / f"eval-{part}.json").read_text())
            bank = np.load(cache / f"eval-{part}.npy", mmap_mode="r")
            chosen = evaluate.short(entries)[:limit]
            names = sorted({entries[i]["name"] for i in chosen})
            place = {n: i for i, n in enumerate(names)}
            pixels = augment.plain(
                torch.from_numpy(np.stack([bank[i] for i in chosen])), scale=1.0 if part != "held" else 0.8
            )
            pictures = torch.cat([F.normalize(model.vision(p).float(), dim=1) for p in pixels.split(256)])
            labels = embed_labels(model, captions, names).float()
            truth = torch.tensor([place[entries[i]["name"]] for i in chosen])
            result = evaluate.zero_shot(pictures, labels, truth, draws=5, scale=model.scale.exp().item())
            recall = evaluate.retrieval(pictures, labels, truth)
            lines.append(
                f"{part} {len(chosen)}: "
                + " ".join(f"{c}:{100 * r[0]:.1f}/{100 * r[1]:.1f}" for c, r in result.items())
                + " R@"
                + " ".join(f"{k}:{100 * v:.1f}" for k, v in recall.items())
                + f" ece50 {result[50][2]:.3f}"
            )
    model.train()
    return lines


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=12000, help="the length of the schedule")
    parser.add_argument("--concepts", type=int, default=40, help="concepts in a batch of one process")
    parser.add_argument("--each", type=int, default=2, help="drawings of each concept in a batch")
    parser.add_argument(
        "--keep",
        default="18:0.55,26:0.83,40:0.95,64:1",
        help="patches shown of each picture: COUNT:UNTIL,… in shares of the schedule",
    )
    parser.add_argument("--common", type=float, default=0.93, help="share of the batch for concepts that have an emoji")
    parser.add_argument("--strength", type=float, default=0.4, help="share of restyled pictures once the ramp is over")
    parser.add_argument("--ramp", type=float, default=0.3, help="share of the schedule over which restyling grows")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--muon-lr", type=float, default=0.02)
    parser.add_argument("--decay", type=float, default=0.05)
    parser.add_argument("--average", type=float, default=0.998)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--judge-every", type=int, default=500)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--port", type=int, default=29517)
    parser.add_argument(
        "--workers",
        type=int,
        default=2,
        help="processes of one thread each: they meet once a step, not once an operation",
    )
    return parser.parse_args()


class Sharded:
    """Muon over a share of the matrices in each process; the others' results arrive by broadcast."""

    def __init__(self, matrices, rank, workers, **options):
        order = sorted(range(len(matrices)), key=lambda i: -matrices[i].numel())
        self.owner = {i: place % workers for place, i in enumerate(order)}
        self.matrices = matrices
        self.muon = torch.optim.Muon([m for i, m in enumerate(matrices) if self.owner[i] == rank], **options)

    @property
    def param_groups(self):
        """Asked for anew each time: loading a state replaces them."""
        return self.muon.param_groups

    def step(self):
        self.muon.step()
        for i, matrix in enumerate(self.matrices):
            distributed.broadcast(matrix.data, self.owner[i])

    def zero_grad(self, set_to_none=True):
        for matrix in self.matrices:
            matrix.grad = None


def work(rank, arguments):
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    os.environ["MASTER_PORT"] = str(arguments.port)
    distributed.init_process_group("gloo", rank=rank, world_size=arguments.workers)
    first = rank == 0
    torch.set_num_threads(1)
    torch.manual_seed(arguments.seed)
    rng, words_rng = np.random.default_rng(arguments.seed + rank), random.Random(arguments.seed + rank)

    meta = json.loads((arguments.cache / "meta.json").read_text())
    bank = np.load(arguments.cache / "bank.npy", mmap_mode="r")
    config = copy.deepcopy(CONFIG)
    captions = Captions(meta, arguments.out / f"tokenizer{rank or ''}", config)
    sources = [p["source"] for p in meta["pictures"]]
    names = [meta["concepts"][p["concept"]]["name"] for p in meta["pictures"]]
    mono = torch.tensor([s in STROKES for s in sources])
    fixed_hue = torch.tensor(
        [bool(set(n.split()) & set(words.COLOURS)) or s == "procedural" for n, s in zip(names, sources)]
    )
    turned = set(words.DIRECTIONS) | set("arrow letter button sign hand flag".split())
    flip = torch.tensor([not set(n.replace("-", " ").split()) & turned for n in names])
    sampler = Sampler(meta, arguments.common)

    taught = sorted(c for c, sets in sampler.pictures.items() if meta["concepts"][c]["emoji"] or len(sets) > 1)
    prototype_of = torch.full((len(meta["concepts"]),), -100)
    prototype_of[taught] = torch.arange(len(taught))
    model = Towers(config, len(taught))
    some = torch.from_numpy(np.stack([bank[i] for i in range(0, len(bank), len(bank) // 600)]))
    never = torch.zeros(len(some), dtype=torch.bool)
    model.vision.whiten(torch.cat([augment.plain(some), augment.present(some, never, never, ~never)]))
    average = copy.deepcopy(model)
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and ".blocks." in n]
    chosen = {id(p) for p in matrices}
    rest = [p for p in model.parameters() if id(p) not in chosen]
    optimizers = [
        Sharded(
            matrices,
            rank,
            arguments.workers,
            lr=arguments.muon_lr,
            weight_decay=arguments.decay,
            momentum=0.95,
            ns_steps=4,
        ),
        torch.optim.AdamW(
            [
                {"params": [p for p in rest if p.ndim >= 2], "weight_decay": arguments.decay},
                {"params": [p for p in rest if p.ndim < 2], "weight_decay": 0.0},
            ],
            lr=arguments.lr,
            betas=(0.9, 0.98),
        ),
    ]
    bases = [[g["lr"] for g in o.param_groups] for o in optimizers]
    step, spent = 0, 0.0
    torch.manual_seed(arguments.seed + 1000 * rank)
    saved = arguments.out / "checkpoint.pt"
    own = arguments.out / f"checkpoint-{rank}.pt"
    if arguments.resume and saved.exists():
        state, mine = torch.load(saved, weights_only=False), torch.load(own, weights_only=False)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        step, spent = state["step"], state["spent"]
        optimizers[0].muon.load_state_dict(mine["muon"])
        optimizers[1].load_state_dict(mine["adam"])
        rng.bit_generator.state = mine["rng"]
        torch.set_rng_state(mine["torch"])
        words_rng.setstate(mine["words"])

    log = (arguments.out / "log.txt").open("a") if first else None

    def say(line):
        if first:
            print(line, file=log, flush=True)
            print(line, flush=True)

    say(
        f"parameters {sum(p.numel() for n, p in model.named_parameters() if 'prototype' not in n) / 1e6:.2f} M, pictures {len(bank)}, vocabulary {config['vocab']}"
    )
    begun, last = time.time() - spent, time.time()
    running = {}

    phases = [(int(c), float(u)) for c, u in (p.split(":") for p in arguments.keep.split(","))]

    def shown(progress):
        return next(count for count, until in phases if progress <= until)

    def save(path):
        parts = [
            (
                own,
                {
                    "muon": optimizers[0].muon.state_dict(),
                    "adam": optimizers[1].state_dict(),
                    "rng": rng.bit_generator.state,
                    "torch": torch.get_rng_state(),
                    "words": words_rng.getstate(),
                },
            )
        ]
        if first:
            parts.append(
                (
                    path,
                    {
                        "model": model.state_dict(),
                        "average": average.state_dict(),
                        "step": step,
                        "spent": time.time() - begun,
                        "config": config,
                    },
                )
            )
        for target, state in parts:
            torch.save(state, f"{target}.part")
            os.replace(f"{target}.part", target)

    while step < arguments.steps:
        progress = step / arguments.steps
        rate = min(1, (step + 1) / 60) * min(1.0, (1 - progress) / 0.3)
        for optimizer, base in zip(optimizers, bases):
            for group, lr in zip(optimizer.param_groups, base):
                group["lr"] = lr * rate
        rows = sampler.batch(rng, arguments.concepts, arguments.each)
        chosen = [r[0] for r in rows]
        concept = torch.tensor([r[1] for r in rows])
        index = torch.tensor(chosen)
        with torch.no_grad():
            pixels = augment.present(
                torch.from_numpy(np.stack([bank[i] for i in chosen])),
                mono[index],
                fixed_hue[index],
                flip[index],
                strength=arguments.strength * min(1, progress / arguments.ramp),
            )
        said = [captions.sample(p, words_rng) for p in chosen[:: arguments.each]]
        ids, lengths = captions.pack([captions.dress(t, words_rng) for t in said])
        true = torch.tensor(
            [
                [t in captions.true_of[c] or i // arguments.each == j for j, t in enumerate(said)]
                for i, (_, c) in enumerate(rows)
            ]
        ).float()
        spoken = concept[:: arguments.each]
        named = torch.tensor([t == meta["concepts"][c]["name"] for t, c in zip(said, spoken.tolist())]).float()
        with torch.autocast("cpu", torch.bfloat16):
            pictures = model.vision(pixels, shown(progress))
            texts = model.text(ids, lengths)
        pictures, texts = F.normalize(pictures.float(), dim=1), F.normalize(texts.float(), dim=1)
        known = F.normalize(model.prototypes, dim=1)
        logits = model.scale.clamp(max=math.log(100)).exp() * pictures @ texts.T
        contrast = (multi_positive(logits, true) + multi_positive(logits.T, true.T)) / 2
        sharp = model.prototype_scale.clamp(max=math.log(50)).exp()
        image_class = F.cross_entropy(sharp * pictures @ known.T, prototype_of[concept], label_smoothing=0.05)
        text_class = (
            F.cross_entropy(sharp * texts @ known.T, prototype_of[spoken], reduction="none") * (0.2 + 0.8 * named)
        ).mean()
        loss = contrast + image_class + 0.5 * text_class
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        flat = torch.cat([p.grad.flatten() for p in model.parameters()])
        distributed.all_reduce(flat)
        for p, g in zip(model.parameters(), (flat / arguments.workers).split([p.numel() for p in model.parameters()])):
            p.grad.copy_(g.view_as(p))
        torch.nn.utils.clip_grad_norm_(rest, 2.0)
        for optimizer in optimizers:
            optimizer.step()
        step += 1
        decay = min(arguments.average, (1 + step) / (10 + step))
        with torch.no_grad():
            for a, b in zip(average.parameters(), model.parameters()):
                a.lerp_(b, 1 - decay)
            for a, b in zip(average.buffers(), model.buffers()):
                a.lerp_(b, 1 - decay) if a.is_floating_point() else a.copy_(b)
        for key, value in (
            ("contrast", contrast),
            ("image", image_class),
            ("text", text_class),
            ("hit", true.gather(1, logits.argmax(1, keepdim=True)).mean()),
        ):
            running[key] = 0.95 * running.get(key, value.item()) + 0.05 * value.item()
        if step % 20 == 0:
            now = time.time()
            say(
                f"step {step} {100 * step / arguments.steps:.1f}% "
                + " ".join(f"{k} {v:.3f}" for k, v in running.items())
                + f" scale {model.scale.exp():.1f} {sharp.item():.1f} {20 * len(rows) * arguments.workers / (now - last):.0f} pictures/s, {(now - begun) / 60:.0f} minutes so far"
            )
            last = now
        if step % arguments.judge_every == 0:
            if first:
                for line in judge(average, captions, arguments.cache, limit=600):
                    say(f"  judged at {step}: {line}")
            save(saved)
            last = time.time()
    save(arguments.out / "final.pt")
    if first:
        for line in judge(average, captions, arguments.cache, ("openmoji", "emojione", "held")):
            say(f"  final at {step}: {line}")
    distributed.destroy_process_group()


if __name__ == "__main__":
    options = parse()
    options.out.mkdir(parents=True, exist_ok=True)
    multiprocessing.spawn(work, (options,), options.workers)
