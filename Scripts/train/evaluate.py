#!/usr/bin/env python3
"""Zero-shot figures of a model over held-out pictures: top-1/top-5 among 10/50/200/1000 labels, text to picture, calibration."""

import argparse
import io
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image


def interval(p, n):
    """Half width of the 95 % interval of a share (Wilson), in points."""
    z = 1.96
    return 100 * z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)


def zero_shot(pictures, labels, names, counts=(10, 50, 200, 1000), scale=100.0, seed=1, draws=20):
    """pictures [n, d] and labels [m, d] of unit length; names[i] is the index of picture i's label. For every picture the true
    label stands among counts[k] - 1 random others. Returns {count: (top1, top5, ece, mean confidence when wrong)}."""
    similarity = pictures @ labels.T
    generator = torch.Generator().manual_seed(seed)
    truth = similarity.gather(1, names[:, None])
    results = {}
    for count in counts:
        if count > len(labels):
            continue
        top1 = top5 = 0.0
        confidences, hits = [], []
        for _ in range(draws):
            noise = torch.rand(similarity.shape, generator=generator)
            noise.scatter_(1, names[:, None], 2.0)
            others = noise.topk(count, 1).indices[:, 1:]
            rivals = similarity.gather(1, others)
            rank = (rivals > truth).sum(1)
            top1 += (rank == 0).float().mean().item() / draws
            top5 += (rank < 5).float().mean().item() / draws
            probability = torch.softmax(scale * torch.cat([truth, rivals], 1), 1)
            confidences.append(probability.amax(1))
            hits.append(rank == 0)
        confidence, hit = torch.cat(confidences), torch.cat(hits)
        bins = (confidence * 15).long().clamp(max=14)
        ece = sum(
            abs(confidence[bins == b].mean() - hit[bins == b].float().mean()).item() * (bins == b).float().mean().item()
            for b in range(15)
            if (bins == b).any()
        )
        wrong = confidence[~hit].mean().item() if (~hit).any() else 0.0
        results[count] = (top1, top5, ece, wrong)
    return results


def retrieval(pictures, labels, names, at=(1, 5, 10)):
    """Text to picture: the share of labels with a true picture among the first k."""
    similarity = labels @ pictures.T
    present = names.unique()
    order = similarity[present].topk(max(at), 1).indices
    true = names[order] == present[:, None]
    return {k: true[:, :k].any(1).float().mean().item() for k in at}


def short(entries):
    """Entries whose name has one or two words, and is not a variant by gender: what a person would type as a label."""
    return [i for i, e in enumerate(entries) if len(e["name"].split()) <= 2]


TEMPLATES = ("{}", "a photo of a {}", "a drawing of a {}")


class Exported:
    """An exported folder through transformers, preprocessing included: what `clip` is compared with."""

    def __init__(self, folder):
        sys.path.append(str(Path(__file__).parent.parent))
        import torchvision_cpu  # noqa: F401
        from transformers import CLIPModel, CLIPTokenizer

        self.model = CLIPModel.from_pretrained(folder, torch_dtype=torch.float32).eval()
        self.side = self.model.config.vision_config.image_size
        self.tokenizer = CLIPTokenizer.from_pretrained(folder)
        self.scale = self.model.logit_scale.exp().item()

    def prepare(self, picture):
        """What preprocessor_config.json says, with Pillow: shortest side, bicubic, centre crop, -1 … 1."""
        width, height = picture.size
        short, side = min(width, height), self.side
        size = (side * width // short, side * height // short)
        picture = picture.resize(size, Image.Resampling.BICUBIC) if picture.size != size else picture
        left, top = (size[0] - side) // 2, (size[1] - side) // 2
        pixels = np.array(picture.crop((left, top, left + side, top + side)), np.float32)
        return (torch.from_numpy(pixels).permute(2, 0, 1) / 255 - 0.5) / 0.5

    @torch.no_grad()
    def pictures(self, pictures):
        rows = []
        for start in range(0, len(pictures), 128):
            pixels = torch.stack([self.prepare(p) for p in pictures[start : start + 128]])
            features = self.model.get_image_features(pixel_values=pixels)
            rows.append(F.normalize(getattr(features, "pooler_output", features), dim=1))
        return torch.cat(rows)

    @torch.no_grad()
    def labels(self, names, templates=TEMPLATES):
        total = 0
        limit = self.model.config.text_config.max_position_embeddings
        for template in templates:
            ids = self.tokenizer(
                [template.format(n) for n in names],
                padding=True,
                truncation=True,
                max_length=limit,
                return_tensors="pt",
            )
            features = self.model.get_text_features(**ids)
            total = total + F.normalize(getattr(features, "pooler_output", features), dim=1)
        return F.normalize(total, dim=1)


class Packed:
    """A packed file through `clip`, the program: its figures must be those of the folder that it was packed from."""

    def __init__(self, program, path):
        self.command = [program, "--quiet", "--format", "npy", "--model", str(path)]
        described = subprocess.run([program, "info", str(path), "--format", "json"], check=True, capture_output=True)
        self.scale = json.loads(described.stdout)["logit_scale"]

    def embed(self, what, *options, **standard):
        command = [self.command[0], what, *self.command[1:], *options]
        written = subprocess.run(command, check=True, stdout=subprocess.PIPE, **standard).stdout
        return torch.from_numpy(np.load(io.BytesIO(written)))

    def pictures(self, pictures):
        with tempfile.TemporaryDirectory() as folder:
            for number, picture in enumerate(pictures):
                picture.save(f"{folder}/{number:06}.png")
            return self.embed("embed-image", folder)

    def labels(self, names, templates=TEMPLATES):
        total = 0
        for template in templates:
            texts = "\n".join(template.format(name) for name in names)
            total = total + self.embed("embed-text", "--file", "-", input=texts.encode())
        return F.normalize(total, dim=1)


def on_white(pixels, margin=0):
    picture = Image.fromarray(pixels, "RGBA")
    side = picture.width + 2 * margin
    out = Image.new("RGB", (side, side), "white")
    out.paste(picture, (margin, margin), picture)
    return out


def report(model, cache, part, out):
    """The figures of one held-out set: its one- and two-word names, as a Markdown table, with chance and 95 % intervals."""
    entries = json.loads((cache / f"eval-{part}.json").read_text())
    bank = np.load(cache / f"eval-{part}.npy")
    chosen = short(entries)
    names = sorted({entries[i]["name"] for i in chosen})
    place = {n: k for k, n in enumerate(names)}
    pictures = [on_white(bank[i], 8 if part == "held" else 0) for i in chosen]
    images, labels = model.pictures(pictures), model.labels(names)
    truth = torch.tensor([place[entries[i]["name"]] for i in chosen])
    n = len(chosen)
    lines = [
        f"### {part}: {n} pictures, {len(names)} names",
        "",
        "| labels | top-1 (chance) | top-5 (chance) | ECE | confidence when wrong |",
        "|---|---|---|---|---|",
    ]
    for count, (top1, top5, ece, wrong) in zero_shot(images, labels, truth, scale=model.scale).items():
        lines.append(
            f"| {count} | {100 * top1:.1f} ± {interval(top1, n):.1f} % ({100 / count:.1f}) | {100 * top5:.1f} ± {interval(top5, n):.1f} % ({min(100, 500 / count):.1f}) | {ece:.3f} | {100 * wrong:.0f} % |"
        )
    recall = retrieval(images, labels, truth)
    lines += [
        "",
        "Text to picture: "
        + ", ".join(
            f"R@{k} {100 * v:.1f} ± {interval(v, len(names)):.1f} % (chance {100 * k / n:.1f})"
            for k, v in recall.items()
        ),
    ]
    (out / "confusion").mkdir(parents=True, exist_ok=True)
    similarity = images @ labels.T
    wrong = [i for i in range(n) if similarity[i].argmax() != truth[i]][:60]
    page = [
        f"# {part}: the first wrong answers among all {len(names)} names",
        "",
        "| picture | is | answered |",
        "|---|---|---|",
    ]
    for i in wrong:
        file = f"{part}-{chosen[i]}.png"
        pictures[i].save(out / "confusion" / file)
        page.append(
            f"| ![]({file}) | {names[truth[i]]} | " + ", ".join(names[k] for k in similarity[i].topk(3).indices) + " |"
        )
    (out / "confusion" / f"{part}.md").write_text("\n".join(page) + "\n")
    return lines + [""]


def folder_report(model, folder):
    """A folder of real pictures with labels.json: {template, classes?, images: [{file, label}]}."""
    listing = json.loads((folder / "labels.json").read_text())
    files = listing["images"]
    classes = listing.get("classes") or sorted({f["label"] for f in files})
    images = model.pictures([Image.open(folder / f["file"]).convert("RGB") for f in files])
    probability = torch.softmax(model.scale * images @ model.labels(classes, (listing.get("template", "{}"),)).T, 1)
    order = probability.topk(min(5, len(classes)), 1).indices
    top1 = sum(classes[order[i][0]] == f["label"] for i, f in enumerate(files))
    top5 = sum(f["label"] in [classes[k] for k in order[i]] for i, f in enumerate(files))
    lines = [
        f"### {folder.name}: {len(files)} pictures, {len(classes)} labels",
        "",
        f"top-1 {top1}, top-5 {top5} of {len(files)} (chance {len(files) / len(classes):.1f}, {len(files) * min(1, 5 / len(classes)):.1f})",
        "",
        "| picture | label | answer (share) |",
        "|---|---|---|",
    ]
    for i, f in enumerate(files):
        lines.append(
            f"| {f['file']} | {f['label']} | {classes[order[i][0]]} ({100 * probability[i][order[i][0]]:.0f} %) |"
        )
    return lines + [""]


def skews(model, cache):
    """What neutral names are drawn to: the similarity of professions and person words to gendered and coloured words."""
    people = ["a man", "a woman"]
    jobs = "doctor nurse teacher cook scientist firefighter farmer judge pilot mechanic artist singer astronaut student".split()
    sides = model.labels(people, ("{}",))
    closeness = model.labels(jobs, ("a {}",)) @ sides.T
    lines = ["### Which words lean to “a man” and “a woman”", "", "| word | man − woman (cosine) |", "|---|---|"]
    return lines + [f"| {j} | {(c[0] - c[1]).item():+.3f} |" for j, c in zip(jobs, closeness)] + [""]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path, help="an exported Hugging Face folder, or a packed file")
    parser.add_argument("--clip", default="clip", help="the program that embeds with a packed file")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--folder", type=Path, action="append", default=[], help="a folder of pictures with labels.json (repeatable)"
    )
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    model = Exported(arguments.model) if arguments.model.is_dir() else Packed(arguments.clip, arguments.model)
    lines = []
    for part in ("openmoji", "emojione", "held"):
        lines += report(model, arguments.cache, part, arguments.out)
    for folder in arguments.folder:
        lines += folder_report(model, folder)
    lines += skews(model, arguments.cache)
    (arguments.out / "evaluation.md").write_text("\n".join(lines))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
