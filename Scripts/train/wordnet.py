"""What WordNet 3.0 calls the tower's 1,000 classes, what it says of them, and which other nouns stand beside them."""

import functools
import os
import re
from collections import Counter, defaultdict

import scenes

# Words above everything: true of half the classes, said of none.
EMPTY = set(
    """entity,physical entity,abstraction,object,whole,matter,causal agent,thing,unit,living thing,organism,artifact,artefact,
    instrumentality,instrumentation,chordate,vertebrate,craniate,placental,eutherian,physical object,animate thing,being,conveyance,
    covering,structure,device,substance,relation,part,piece,causal agency,cause,abstract entity,placental mammal,
    eutherian mammal""".replace("\n    ", "").split(",")
)
CONCRETE = {5, 6, 8, 13, 17, 20}  # lexicographer files: animals, artifacts, body, food, natural objects, plants


class WordNet:
    """words[class]: [(words, weight)], its names before its hypernyms, then its gloss; everyday[class]: the same, what people say more
    often weighing more ("horse", not "sorrel"); classes[words]: the classes it is true of;
    common[words]: {class: weight}, those of the above that are said often or that drawings show; scenes[words]: the classes they fit;
    beside[noun]: the classes nearest to a noun that is neither a class nor a hypernym of one, and weight[noun]: how often it is said."""

    def __init__(self, packages, known=()):
        import timm

        folder = packages / "deb/wordnet-base/usr/share/wordnet"
        lemmas, above, glosses, files = {}, {}, {}, {}
        for line in (folder / "data.noun").read_text().splitlines():
            if line.startswith("  "):
                continue
            parts, gloss = line.split(" | ", 1)
            p = parts.split()
            count = int(p[3], 16)
            lemmas[p[0]] = [p[4 + 2 * i].replace("_", " ").lower() for i in range(count)]
            at = 5 + 2 * count
            pointers = [p[at + 4 * i : at + 4 * i + 2] for i in range(int(p[at - 1]))]
            above[p[0]] = [target for kind, target in pointers if kind in ("@", "@i")]
            glosses[p[0]] = re.sub(r"[^a-z ]+", " ", re.sub(r"\(.*?\)", "", gloss.split(";")[0].split(" -- ")[0]).lower())
            files[p[0]] = int(p[1])
        listing = os.path.join(os.path.dirname(timm.__file__), "data/_info/imagenet_synsets.txt")
        synsets = [line.strip()[1:] for line in open(listing)]

        @functools.cache
        def ancestors(synset):
            """{ancestor: steps}, itself at 0"""
            steps, front = {synset: 0}, [synset]
            while front:
                front = [(s, h) for s in front for h in above.get(s, []) if h not in steps]
                for s, h in front:
                    steps.setdefault(h, steps[s] + 1)
                front = list(dict.fromkeys(h for _, h in front))
            return steps

        self.words, self.classes, under, foremost = [], defaultdict(set), defaultdict(dict), []
        for number, synset in enumerate(synsets):
            said, first = {}, {}
            for ancestor, steps in ancestors(synset).items():
                under[ancestor][number] = steps
                for place, word in enumerate(lemmas[ancestor]):
                    if word not in EMPTY:
                        said.setdefault(word, 1 / (1 + steps * 0.5) if steps else 3.0)
                        first.setdefault(word, (1 / (1 + steps * 0.5) if steps else 4.0) / (1 + 0.7 * place))
                        if steps > 4:
                            first[word] = min(first[word], 0.1)
                        self.classes[word].add(number)
            gloss = " ".join(glosses[synset].split()[:14])
            said.setdefault(gloss, 0.7)
            self.classes[gloss].add(number)
            self.words.append(list(said.items()))
            foremost.append(first)
        self.names = [lemmas[s] for s in synsets]

        spoken = Counter()
        for line in (folder / "cntlist.rev").read_text().splitlines():
            key, sense, count = line.split()
            if "%1:" in key and sense == "1":
                spoken[key.split("%")[0].replace("_", " ")] += int(count)
        self.everyday = [
            [(w, first.get(w, weight) * (1 + 3 * (w in known) + min(spoken[w], 20) / 10)) for w, weight in said]
            for said, first in zip(self.words, foremost)
        ]
        self.beside, self.weight = {}, {}
        for line in (folder / "index.noun").read_text().splitlines():
            p = line.split()
            word = p[0].replace("_", " ") if p else ""
            if line.startswith("  ") or not re.fullmatch(r"[a-z]{3,}( [a-z]{3,})?", word) or word in self.classes:
                continue
            first = p[-int(p[2])]  # the sense that is said most
            if files[first] not in CONCRETE or word in EMPTY:
                continue
            near = {}
            for ancestor, up in ancestors(first).items():
                if up <= 2 and len(ancestors(ancestor)) > 5:
                    for number, down in under[ancestor].items():
                        if up + down <= 3:
                            near[number] = min(near.get(number, 9), up + down)
            if near:
                best = min(near.values())
                self.beside[word] = [number for number, steps in near.items() if steps == best]
                self.weight[word] = min(spoken[word], 20) + 0.02 + 3 * (word in known)
        for word, numbers in self.beside.items():
            self.classes[word].update(numbers)
        self.common = {}
        for number, said in enumerate(self.everyday):
            for word, weight in said:
                if len(word.split()) < 3 and (word in known or spoken[word]):
                    self.common.setdefault(word, {})[number] = weight
        self.scenes = scenes.numbers(self.names)
        for text, numbers in self.scenes.items():
            self.classes[text].update(numbers)
