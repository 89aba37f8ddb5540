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
        wrong = confidence[~hit].mean().item() if (~hit).any() else 0.0
        results[count] = (top1, top5, calibration_error(confidence, hit), wrong)
    return results


def calibration_error(confidence, hit):
    """How far confidences are off the share that is right: the expected calibration error of 15 bins (Guo et al., 2017)."""
    bins = (confidence * 15).long().clamp(max=14)
    return sum((confidence - hit.float())[bins == b].sum().abs().item() for b in range(15)) / len(confidence)


def retrieval(pictures, labels, names, at=(1, 5, 10)):
    """Text to picture: the share of labels with a true picture among the first k."""
    similarity = labels @ pictures.T
    present = names.unique()
    order = similarity[present].topk(max(at), 1).indices
    true = names[order] == present[:, None]
    return {k: true[:, :k].any(1).float().mean().item() for k in at}


def short(entries):
    """Entries whose name has one or two words: what a person would type as a label."""
    return [i for i, e in enumerate(entries) if len(e["name"].split()) <= 2]


TEMPLATES = ("{}", "a photo of a {}", "a drawing of a {}")


class Exported:
    """An exported folder through open_clip, preprocessing included: what `clip` is compared with."""

    def __init__(self, folder):
        sys.path.append(str(Path(__file__).parent.parent / "fixtures"))
        import torchvision_cpu  # noqa: F401
        from open_clip.model import CLIP
        from safetensors.torch import load_file
        from transformers import CLIPTokenizer

        settings = json.loads((Path(folder) / "open_clip_config.json").read_text())
        self.model = CLIP(**settings["model_cfg"]).eval()
        state = {k: v.float() for k, v in load_file(Path(folder) / "open_clip_model.safetensors").items()}
        missing, unexpected = self.model.load_state_dict(state, strict=False)
        assert not unexpected and all("num_batches" in k or "attn_mask" in k for k in missing), (missing, unexpected)
        self.side = settings["model_cfg"]["vision_cfg"]["image_size"]
        self.context = settings["model_cfg"]["text_cfg"]["context_length"]
        self.mean, self.std = settings["preprocess_cfg"]["mean"][0], settings["preprocess_cfg"]["std"][0]
        self.tokenizer = CLIPTokenizer.from_pretrained(folder)
        self.scale = self.model.logit_scale.exp().item()

    def prepare(self, picture):
        """What preprocess_cfg says, with Pillow: shortest side, bicubic, centre crop."""
        width, height = picture.size
        short, side = min(width, height), self.side
        size = (side * width // short, side * height // short)
        picture = picture.resize(size, Image.Resampling.BICUBIC) if picture.size != size else picture
        left, top = round((size[0] - side) / 2), round((size[1] - side) / 2)
        pixels = np.array(picture.crop((left, top, left + side, top + side)), np.float32)
        return (torch.from_numpy(pixels).permute(2, 0, 1) / 255 - self.mean) / self.std

    @torch.no_grad()
    def pictures(self, pictures):
        rows = []
        for start in range(0, len(pictures), 64):
            pixels = torch.stack([self.prepare(p) for p in pictures[start : start + 64]])
            rows.append(self.model.encode_image(pixels, normalize=True))
        return torch.cat(rows)

    @torch.no_grad()
    def labels(self, names, templates=TEMPLATES):
        total = 0
        for template in templates:
            rows = self.tokenizer([template.format(n) for n in names], truncation=True, max_length=self.context)
            ids = torch.tensor([r + [0] * (self.context - len(r)) for r in rows["input_ids"]])
            total = total + self.model.encode_text(ids, normalize=True)
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


def margin(part, side):
    """Held-out drawings of trained sets fill their squares; OpenMoji and EmojiOne have a margin of their own."""
    return side // 8 if part == "held" else 0


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
    pictures = [on_white(bank[i], margin(part, bank.shape[1])) for i in chosen]
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


# What `clip` compares labels and searches with, and words without meaning.
BACKGROUND = ("a photo", "a picture of something", "an object", "a photo of a thing", "a photo of a object")
NONSENSE = "qwertz asdf xyzzy foobar blorf grumbix zzzz fnord wibble qqq lkjh snarfle plugh mnbv trelk vashti oomph jkl gronk ptang".split()


def fits(model, cache, folders=()):
    """How often a text beats the background prompts and reaches a cosine: a picture's own label, a word without meaning, and any of
    100 labels on a picture of nothing."""
    entries = json.loads((cache / "eval-emojione.json").read_text())
    bank = np.load(cache / "eval-emojione.npy", mmap_mode="r")
    chosen = short(entries)[::2]
    pictures, names = [on_white(bank[i]) for i in chosen], [entries[i]["name"] for i in chosen]
    for folder in folders:
        images = json.loads((folder / "labels.json").read_text())["images"]
        pictures += [Image.open(folder / f["file"]).convert("RGB") for f in images]
        names += [f["label"] for f in images]
    rng = np.random.default_rng(3)
    blank = [Image.new("RGB", (256, 256), tuple(rng.integers(0, 256, 3).tolist())) for _ in range(20)]
    blank += [Image.fromarray(rng.integers(0, 256, (256, 256, 3), np.uint8)) for _ in range(10)] + [Image.new("RGB", (256, 256), c) for c in ("white", "black")]
    shown, nothing = model.pictures(pictures), model.pictures(blank)
    neutral = model.labels(BACKGROUND, ("{}",))
    labels, senseless = model.labels(names, ("a photo of a {}",)), model.labels(NONSENSE, ("{}",))
    own = (shown * labels).sum(1)
    rivals = [own, shown @ senseless.T, nothing @ labels[:100].T]
    beaten = [(shown @ neutral.T).amax(1), (shown @ neutral.T).amax(1)[:, None], (nothing @ neutral.T).amax(1)[:, None]]
    lines = [f"### What fits: {len(names)} pictures and {len(blank)} of nothing", "", "| cosine of at least | own label | word without meaning | label on nothing |", "|---|---|---|---|"]
    for least in (-1, 0.15, 0.18, 0.2, 0.25, 0.3):
        shares = [((c > b) & (c >= least)).float().mean().item() for c, b in zip(rivals, beaten)]
        lines.append(f"| {least if least > 0 else 'any'} | " + " | ".join(f"{100 * s:.1f} %" for s in shares) + " |")
    strange = shown @ senseless.T
    return lines + ["", f"The greatest cosine of “{NONSENSE[0]}” with a picture is {strange[:, 0].max():.2f}, of any such word {strange.max():.2f}.", ""]


PROFESSIONS = "doctor nurse teacher cook scientist firefighter farmer judge pilot mechanic artist singer astronaut student".split()

# OpenMoji's names of foods, clothes and houses, by where they are at home.
REGIONS = {
    "foods of Europe, the United States and Canada": "bread,baguette bread,hamburger,french fries,pizza,sandwich,cheese wedge,pretzel,hot dog,pancakes,doughnut,pie",
    "foods of elsewhere": "taco,burrito,tamale,falafel,stuffed flatbread,bento box,rice cracker,rice ball,curry rice,sushi,moon cake,dango,dumpling",
    "clothes of Europe, the United States and Canada": "necktie,t-shirt,jeans,coat,dress,running shirt,lab coat",
    "clothes of elsewhere": "kimono,sari,thong sandal,folding hand fan",
    "houses of Europe, the United States and Canada": "house,house with garden,houses,castle,church,derelict house",
    "houses of elsewhere": "hut,japanese castle,mosque,hindu temple,synagogue,shinto shrine,kaaba",
}


def skews(model, cache):
    """What professions' names are drawn to; what drawings of men and women are called; what is known of several regions."""
    closeness = model.labels(PROFESSIONS, ("a {}",)) @ model.labels(["a man", "a woman"], ("{}",)).T
    lines = ["### Which words lean to “a man” and “a woman”", "", "| word | man − woman (cosine) |", "|---|---|"]
    lines += [f"| {j} | {(c[0] - c[1]).item():+.3f} |" for j, c in zip(PROFESSIONS, closeness)] + [""]

    entries = json.loads((cache / "eval-openmoji.json").read_text())
    bank = np.load(cache / "eval-openmoji.npy", mmap_mode="r")
    show = lambda names: model.pictures([on_white(bank[i]) for i, e in enumerate(entries) if e["name"] in names])  # noqa: E731
    jobs = sorted({e["name"].split(" ", 1)[1] for e in entries if e["name"].startswith("woman ")})
    names = {e["name"] for e in entries}
    jobs = [j for j in jobs if f"man {j}" in names and j.split()[-1] in {*PROFESSIONS, "worker", "technologist", "guard", "detective", "officer"}]
    labels = model.labels(jobs)
    lines += [f"### Drawings of men and women at work (OpenMoji), {len(jobs)} professions as labels", ""]
    for who, other in (("man", "woman"), ("woman", "man")):
        images = show({f"{who} {j}" for j in jobs})
        drawn = [e["name"].split(" ", 1)[1] for e in entries if e["name"] in {f"{who} {j}" for j in jobs}]
        named = [jobs[i] for i in (images @ labels.T).argmax(1)]
        right = sum(a == b for a, b in zip(drawn, named)) / len(drawn)
        sides = images @ model.labels([f"a {who}", f"a {other}"], ("{}",)).T
        taken = (sides[:, 1] > sides[:, 0]).float().mean().item()
        lines.append(f"- of a {who}: {len(drawn)}, profession right {100 * right:.0f} %, nearer to “a {other}” {100 * taken:.0f} %")
    everything = sorted({entries[i]["name"] for i in short(entries)})
    labels = model.labels(everything)
    lines += ["", f"### What is known of several regions (OpenMoji, among {len(everything)} names)", "", "| | pictures | top-1 | top-5 |", "|---|---|---|---|"]
    for region, listed in REGIONS.items():
        wanted = [e["name"] for e in entries if e["name"] in listed.split(",") and e["name"] in everything]
        order = (show(set(wanted)) @ labels.T).topk(5, 1).indices
        hits = torch.tensor([[everything[k] == name for k in row] for row, name in zip(order, wanted)]).float()
        lines.append(f"| {region} | {len(wanted)} | {100 * hits[:, 0].mean():.0f} % | {100 * hits.amax(1).mean():.0f} % |")
    return lines + [""]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path, help="an exported folder, or a packed file")
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
    lines += fits(model, arguments.cache, arguments.folder) + skews(model, arguments.cache)
    (arguments.out / "evaluation.md").write_text("\n".join(lines))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
