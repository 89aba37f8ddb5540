"""Captions of a batch, tokenised once: strings to token rows, and templates."""

from collections import Counter

import torch

import bpe

TEMPLATES = [
    "a photo of a {}",
    "a photo of {}",
    "a drawing of a {}",
    "a picture of a {}",
    "an icon of a {}",
    "an emoji of a {}",
    "clip art of a {}",
    "a photo of the {}",
    "a {}",
    "the {}",
    "a sketch of a {}",
    "an illustration of a {}",
    "a small {}",
    "a good photo of a {}",
    "a {} on a white background",
]


# Of photographs: what surrounds the thing or how it was taken doesn't make it another.
PHOTOGRAPHED = [
    "a photo of a {} outdoors",
    "a photo of a {} in a room",
    "a {} on a table",
    "a {} in the grass",
    "a close-up photo of a {}",
    "a black and white photo of a {}",
    "a photo of a large {}",
    "a red {}",
    "a white {}",
    "a {} and other things",
]

# Texts that fit any picture, as the classifier compares labels with.
BACKGROUND = [
    "a photo",
    "a picture of something",
    "an object",
    "a photo of a thing",
    "a photo of an object",
    "a photo of a object",
    "thing",
    "object",
    "something",
    "a picture",
    "nothing in particular",
]


def nonsense(rng):
    """A word without meaning: letters at random, or a walk over the keyboard."""
    if rng.random() < 0.5:
        return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(3, 9)))
    row = rng.choice(["qwertzuiop", "qwertyuiop", "asdfghjkl", "yxcvbnm", "zxcvbnm"])
    start = rng.randint(0, len(row) - 4)
    return row[start : start + rng.randint(3, 7)]


class Captions:
    def __init__(self, meta, folder, config, more=()):
        """more: (words, weight) that the vocabulary shall know besides the captions"""
        self.meta, self.config = meta, config
        self.by_concept = [list(c["captions"].items()) for c in meta["concepts"]]
        self.by_picture = [p["captions"] for p in meta["pictures"]]
        counts = Counter()
        for texts in [[t for t, _ in c] for c in self.by_concept] + [[t for t, _ in c] for c in self.by_picture]:
            for text in texts:
                counts.update(w for w in text.split() if w.isascii() and w.isalpha())
        for text, weight in more:
            for word in text.split():
                if word.isascii() and word.isalpha():
                    counts[word] += weight
        for template in TEMPLATES + PHOTOGRAPHED:
            for word in template.replace("{}", "").split():
                counts[word] += 500
        config["vocab"] = bpe.write_tokenizer(folder, counts, config["vocab"], config["context"])
        from transformers import CLIPTokenizer

        self.tokenizer = CLIPTokenizer.from_pretrained(folder)
        self.cache = {}

    def sample(self, picture, rng):
        """One caption that is true of a picture, by weight."""
        choices = self.by_concept[self.meta["pictures"][picture]["concept"]] + [
            tuple(c) for c in self.by_picture[picture]
        ]
        return rng.choices([c[0] for c in choices], [c[1] for c in choices])[0]

    def ids(self, text):
        if text not in self.cache:
            row = self.tokenizer(text, truncation=True, max_length=self.config["context"])["input_ids"]
            self.cache[text] = row
        return self.cache[text]

    def pack(self, texts):
        """Token rows padded with the end token to the longest, and their lengths."""
        rows = [self.ids(t) for t in texts]
        longest = max(map(len, rows))
        end = self.config["vocab"] - 1
        return torch.tensor([r + [end] * (longest - len(r)) for r in rows]), torch.tensor([len(r) for r in rows])

    @staticmethod
    def dress(text, rng, photographed=False):
        if rng.random() < 0.5:
            return text
        return rng.choice(PHOTOGRAPHED if photographed and rng.random() < 0.2 else TEMPLATES).format(text)
