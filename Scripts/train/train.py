#!/usr/bin/env python3
"""Trains the words to a tower that knows photographs, then both together.

    train.py --packages DIR --cache DIR --features DIR --out DIR [--trunk] [--apart WEIGHT] [--resume]

First the tower is locked and the words learn what its features mean: from drawings with their captions, from composites that the tower's own
classifier has an opinion of, and from features made of that classifier's rows and of other pictures, as those of photographs lie. Then its upper stages learn
too, so that drawings become known, held by a leash to what they made of the composites before. The schedule counts steps, and every draw
comes from the seed: two runs on one kind of CPU are the same to the bit.

Writes OUT/checkpoint.pt (resumable), OUT/log.txt and, at the end, OUT/final.pt with the averaged weights.
"""

import argparse
import copy
import json
import math
import os
import random
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import evaluate
import features
import tower
from captions import BACKGROUND, Captions, nonsense
from composites import renders
from model import CONFIG, Towers
from wordnet import WordNet

# Of a step: drawings and their concepts, composites, renders; texts of classes by their own names, by common words (some of them chosen,
# each with words that look alike), of nouns beside them and of scenes.
PICTURES, CONCEPTS, COMPOSITES, RENDERS, CLASSES, COMMON, ALIKE, NOUNS, SCENES = 128, 64, 40, 16, 40, 24, 2, 36, 8
# And, from --decay on, pictures of nothing, texts that fit anything, words without meaning, and, with --apart, the classes that the
# classifier holds likeliest of a picture, to be told apart by their own names.
BLANKS, ANYTHING, NONSENSE, LIKELY = 8, 3, 5, 4
# For each text of a class, a noun or a scene: how many made-up features, how far each goes towards the class and towards another picture, and how
# often that is a drawing. Those of photographs lie a little towards their class and much further aside.
STANDS, TOWARDS, ASIDE, DRAWN_ASIDE = 4, (0.1, 0.5), (0.5, 1.1), 0.4
HELD = 2000  # the last composites only measure


class Pool:
    """The shards of features.py; the maps stay in their files."""

    def __init__(self, folder, kind, count):
        shards = [np.load(folder / f"{kind}-{k}.npz") for k in range(count)]
        self.features, self.shown = (np.concatenate([s[key] for s in shards]) for key in ("features", "shown"))
        self.features = torch.from_numpy(self.features.astype(np.float32))
        self.shards = [np.load(folder / f"{kind}-{k}.maps.npy", mmap_mode="r") for k in range(count)]

    def maps(self, rows):
        """f16 [rows, 112, 14, 14]"""
        each = len(self.shards[0])
        maps = np.empty((len(rows), *self.shards[0].shape[1:]), self.shards[0].dtype)
        for place, row in enumerate(rows):
            maps[place] = self.shards[row // each][row % each]
        return maps


class Concepts:
    """Concepts of the drawings by weight, and the presentations of each."""

    def __init__(self, meta, shown, common):
        self.rows = {}
        for row, picture in enumerate(shown):
            self.rows.setdefault(meta["pictures"][picture]["concept"], []).append(row)
        concepts = sorted(self.rows)
        entries = [meta["concepts"][c] for c in concepts]
        weights = np.array([e["weight"] * (0.3 if len(e["name"].split()) > 2 else 1.0) for e in entries])
        emoji = np.array([e["emoji"] for e in entries])
        weights[emoji] *= common * weights[~emoji].sum() / ((1 - common) * weights[emoji].sum())
        self.concepts, self.weights = np.array(concepts), weights / weights.sum()

    def batch(self, rng, concepts, each):
        chosen = rng.choice(self.concepts, concepts, replace=False, p=self.weights)
        return [(int(r), int(c)) for c in chosen for r in rng.choice(self.rows[int(c)], each)]


def even(logits, target):
    """Cross entropy against a target that is normalised; rows without one don't count."""
    total = target.sum(1)
    loss = -(target / total.clamp(min=1e-6)[:, None] * F.log_softmax(logits, 1)).sum(1)
    return (loss * total.clamp(max=1)).sum() / total.clamp(max=1).sum()


def moved(maps, flip):
    """Maps as of a picture that is mirrored, or moved by one place of the map each way: nearly what the tower would make of it."""
    mirrored = flip & (torch.rand(len(maps)) < 0.5)
    maps[mirrored] = maps[mirrored].flip(3)
    padded, parts = F.pad(maps, (1, 1, 1, 1), mode="replicate"), []
    for part in padded.chunk(8):
        y, x = torch.randint(0, 3, (2,)).tolist()
        parts.append(part[:, :, y : y + maps.shape[2], x : x + maps.shape[3]])
    return torch.cat(parts)


class Training:
    def __init__(self, options):
        self.options = options
        torch.set_num_threads(options.threads)
        torch.manual_seed(options.seed)
        self.rng, self.words_rng = np.random.default_rng(options.seed), random.Random(options.seed)
        self.meta = json.loads((options.cache / "meta.json").read_text())
        concepts = self.meta["concepts"]
        known = {t for c in concepts for t in c["captions"]}
        self.net = WordNet(options.packages, known)
        self.drawings = Pool(options.features, "draw", features.DRAWINGS[0])
        self.composites = Pool(options.features, "comp", features.COMPOSITES[0])
        self.render_names = [name for name, _ in renders(options.packages)[0]]
        self.blanks = Pool(options.features, "blank", 1)
        self.concepts = Concepts(self.meta, self.drawings.shown, options.common)
        self.flip = torch.tensor(features.may_flip(self.meta))
        classifier = tower.pretrained(options.packages)
        head = classifier.classifier
        self.mean = self.composites.features.mean(0)
        rows = head.weight.detach() - head.weight.detach().mean(0)
        # Where each row points from the mean, as far from it as features are.
        spread = (self.composites.features - self.mean).norm(dim=1).mean()
        self.rows = self.mean + rows * spread / rows.norm(dim=1).mean()
        self.noise = self.composites.features.std().item()
        with torch.no_grad():
            self.soft = torch.softmax(head(self.composites.features), 1)
        self.head = head.requires_grad_(False)
        self.top = self.soft.argmax(1).tolist()
        self.sure = torch.where(self.soft[:-HELD].amax(1) > 0.25)[0].numpy()
        often = np.bincount([self.top[k] for k in self.sure], minlength=1000)[[self.top[k] for k in self.sure]]
        self.sure_weights = often**-0.6 / (often**-0.6).sum()
        self.rendered = np.where(self.composites.shown[:-HELD] >= 0)[0]

        self.true_of = [set(c["captions"]) for c in concepts]
        more = [(t, w) for said in self.net.words for t, w in said] + list(self.net.weight.items())
        more += [(t, 20) for t in self.net.scenes]
        config = copy.deepcopy(CONFIG)
        self.captions = Captions(self.meta, options.out / "tokenizer", config, more)
        pairs = {(self.meta["pictures"][p]["concept"], self.meta["pictures"][p]["source"]) for p in self.drawings.shown}
        sets = Counter(c for c, _ in pairs)
        taught = [c for c in sorted(sets) if concepts[c]["emoji"] or sets[c] > 1]
        self.prototype_of = torch.full((len(concepts),), -100)
        self.prototype_of[taught] = torch.arange(len(taught))
        self.model = Towers(config, classifier, self.mean, len(taught))
        self.model.upper.blocks[0].requires_grad_(False)
        self.average = copy.deepcopy(self.model)
        self.nouns, self.noun_weights = list(self.net.weight), list(self.net.weight.values())
        self.common, self.common_weights = list(self.net.common), [max(w.values()) for w in self.net.common.values()]
        self.scenes = list(self.net.scenes)
        self.own_names = [[(t, 1 / (1 + 0.7 * place)) for place, t in enumerate(names)] for names in self.net.names]
        self.alike = self.look_alikes(rows)
        self.judged = self.everyday_labels()

        blocks = [p for n, p in self.model.text.named_parameters() if ".weight" in n and "blocks" in n and p.ndim == 2]
        upper, project = [p for p in self.model.upper.parameters() if p.requires_grad], list(self.model.project.parameters())
        taken = {id(p) for p in [*blocks, *upper, *project]}
        rest = [p for p in self.model.parameters() if id(p) not in taken and p.requires_grad]
        self.upper = upper
        self.optimizers = [
            torch.optim.Muon(blocks, lr=options.muon_rate, weight_decay=0.05, momentum=0.95, ns_steps=4),
            torch.optim.AdamW(
                [
                    {"params": [p for p in rest if p.ndim >= 2], "lr": options.rate, "weight_decay": 0.05},
                    {"params": [p for p in rest if p.ndim < 2], "lr": options.rate, "weight_decay": 0.0},
                    {"params": project, "lr": options.project_rate, "weight_decay": 0.02},
                    {"params": upper, "lr": options.upper_rate, "weight_decay": 0.0},
                ],
                betas=(0.9, 0.98),
            ),
        ]
        self.bases = [[g["lr"] for g in o.param_groups] for o in self.optimizers]
        self.step, self.spent = 0, 0.0
        self.log = (options.out / "log.txt").open("a")
        self.say(f"{len(self.drawings.shown)} drawings, {len(self.composites.shown)} composites, vocabulary {config['vocab']}")

    def say(self, line):
        print(line, file=self.log, flush=True)
        print(line, flush=True)

    def look_alikes(self, rows):
        """Of each common word, the eight that stand nearest to it among those that share no class with it."""
        member = torch.zeros(len(self.common), 1000)
        for j, word in enumerate(self.common):
            member[j, list(self.net.classes[word])] = 1
        middle = F.normalize(F.normalize(member, dim=1, p=1) @ F.normalize(rows, dim=1), dim=1)
        near = middle @ middle.T
        near[member @ member.T > 0] = -1
        return near.topk(8, 1).indices.tolist()

    def everyday_labels(self):
        """224 labels as people type them, three fifths of them words of classes: what the pictures that only measure are named among."""
        rng = random.Random(5)
        words = sorted(w for w in self.common if len(self.net.classes[w]) < 60)
        others = sorted(w for w in self.nouns if self.net.weight[w] > 3)
        return rng.sample(words, 134) + rng.sample(others, 90)

    # MARK: one step

    def texts(self, said):
        ids, lengths = self.captions.pack(said)
        return F.normalize(self.model.text(ids, lengths).float(), dim=1)

    def pick(self, said):
        """One of (text, weight)."""
        return self.words_rng.choices([t for t, _ in said], [w for _, w in said])[0]

    def batch(self):
        """Pictures' features, texts, and which text is how true of which picture."""
        rng, words, net = self.rng, self.words_rng, self.net
        locked = self.step < self.options.locked
        drawn = self.concepts.batch(rng, CONCEPTS, PICTURES // CONCEPTS)
        rows = [r for r, _ in drawn]
        concept = torch.tensor([c for _, c in drawn])
        spoken = concept[:: PICTURES // CONCEPTS]
        said = [self.captions.sample(int(self.drawings.shown[rows[i]]), words) for i in range(0, PICTURES, PICTURES // CONCEPTS)]

        composed = rng.choice(self.sure, COMPOSITES, p=self.sure_weights).tolist()
        composed += rng.choice(self.rendered, RENDERS, replace=False).tolist()
        names = [self.render_names[self.composites.shown[k]] for k in composed[COMPOSITES:]]
        listed = lambda number: (net.everyday if words.random() < 0.5 else net.words)[number]  # noqa: E731
        classes = rng.choice(1000, CLASSES, replace=False).tolist()
        photographed = [self.pick(listed(self.top[k])) for k in composed[:COMPOSITES]] + names + [self.pick(listed(c)) for c in classes]
        chosen = words.choices(range(len(self.common)), self.common_weights, k=COMMON)
        chosen = [self.common[j] for i in chosen for j in [i, *words.sample(self.alike[i], ALIKE)]]
        classes += [self.pick(net.common[w].items()) for w in chosen]
        nouns = words.choices(self.nouns, self.noun_weights, k=NOUNS)
        classes += [words.choice(net.beside[n]) for n in nouns]
        scenes = words.sample(self.scenes, SCENES)
        classes += [words.choice(net.scenes[t]) for t in scenes]
        said += photographed + chosen + nouns + scenes
        meant, blank = len(said), []
        ending = self.step >= self.options.decay
        if ending:
            said += words.sample(BACKGROUND, ANYTHING) + [nonsense(words) for _ in range(NONSENSE)]
            blank = rng.choice(len(self.blanks.shown), BLANKS, replace=False).tolist()

        before = torch.cat([self.composites.features[composed], self.blanks.features[blank]])
        if locked:
            x = torch.cat([self.drawings.features[rows], before])
        else:
            maps = [self.drawings.maps(rows), self.composites.maps(composed), self.blanks.maps(blank)]
            maps = torch.from_numpy(np.concatenate(maps)).bfloat16()
            maps[:PICTURES] = moved(maps[:PICTURES], self.flip[self.drawings.shown[rows]])
            with torch.autocast("cpu", torch.bfloat16):
                x = self.model.upper(maps)
        # Seldom is a thing alone in a photograph: beside the class a composite or a drawing shows, and the classifier says what it sees.
        classes = classes * STANDS
        around = self.composites.features[torch.from_numpy(rng.integers(len(self.soft) - HELD, size=len(classes)))]
        aside = torch.rand(len(classes)) < DRAWN_ASIDE
        around[aside] = self.drawings.features[torch.from_numpy(rng.integers(len(self.drawings.features), size=int(aside.sum())))]
        own, other = torch.empty(len(classes), 1).uniform_(*TOWARDS), torch.empty(len(classes), 1).uniform_(*ASIDE)
        stand = (self.mean + own * (self.rows[classes] - self.mean) + other * (around - self.mean)).clamp(min=0)
        stand = stand + 0.05 * self.noise * torch.randn_like(stand)
        seen = torch.softmax(self.head(stand), 1)

        # How true: of drawings all or nothing; of the others as sure as the classifier is, less so where words are true of many classes.
        member = torch.zeros(1000, len(said))
        for j, text in enumerate(said):
            numbers = list(net.classes.get(text, ()))
            member[numbers, j] = len(numbers) ** -0.3 if numbers else 0.0
        drawn_true = torch.tensor([[float(t in self.true_of[c]) for t in said] for _, c in drawn])
        own = torch.arange(PICTURES) // (PICTURES // CONCEPTS)
        drawn_true[torch.arange(PICTURES), own] = 1
        composed_true = self.soft[composed] @ member
        for i, name in enumerate(names):
            composed_true[COMPOSITES + i].mul_(0.5)[torch.tensor([t == name for t in said])] = 1
        true = torch.cat([drawn_true, composed_true, torch.zeros(len(blank), len(said)), seen @ member])
        if ending:
            true[:, meant : meant + ANYTHING] = 0.05 / ANYTHING * true.sum(1, keepdim=True).clamp(max=1)
            true[len(drawn) + len(composed) :][: len(blank), meant : meant + ANYTHING] = 1
        return x, stand, before, concept, spoken, said, meant, true, self.soft[composed], seen[:CLASSES]

    def told_apart(self, pictures, soft):
        """How far the names of classes that stand near each other part pictures as the classifier does, soft [n, 1000] its answers."""
        words = self.words_rng
        classes = sorted({*soft[:COMPOSITES].topk(LIKELY, 1).indices.flatten().tolist(), *soft[COMPOSITES:].argmax(1).tolist()})
        names = list(dict.fromkeys(self.pick(self.own_names[c]) for c in classes))
        member = torch.zeros(1000, len(names))
        for j, name in enumerate(names):
            member[list(self.net.classes[name]), j] = 1
        with torch.autocast("cpu", torch.bfloat16):
            texts = self.texts([self.captions.dress(t, words, True) for t in names])
        logits = self.model.scale.clamp(max=math.log(100)).exp() * pictures @ texts.T
        true = soft @ member
        return (even(logits, true) + even(logits.T, true.T)) / 2

    def advance(self):
        o, model = self.options, self.model
        locked = self.step < o.locked
        warm, late = min(1, (self.step + 1) / 60), min(1.0, (o.steps - self.step) / (o.steps - o.decay))
        for optimizer, base in zip(self.optimizers, self.bases):
            for group, rate in zip(optimizer.param_groups, base):
                group["lr"] = rate * warm * late
        tuned = self.optimizers[1].param_groups[3]
        tuned["lr"] = 0 if locked else o.upper_rate * min(1, (self.step - o.locked + 1) / 100) * late
        for p in self.upper:
            p.requires_grad_(not locked)

        x, stand, before, concept, spoken, said, meant, true, soft, seen = self.batch()
        dressed = [self.captions.dress(t, self.words_rng, CONCEPTS <= i < meant - SCENES) for i, t in enumerate(said)]
        with torch.autocast("cpu", torch.bfloat16):
            texts = self.texts(dressed)
        pictures = model.image(torch.cat([x, stand]))
        known = F.normalize(model.prototypes, dim=1)
        logits = model.scale.clamp(max=math.log(100)).exp() * pictures @ texts.T
        contrast = (even(logits, true) + even(logits[:, :meant].T, true[:, :meant].T)) / 2
        sharp = model.prototype_scale.clamp(max=math.log(50)).exp()
        image_class = F.cross_entropy(sharp * pictures[:PICTURES] @ known.T, self.prototype_of[concept], label_smoothing=0.05)
        named = torch.tensor([t == self.meta["concepts"][c]["name"] for t, c in zip(said, spoken.tolist())]).float()
        target = self.prototype_of[spoken]
        text_class = F.cross_entropy(sharp * texts[: len(spoken)] @ known.T, target, reduction="none")
        text_class = (text_class * (0.2 + 0.8 * named)).mean()
        loss = contrast * 1.5 + image_class + 0.5 * text_class
        leash, apart = torch.zeros(()), torch.zeros(())
        if o.apart and self.step >= o.decay:
            composed, stood = pictures[PICTURES:][:COMPOSITES], pictures[len(x) :][:CLASSES]
            apart = self.told_apart(torch.cat([composed, stood]), torch.cat([soft[:COMPOSITES], seen]))
            loss = loss + o.apart * apart
        if not locked:
            leash = (1 - F.cosine_similarity(x[PICTURES:] - self.mean, before - self.mean, dim=1)).mean()
            answers = F.log_softmax(self.head(x[PICTURES : PICTURES + len(soft)].float()), 1)
            leash = leash + 0.2 * F.kl_div(answers, soft, reduction="batchmean")
            loss = loss + o.leash * leash
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for g in self.optimizers[1].param_groups for p in g["params"]], 2.0)
        for optimizer in self.optimizers:
            optimizer.step()
        self.step += 1
        decay = min(o.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for a, b in zip(self.average.parameters(), model.parameters()):
                a.lerp_(b, 1 - decay)
            for a, b in zip(self.average.buffers(), model.buffers()):
                a.lerp_(b, 1 - decay) if a.is_floating_point() else a.copy_(b)
        return {"contrast": contrast, "image": image_class, "text": text_class, "leash": leash, "apart": apart}

    # MARK: figures on the way

    @torch.no_grad()
    def judge(self, model):
        """Held-out drawings, renders of unseen names, and how often the classes' names agree with the classifier on unseen composites."""
        model.eval()

        def labels(names):
            total = 0
            for template in evaluate.TEMPLATES:
                ids, lengths = self.captions.pack([template.format(n) for n in names])
                total = total + F.normalize(model.text(ids, lengths).float(), dim=1)
            return F.normalize(total, dim=1)

        def images(maps):
            with torch.autocast("cpu", torch.bfloat16):
                parts = [model.upper(torch.from_numpy(maps[i : i + 256]).bfloat16()) for i in range(0, len(maps), 256)]
            return model.image(torch.cat(parts))

        lines = []
        for part in ("held", "emojione", "openmoji"):
            held = np.load(self.options.features / f"eval-{part}.npz")
            names = sorted(set(held["names"]))
            truth = torch.tensor([names.index(n) for n in held["names"]])
            found = images(held["maps"])
            figures = evaluate.zero_shot(found, labels(names), truth, (10, 50, 200), model.scale.exp().item(), draws=5)
            lines.append(f"{part} " + " ".join(f"{c}:{100 * v[0]:.1f}" for c, v in figures.items()) + f" ece50 {figures[50][2]:.3f}")
        held = np.load(self.options.features / "eval-renders.npz")
        names = sorted(set(held["names"]))
        chosen = held["unseen"]
        truth = torch.tensor([names.index(n) for n in held["names"][chosen]])
        order = (images(held["maps"][chosen]) @ labels(names).T).topk(5, 1).indices == truth[:, None]
        lines.append(f"unseen renders {100 * order[:, 0].float().mean():.1f}/{100 * order.any(1).float().mean():.1f}")
        soft = self.soft[-HELD:]
        chosen = torch.where(soft.amax(1) > 0.4)[0]
        composed = images(self.composites.maps((chosen + len(self.soft) - HELD).tolist()))
        order = (composed @ labels([n[0] for n in self.net.names]).T).topk(5, 1).indices
        order = order == soft[chosen].argmax(1)[:, None]
        lines.append(f"classes {100 * order[:, 0].float().mean():.1f}/{100 * order.any(1).float().mean():.1f}")
        classes = soft.argmax(1)[chosen].tolist()
        kept = [i for i, c in enumerate(classes) if any(c in self.net.classes[w] for w in self.judged)]
        order = (composed[kept] @ labels(self.judged).T).topk(5, 1).indices.tolist()
        right = torch.tensor([[classes[i] in self.net.classes[self.judged[k]] for k in row] for i, row in zip(kept, order)]).float()
        lines.append(f"everyday {100 * right[:, 0].mean():.1f}/{100 * right.amax(1).mean():.1f} of {len(kept)}")
        model.train()
        self.say(f"  judged at {self.step}: " + " | ".join(lines))

    # MARK: the run

    def save(self, path):
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": [o.state_dict() for o in self.optimizers],
            "rng": self.rng.bit_generator.state,
            "torch": torch.get_rng_state(),
            "words": self.words_rng.getstate(),
            "step": self.step,
            "spent": self.spent,
            "config": self.model.config,
        }
        torch.save(state, f"{path}.part")
        os.replace(f"{path}.part", path)

    def resume(self, path):
        state = torch.load(path, weights_only=False)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"]):
            optimizer.load_state_dict(saved)
        self.rng.bit_generator.state = state["rng"]
        torch.set_rng_state(state["torch"])
        self.words_rng.setstate(state["words"])
        self.step, self.spent = state["step"], state["spent"]

    def run(self):
        o, running = self.options, {}
        saved = o.out / "checkpoint.pt"
        if o.resume and saved.exists():
            self.resume(saved)
        begun = time.time() - self.spent
        while self.step < (o.decay if o.trunk else o.steps):
            for key, value in self.advance().items():
                running[key] = 0.95 * running.get(key, value.item()) + 0.05 * value.item()
            if self.step % 20 == 0:
                self.spent = time.time() - begun
                losses = " ".join(f"{k} {v:.3f}" for k, v in running.items())
                self.say(f"step {self.step} of {o.steps}: {losses} scale {self.model.scale.exp():.1f}, {self.spent / 60:.1f} minutes")
            if self.step % 100 == 0:
                self.save(saved)
            if self.step % o.judge_every == 0:
                self.judge(self.average)
        if self.step < o.steps:
            self.save(saved)
            return
        self.judge(self.average)
        self.save(o.out / "final.pt")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--packages", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=3800, help="the length of the schedule")
    parser.add_argument("--trunk", action="store_true", help="leave off where the ending begins, to be resumed")
    parser.add_argument("--locked", type=int, default=2200, help="steps before the upper stages learn")
    parser.add_argument("--decay", type=int, default=2800, help="steps before the ending: rates fall to nothing; texts that fit anything, words without meaning and pictures of nothing join in")
    parser.add_argument("--common", type=float, default=0.85, help="share of drawings whose concept has an emoji")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--muon-rate", type=float, default=0.02)
    parser.add_argument("--project-rate", type=float, default=1e-3)
    parser.add_argument("--upper-rate", type=float, default=3e-4)
    parser.add_argument("--apart", type=float, default=0.0, help="weight of telling likely classes apart by their own names, from --decay on")
    parser.add_argument("--leash", type=float, default=3.0)
    parser.add_argument("--average", type=float, default=0.998)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--judge-every", type=int, default=400)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    Training(options).run()
