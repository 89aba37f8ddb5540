"""Composites: renders of named 3-D models and coloured drawings on photographed, textured and plain backgrounds."""

import io
import random
import re
import zipfile
from collections import defaultdict

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

CATALOGUES = ("BlendSwap-CC-0", "BlendSwap-CC-BY", "KatorLegaz", "Reallusion", "Scopia")

# Names of the catalogues whose wording or brand is not what one would call the thing.
RENAMED = {
    "sofa 2 seats": "sofa",
    "sofa 3 seats": "sofa",
    "clear sofa": "sofa",
    "burlap sofa": "sofa",
    "corner sofa": "sofa",
    "convertible sofa b": "sofa",
    "toilets unit": "toilet",
    "tv 16:9": "television",
    "tv": "television",
    "flipper": "pinball machine",
    "furnace": "stove",
    "seat leon": "car",
    "ford focus": "car",
    "vw new beetle": "car",
    "concept sedan 01": "car",
    "concept sedan 02": "car",
    "concept sedan 02 sport": "car",
    "apple imac 1998": "computer",
    "apple imac 2004": "computer",
    "apple ibook": "laptop",
    "apple iphone": "mobile phone",
    "female": "woman",
    "male": "man",
    "washbasin": "sink",
    "puff": "bean bag",
    "bike": "bicycle",
    "trunck": "trunk",
    "teck chair": "chair",
    "wood bank": "bench",
    "little bank": "bench",
    "bended coconut tree": "palm tree",
    "city bus": "bus",
    "rigged fan": "fan",
    "extinguisher": "fire extinguisher",
    "cone": "traffic cone",
    "abdominal bench": "exercise bench",
}
DROPPED = set("tool,box,frame chambord,frame hôi an,parking slot 90°,class seat,contemporary living room,crate".split(","))

# The photographs of lomiri-wallpapers-16.04 whose licence is CC-BY 4.0 or CC0; the others are share-alike.
PHOTOGRAPHS = (
    "aitzgorri_by_Aitzol_Berasategi friends_by_Aitzol_Berasategi life_by_Aitzol_Berasategi "
    "picosdeeuropa_by_Aitzol_Berasategi Picture_0B_by_freespace Picture_1A_by_freespace seeding_by_Clements_Engelhardt "
    "sunset_by_Aitzol_Berasategi umang_by_Abhishek_Mudgal Wine_by_Jakkub_Mede"
).split()


def render_name(name):
    """A catalogue's name as one would say it; None for what shows no one thing."""
    if "\\u" in name:
        name = name.encode().decode("unicode_escape", errors="ignore")
    name = name.lower().strip()
    name = "banknote" if name.startswith("bill") else re.sub(r"\s*\d+\s*€?$", "", name)
    return None if name in DROPPED or len(name) < 3 or "plug" in name else RENAMED.get(name, name)


def renders(packages):
    """[(name, RGBA picture)] of Sweet Home 3D's models, and the photographs of materials on them."""
    models, textures = [], []
    for catalogue in CATALOGUES:
        folder = packages / "deb/sweethome3d-furniture/usr/share/sweethome3d/furniture"
        archive = zipfile.ZipFile(folder / f"{catalogue}.sh3f")
        entries = defaultdict(dict)
        listing = archive.read("PluginFurnitureCatalog.properties").decode("latin-1")
        for key, number, value in re.findall(r"^(\w+)#(\d+)=(.*)$", listing, re.M):
            entries[int(number)][key] = value.strip()
        for number in sorted(entries):
            if name := render_name(entries[number]["name"]):
                icon = archive.read(entries[number]["icon"].lstrip("/"))
                models.append((name, Image.open(io.BytesIO(icon)).convert("RGBA")))
        for path in sorted(n for n in archive.namelist() if n.lower().endswith(".jpg")):
            try:
                texture = Image.open(io.BytesIO(archive.read(path))).convert("RGB")
            except OSError:
                continue  # a few of the package's files are no pictures
            if min(texture.size) >= 96:
                texture.thumbnail((400, 400))
                textures.append(texture)
    return models, textures


def backgrounds(packages):
    """Photographs and panoramas, freely licensed: landscapes, people at a distance, rooms, skies, a temple, a flower."""
    pictures = []
    for name in PHOTOGRAPHS:
        path = packages / f"deb/lomiri-wallpapers-16.04/usr/share/backgrounds/{name}.jpg"
        picture = Image.open(path).convert("RGB")
        picture.thumbnail((1400, 1400))
        pictures.append(picture)
    for name in ("china.jpg", "flower.jpg"):
        pictures.append(Image.open(packages / "pypi/sklearn/datasets/images" / name).convert("RGB"))
    import OpenEXR

    for path in sorted(packages.glob("deb/blender-data/usr/share/blender/datafiles/studiolights/world/*.exr")):
        channels = OpenEXR.File(str(path), separate_channels=True).channels()
        light = np.stack([channels[c].pixels for c in "RGB"], 2).astype(np.float32)
        light = light / np.percentile(light, 90)
        tone = np.clip(light * 1.2 / (1 + light * 0.6), 0, 1) ** (1 / 2.2)
        pictures.append(Image.fromarray((tone * 255).astype(np.uint8)))
    return pictures


class Maker:
    """Composites of `side` pixels."""

    def __init__(self, packages, side):
        self.side = side
        self.models, self.textures = renders(packages)
        self.backgrounds = backgrounds(packages)
        names = {name for name, _ in self.models}
        self.unseen = {name for name in names if random.Random(name).random() < 0.15}  # they only measure

    def crop(self, picture, least=0.08):
        rng, side, (width, height) = self.rng, self.side, picture.size
        size = int(min(width, height) * max(0.12, rng.uniform(least**0.5, 1)))
        size = min(max(48, size), width, height)
        left, top = rng.randint(0, width - size), rng.randint(0, height - size)
        out = picture.crop((left, top, left + size, top + size)).resize((side, side), Image.BICUBIC)
        return out.transpose(Image.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else out

    def background(self, white=0.22):
        rng, kind = self.rng, self.rng.random()
        if kind < white:
            return Image.new("RGB", (self.side, self.side), "white")
        if kind < white + 0.08:
            return Image.new("RGB", (self.side, self.side), tuple(rng.randint(0, 255) for _ in range(3)))
        out = self.crop(rng.choice(self.backgrounds if kind < 0.75 else self.textures))
        if rng.random() < 0.5:
            out = out.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 4)))
        return ImageEnhance.Brightness(out).enhance(rng.uniform(0.6, 1.3))

    def put(self, background, thing, least=0.55, most=1.05):
        """A thing with transparency on to a background, turned and stretched a little."""
        rng, side = self.rng, self.side
        scale = rng.uniform(least, most) * side / max(thing.size)
        width = max(8, int(thing.size[0] * scale * rng.uniform(0.85, 1.18)))
        height = max(8, int(thing.size[1] * scale))
        thing = thing.convert("RGBa").resize((width, height), Image.BICUBIC).convert("RGBA")
        thing = thing.rotate(rng.uniform(-14, 14), Image.BICUBIC, expand=True)
        if rng.random() < 0.5:
            thing = thing.transpose(Image.FLIP_LEFT_RIGHT)
        width, height = thing.size
        out, off = background.convert("RGBA"), side // 9
        place = ((side - width) // 2 + rng.randint(-off, off), (side - height) // 2 + rng.randint(-off, off))
        out.paste(thing, place, thing)
        return out.convert("RGB")

    def shift(self, picture):
        """Brightness, contrast, colour, and now and then blur."""
        for kind in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
            picture = kind(picture).enhance(self.rng.uniform(0.75, 1.3))
        if self.rng.random() < 0.15:
            picture = picture.filter(ImageFilter.GaussianBlur(self.rng.uniform(0.4, 1.2)))
        return picture

    def thing(self, drawings):
        """A render of a known name (its number) or a drawing (-1)."""
        if self.rng.random() < 0.55:
            number = self.rng.choice([i for i, (name, _) in enumerate(self.models) if name not in self.unseen])
            return self.put(self.background(), self.models[number][1]), number
        return self.put(self.background(), Image.fromarray(self.rng.choice(drawings))), -1

    def one(self, drawings):
        """A composite, and the number of the render on it or -1: things, crops of photographs, cuts and blends of two things."""
        rng, kind = self.rng, self.rng.random()
        if kind < 0.66:
            return self.thing(drawings)
        if kind < 0.90:
            return self.crop(rng.choice(self.backgrounds if rng.random() < 0.8 else self.textures), 0.01), -1
        (a, _), (b, _) = self.thing(drawings), self.thing(drawings)
        if rng.random() < 0.5:
            a.paste(b.crop((0, 0, rng.randint(self.side // 4, self.side * 3 // 4), self.side)), (0, 0))
            return a, -1
        return Image.blend(a, b, rng.uniform(0.3, 0.7)), -1
