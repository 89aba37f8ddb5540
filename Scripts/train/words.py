"""The words of the data set: names, keywords and hypernyms of the concepts, and how other sets' names map on to them."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

COLOURS = "black white grey gray red green blue yellow orange purple pink brown cyan magenta".split()
DIRECTIONS = (
    "left right up down upwards downwards clockwise anticlockwise counterclockwise east west north south".split()
)

# What a CLDR subgroup's members are, so that a label such as "animal" means something.
HYPERNYMS = {
    "animal-mammal": ["animal", "mammal"],
    "animal-bird": ["bird", "animal"],
    "animal-amphibian": ["animal", "amphibian"],
    "animal-reptile": ["reptile", "animal"],
    "animal-marine": ["sea animal", "animal"],
    "animal-bug": ["insect", "bug"],
    "plant-flower": ["flower", "plant"],
    "plant-other": ["plant"],
    "food-fruit": ["fruit", "food"],
    "food-vegetable": ["vegetable", "food"],
    "food-prepared": ["food", "meal"],
    "food-asian": ["food", "asian food"],
    "food-marine": ["seafood"],
    "food-sweet": ["dessert", "sweets", "food"],
    "drink": ["drink", "beverage"],
    "dishware": ["tableware"],
    "place-building": ["building"],
    "place-religious": ["building", "religious building"],
    "transport-ground": ["vehicle", "transport"],
    "transport-water": ["boat", "watercraft", "vehicle"],
    "transport-air": ["aircraft", "vehicle"],
    "time": ["time", "clock"],
    "sky & weather": ["weather", "sky"],
    "clothing": ["clothing", "clothes"],
    "musical-instrument": ["musical instrument", "music"],
    "music": ["music"],
    "tool": ["tool"],
    "science": ["science"],
    "medical": ["medicine"],
    "household": ["household item"],
    "sport": ["sport"],
    "game": ["game"],
    "phone": ["telephone"],
    "computer": ["computer"],
    "light & video": ["device"],
    "book-paper": ["paper"],
    "money": ["money"],
    "mail": ["mail"],
    "writing": ["writing tool"],
    "office": ["office item"],
    "lock": ["lock"],
    "face-smiling": ["face", "smiley", "happy face"],
    "face-affection": ["face", "smiley"],
    "face-tongue": ["face", "smiley"],
    "face-hand": ["face", "smiley"],
    "face-neutral-skeptical": ["face", "smiley"],
    "face-sleepy": ["face", "tired face"],
    "face-unwell": ["face", "sick face"],
    "face-hat": ["face", "smiley"],
    "face-glasses": ["face", "smiley"],
    "face-concerned": ["face", "sad face"],
    "face-negative": ["face", "angry face"],
    "face-costume": ["face", "mask"],
    "cat-face": ["cat", "animal"],
    "monkey-face": ["monkey", "animal"],
    "hand-fingers-open": ["hand", "gesture"],
    "hand-fingers-partial": ["hand", "gesture"],
    "hand-single-finger": ["hand", "finger"],
    "hand-fingers-closed": ["hand", "fist"],
    "hands": ["hands"],
    "hand-prop": ["hand"],
    "body-parts": ["body part"],
    "person": ["person"],
    "person-gesture": ["person", "gesture"],
    "person-role": ["person", "profession"],
    "person-fantasy": ["fantasy creature", "person"],
    "person-activity": ["person", "activity"],
    "person-sport": ["person", "sport"],
    "person-resting": ["person"],
    "family": ["people", "family"],
    "arrow": ["arrow"],
    "zodiac": ["zodiac sign"],
    "religion": ["religious symbol"],
    "transport-sign": ["sign"],
    "warning": ["warning sign"],
    "geometric": ["shape"],
    "heart": ["heart"],
}


def clean(text):
    """Lower case, apostrophes straight, no punctuation that a label would not have."""
    text = text.lower().replace("’", "'").replace("“", "").replace("”", "").replace("⊛", "")
    return re.sub(r"\s+", " ", re.sub(r"[:,()!?]", " ", text)).strip()


def read_annotations(folder):
    """CLDR's English names and keywords: {emoji: (name, [keyword])}, presentation selectors dropped."""
    names, keywords = {}, {}
    for part in ("annotations", "annotationsDerived"):
        for node in ElementTree.parse(Path(folder) / part / "en.xml").iter("annotation"):
            key = node.get("cp").replace("\ufe0f", "")
            if node.get("type") == "tts":
                names[key] = clean(node.text)
            else:
                keywords[key] = [clean(k) for k in node.text.split("|")]
    return {key: (name, keywords.get(key, [])) for key, name in names.items()}


def read_emoji_list(path):
    """Unicode's emoji-test.txt: [(emoji, group, subgroup)], fully qualified, without skin tones and country flags."""
    group = subgroup = ""
    rows = []
    for line in Path(path).read_text().splitlines():
        if line.startswith("# group:"):
            group = line.split(":", 1)[1].strip()
        elif line.startswith("# subgroup:"):
            subgroup = line.split(":", 1)[1].strip()
        elif "; fully-qualified" in line:
            emoji = "".join(chr(int(c, 16)) for c in line.split(";")[0].split())
            toned = any(0x1F3FB <= ord(c) <= 0x1F3FF for c in emoji)
            if not toned and subgroup not in ("country-flag", "subdivision-flag"):
                rows.append((emoji, group, subgroup))
    return rows


# Tokens of icon names that say how the icon is drawn, and tokens that mark a variation of the interface, not a thing.
ICON_STYLE = set(
    "outline filled variant sharp rounded solid alt duotone light thin bold regular simple icon face side".split()
)
ICON_NOISE = set(
    """off slash plus minus x check cancel remove add alert question exclamation up down arrow arrows chevron caret circle
    square box badge code dots cog settings pause share edit lock brand letter number alpha numeric roman math api
    google microsoft apple-keyboard format table view file form page layout align border sort filter axis chart account
    user users database server cloud-upload language sign-language left right top bottom in out multiple all none auto
    dollar euro pound yen rupee bitcoin search refresh sync cancel exclamation bolt gear xmark percent wave pulse network
    device monitor-dashboard vector source progress ray menu gesture transition material nut bootstrap vuejs react git
    github gitlab docker linux ubuntu debian html css language xml json cellphone""".split()
)


def icon_name(stem):
    """An icon's file name as a caption, or None where the icon shows a variation of an interface rather than a thing."""
    tokens = [t for t in stem.lower().split("-") if t not in ICON_STYLE and not re.fullmatch(r"\d+|[a-z]", t)]
    if not tokens or len(tokens) > 3 or (len(tokens) > 1 and any(t in ICON_NOISE for t in tokens)):
        return None
    return None if len(tokens) == 1 and tokens[0] in ICON_NOISE else " ".join(tokens)


def clip_art_name(stem, authors):
    """A clip-art file name as a caption: the author's suffix, numbers and the drawing's technicalities removed."""
    tokens = re.sub(r"[^a-z' ]+", " ", stem.lower()).split()
    noise = set(re.sub(r"[^a-z ]+", " ", " ".join(authors).lower()).split())
    noise |= set(
        "architetto francesco rollandin remix vector clipart clip svg png ver version new by jon phillips a b c d e r s "
        "of the with and lumen design studio mono simple icon johnny automatic rob gerald g benji park ganson "
        "matthew gates mo wi lo df dm nicu buculei yves guillou valessio brito machovka josep lluis tom ryanlerch "
        "liftarn schoolfreeware sivvus agomjo aj art jean victor balin papapishu molumen addon etiquette".split()
    )
    while tokens and tokens[-1] in noise:
        tokens.pop()
    return " ".join(tokens[:4])


class Concepts:
    """Names to concept numbers. Emoji concepts come first; other sets attach to them by name or add their own."""

    def __init__(self):
        self.names, self.captions, self.index, self.emoji_count = [], [], {}, 0

    def add(self, name, captions=()):
        if name not in self.index:
            self.index[name] = len(self.names)
            self.names.append(name)
            self.captions.append({})
        number = self.index[name]
        for text, weight in [(name, 3.0), *captions]:
            have = self.captions[number]
            have[text] = max(have.get(text, 0.0), weight)
        return number

    def find(self, name):
        """The concept of a free name: itself, its singular, or the concept of its last or first word; else a new one."""
        forms = [name, name + " face", name.rstrip("s"), name.removesuffix("es"), name.removesuffix("ies") + "y"]
        words = name.split()
        for form in forms:
            if form in self.index:
                return self.index[form], True
        for word in [words[-1], words[0]] if len(words) > 1 else []:
            for form in (word, word.rstrip("s")):
                if len(form) > 2 and form in self.index and self.index[form] < self.emoji_count:
                    return self.index[form], False
        return self.add(name), True
