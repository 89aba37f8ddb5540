#!/usr/bin/env python3
"""Makes the fixtures of Tests/CLIPTokenizersTests but golden-tokens.json: files of tokenizers, and the reference's tokens.

  Scripts/setup_venv.sh
  Scripts/.venv/bin/python Scripts/make_tokenizer_fixtures.py FOLDER     (FOLDER: CLIP's vocab.json and merges.txt)
"""

import json
import random
import shutil
import sys
import tempfile
from pathlib import Path

import ftfy
import torchvision_cpu  # noqa: F401
from open_clip.tokenizer import SimpleTokenizer
from transformers import AddedToken, CLIPTokenizer

FIXTURES = Path(__file__).resolve().parent.parent / "Tests" / "CLIPTokenizersTests" / "Fixtures"
SMALL = FIXTURES / "small"

# Ranges in which case, normal form, white space or the kind of a scalar is anything but plain.
RANGES = [
    (0x20, 0x7F), (0x80, 0x180), (0x180, 0x250), (0x300, 0x370), (0x370, 0x400), (0x400, 0x530), (0x530, 0x600),
    (0x600, 0x700), (0x900, 0x980), (0xE00, 0xF00), (0x10A0, 0x1200), (0x1E00, 0x2000), (0x2000, 0x2070),
    (0x2100, 0x2200), (0x3000, 0x3100), (0x4E00, 0x5000), (0xAC00, 0xAD00), (0xA640, 0xA7FF), (0xF900, 0xFAFF),
    (0xFB00, 0xFB50), (0xFE00, 0xFE30), (0xFF00, 0xFFEF), (0x10400, 0x10450), (0x1D400, 0x1D800), (0x1F300, 0x1F700),
]  # fmt: skip
MARKS = [*range(0x300, 0x346), 0x5B0, 0x64B, 0x94D, 0xE38, 0x1AB0, 0x20D0, 0x302A, 0xC3C]
WORDS = (
    "a photo of dog it's I'M they'LL 'S 'T 'Re 've 'M 'lL 'd rock'n'roll ''s '' '-' <|startoftext|> <|ENDOFTEXT|> "
    "<|endoftext|> <start_of_text> <END_OF_TEXT> &amp; &lt;b&gt; &amp;amp; &#39; &quot; &eacute; &EACUTE; &notit; &#x41; "
    "12 3.5 \u00bd \u216b \u0663 \u00b2 \u017f '\u017f \u212a \u0130 \u03a3 \u0391\u03a3 \u0391\u03a3\u0391 e\u0301 "
    "\u1100\u1161\u11a8 \uac00\u11a8 \u200d \ufe0f \u2018 \u2019 \u201c \u201d don\u2019t \u2026 \u2014 \u00ad \ufeff \u200b "
    "!!! ?!' hello, world http://x.y/z?q=1&a=2 C++ \ufb01 \uff21\uff11 \uff07\uff53"
).split(" ")
SPACES = [" ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u3000", "\u2028", "\u0085", "\f"]


def random_texts(seed, count, words=WORDS):
    rng = random.Random(seed)

    def part():
        kind = rng.random()
        if kind < 0.45:
            return rng.choice(words)
        if kind < 0.65:
            start, end = rng.choice(RANGES)
            return "".join(chr(rng.randrange(start, end)) for _ in range(rng.randint(1, 4)))
        if kind < 0.8:
            return rng.choice("aeonsAEO\uac00\u1100'\u0915") + "".join(chr(rng.choice(MARKS)) for _ in range(rng.randint(1, 3)))
        if kind < 0.85:
            return chr(rng.randrange(1, 0xD800))
        return rng.choice(SPACES)

    texts = []
    for _ in range(count):
        text = "".join(part() + rng.choice(["", "", " "]) for _ in range(rng.randint(1, 9)))
        texts.append(text.upper() if rng.random() < 0.05 else text)
    return texts


def write_golden(path, texts, encode):
    rows = [json.dumps({"text": text, "tokens": encode(text)}) for text in texts]
    path.write_text("[\n" + ",\n".join(rows) + "\n]\n", encoding="utf-8")


def described(content, **options):
    return {"content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": True, **options}


def write_case(name, files, token_words, prepare=None):
    """A folder of files that go beside the small vocabulary, and what transformers makes of texts with it."""
    folder = FIXTURES / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file, content in files.items():
        (folder / file).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    with tempfile.TemporaryDirectory() as model:
        for file in ("vocab.json", "merges.txt"):
            shutil.copy(SMALL / file, model)
        for file in files:
            shutil.copy(folder / file, model)
        tokenizer = CLIPTokenizer.from_pretrained(model)
        if prepare:
            prepare(tokenizer)
            tokenizer.save_pretrained(folder)
            # Paths and the like of this run, which no reader needs.
            config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
            for key in ("is_local", "local_files_only", "name_or_path", "max_length", "stride"):
                config.pop(key, None)
            (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
            tokenizer = CLIPTokenizer.from_pretrained(folder)
    texts = random_texts(len(name), 150, WORDS[:24] + 3 * token_words)
    write_golden(folder / "golden.json", texts, lambda text: tokenizer(text).input_ids)
    return folder


def main():
    clip = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as model:
        for file in ("vocab.json", "merges.txt"):
            shutil.copy(clip / file, model)
        tokenizer = CLIPTokenizer.from_pretrained(model)
        write_golden(FIXTURES / "random-transformers.json", random_texts(1, 800), lambda text: tokenizer(text).input_ids)

    # Texts that ftfy takes for wrongly decoded ones are left out, as that guess is: see OpenAICleaning.
    open_clip = SimpleTokenizer()
    texts = [text for text in random_texts(2, 850) if ftfy.fix_text(text) == ftfy.fix_text(text, fix_encoding=False)]
    write_golden(
        FIXTURES / "random-openclip.json", texts[:800],
        lambda text: [open_clip.sot_token_id, *open_clip.encode(text), open_clip.eot_token_id])

    named = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>"}
    # As OpenAI's own models come: described tokens, found in any case, but for one that the padding names again.
    start, end = described("<|startoftext|>"), described("<|endoftext|>")
    typed = {"bos_token": {"__type": "AddedToken", **start}, "eos_token": {"__type": "AddedToken", **end}}
    write_case("described-tokens", {
        "tokenizer_config.json": {**typed, "unk_token": typed["eos_token"], "pad_token": "<|endoftext|>",
                                  "model_max_length": 77, "tokenizer_class": "CLIPTokenizer"},
        "special_tokens_map.json": {"bos_token": start, "eos_token": end, "unk_token": end, "pad_token": "!"},
    }, ["<|STARTOFTEXT|>", "<|EndOfText|>", "!"])  # fmt: skip
    write_case("added-tokens", {
        "added_tokens.json": {"<cat>": 815, "<Dog>": 814, "<Special>": 816, "a  b": 817},
        "special_tokens_map.json": {**named, "additional_special_tokens": ["<Special>", "<Late>"]},
    }, ["<cat>", "<CAT>", "<dog>", "<DOG>", "<special>", "<Late>", "<late>", "A B", "a\t\tb"])  # fmt: skip
    write_case("added-decoder", {
        "tokenizer_config.json": {
            **named, "image_token": "<img>", "extra_special_tokens": ["<Extra>"], "added_tokens_decoder": {
                "900": described("Bar Baz"), "850": described("qux", special=True, single_word=True),
                "813": described("<|endoftext|>", special=True, normalized=False),
                "860": described("<L>", lstrip=True, normalized=False), "870": described("<R>", rstrip=True),
                "880": described("<LR>", lstrip=True, rstrip=True), "890": described("\u00e9t", single_word=True),
            },
        },
    }, ["bar  baz", "qux", "QUX", "<L>", " <L> ", "<R>", "<r>  ", " <lr> ", "<LR>", "\u00e9t", "e\u0301T", "<img>", "<Extra>",
        "<R> <L>", "quxx", " qux "])  # fmt: skip

    def add(tokenizer):
        tokenizer.add_tokens(["<mine>", AddedToken("Raw", normalized=False), AddedToken("<Right>", rstrip=True)])
        tokenizer.add_special_tokens({"additional_special_tokens": [AddedToken("<S>", lstrip=True, special=True)]})

    words = ["<mine>", "<MINE>", "Raw", "raw", "<right>  ", "<Right>", " <S>", "<S>", "<s>"]
    folder = write_case("tokenizer-json", {}, words, add)
    # Merges as strings, as older releases write them.
    old = FIXTURES / "tokenizer-json-strings"
    old.mkdir(exist_ok=True)
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    (folder / "tokenizer.json").write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")
    content["model"]["merges"] = [" ".join(merge) for merge in content["model"]["merges"]]
    (old / "tokenizer.json").write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")


main()
