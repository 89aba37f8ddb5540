#!/usr/bin/env python3
"""Holds the cleaning of open_clip's texts to ftfy and open_clip: captions that were decoded with wrong encodings.

  Scripts/setup_venv.sh
  Scripts/.venv/bin/python Scripts/oracle/check_mojibake.py [--clip .build/debug/clip] [--texts 100000] [--seed 1]
  Scripts/.venv/bin/python Scripts/oracle/check_mojibake.py --fixtures    (remakes mojibake.json and openclip-options.json)

Makes a tiny open_clip model, damages captions of many languages once or several times, and compares the tokens by
`clip tokenize` with those of open_clip's own tokenizer; then fewer texts with each of its other settings.
"""

import argparse
import html
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import ftfy
import ftfy.bad_codecs  # noqa: F401
import ftfy.chardata

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Scripts" / "fixtures"))
FIXTURES = ROOT / "Tests" / "CLIPTokenizersTests" / "Fixtures"
CONTEXT = 1000
ADDITIONAL = ["<PET>", "sks", "<my-token>"]
CAPTIONS = (
    "a photo of a café|it's the naïve façade|“quoted” – text… with ‘single’|Größe 20 € für Straße|año niño ¿qué?|São Paulo à la carte|"
    "Москва дом кот|Ελληνικά γράμματα|emoji 🐶 dog ❤️|日本語の写真|한국어 사진|zażółć gęślą jaźń|čeština příliš žluťoučký|Türkçe şğıİ|"
    "العربية كلب|ภาษาไทย|© 2020 ® ™|10 µm ±2° × ½|plain ascii text|à á â ã|œuvre Œuvre fœtal|Ã is a letter|Â £5|mots Ã la|ÂŁ|√± ≈° ‚Äì|"
    "it’s 5’ 10”|l’été à l’école|Señor & Señora|naïve &amp; café &eacute;|<b>café</b>|  nbsp here|Łódź żółw|"
    "Latvian āčēģīķļņšūž|ﬁre ﬂoor|ｆｕｌｌ ｗｉｄｔｈ|═══ box ║ │┌┐|1⁄2 ∑ ∏ √|ДОМ ВГРС Ёлка|ΒΓΞΟ άέή"
).split("|")
ENCODINGS = [*ftfy.chardata.CHARMAP_ENCODINGS, "windows-1252", "cp850", "koi8-r", "shift-jis", "iso-8859-7", "iso-8859-15"]
OPTION_WORDS = (
    "<start_of_text> <END_OF_TEXT> <end_of_text> <PET> <pet> sks SKS \u017fks s\u212as asks skssks <my-token> <My-Token> it's DON'T 'LL 'Ve "
    "'\u017f snake_case C++ Hello, WORLD! \u0391\u03a3 \u0130stanbul \u01c5 \u2163 \uff21 na\u00efve &amp; it\u2019s 3.5 \u6771\u4eac \U0001f525"
).split(" ")


def damage(text, rng):
    for _ in range(rng.choice([0, 1, 1, 1, 1, 2, 2, 3])):
        kind, encoding = rng.random(), rng.choice(ENCODINGS)
        try:
            if kind < 0.75:
                data = text.encode("utf-8", "surrogatepass")
                if rng.random() < 0.1:
                    data = data.replace(b"\xa0", b" ")
                text = data.decode(encoding, rng.choice(["strict", "replace"]))
            elif kind < 0.85:
                text = text.encode(encoding).decode(rng.choice(ENCODINGS))
            elif kind < 0.9:
                text = text.replace("\xa0", " ")
            elif text:
                place = rng.randrange(len(text))
                text = text[:place] + rng.choice(["", "?", "\ufffd", "\x1a", " ", "\n", "\x80", "\x9d"]) + text[place + 1 :]
        except (UnicodeError, LookupError):
            pass
    return text


def make_texts(count, seed):
    rng = random.Random(seed)
    texts = []
    while len(texts) < count:
        parts = []
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            words = rng.choice(CAPTIONS).split(" ")
            if rng.random() < 0.4:
                rng.shuffle(words)
                words = words[: rng.randint(1, 4)]
            parts.append(damage(" ".join(words), rng))
        text = rng.choice(["", " ", "\n", " - "]).join(parts)
        if rng.random() < 0.15:
            ranges = [(0x20, 0x17F), (0x80, 0x100), (0x370, 0x460), (0x2010, 0x2260)]
            text = "".join(chr(rng.randrange(*rng.choice(ranges))) for _ in range(rng.randint(1, 12)))
        if rng.random() < 0.07:
            text = html.escape(text)
        if "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text):
            texts.append(text)
    return texts


def option_texts(count, seed):
    rng = random.Random(seed)
    return ["".join(rng.choice(OPTION_WORDS) + rng.choice([" ", " ", "", "\t", "\u3000"]) for _ in range(rng.randint(1, 8))) for _ in range(count)]


def encode(tokenizer, text):
    return [tokenizer.sot_token_id, *tokenizer.encode(text), tokenizer.eot_token_id]


def ask(clip, model, texts):
    found = []
    for start in range(0, len(texts), 2000):
        done = subprocess.run([clip, "tokenize", "--model", model, "--format", "jsonl", "--quiet", "--", *texts[start : start + 2000]], capture_output=True, check=True)
        found += [json.loads(line)["tokens"] for line in done.stdout.decode().split("\n") if line]
    return found


def write_fixtures(SimpleTokenizer):
    by_hand = ["cafÃ©", "itâ€™s", "â€œquotedâ€\x9d", "voilÃ le travail", "Ã la carte", "â€œ like this â€\ufffd", "Ð´Ð¾Ð¼", "ðŸ\x90¶", "ÃƒÂ©", "caf\x82", "Â £5", "Ã©\ncafé\nÂ  x", "ÂŁ", "é"]
    texts = by_hand + sorted(set(make_texts(3000, 7)), key=len)[::12]
    plain = SimpleTokenizer()
    rows = [{"text": text, "tokens": encode(plain, text)} for text in texts]
    (FIXTURES / "mojibake.json").write_text("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n", encoding="utf-8")
    options = {}
    for clean in ("lower", "whitespace", "canonicalize"):
        tokenizer = SimpleTokenizer(additional_special_tokens=list(ADDITIONAL), clean=clean)
        options[clean] = [{"text": text, "tokens": encode(tokenizer, text)} for text in option_texts(80, 3)]
    (FIXTURES / "openclip-options.json").write_text(json.dumps(options, indent=0) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clip", default=str(ROOT / ".build" / "debug" / "clip"))
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fixtures", action="store_true")
    arguments = parser.parse_args()
    from family_models import make_model, write_open_clip
    from open_clip.tokenizer import SimpleTokenizer

    if arguments.fixtures:
        return write_fixtures(SimpleTokenizer)
    wrong = 0
    with tempfile.TemporaryDirectory() as scratch:
        for clean, extra, texts in [
            ("lower", [], make_texts(arguments.texts, arguments.seed)),
            *((clean, ADDITIONAL, option_texts(3000, arguments.seed)) for clean in ("lower", "whitespace", "canonicalize")),
        ]:
            text = {"vocab_size": 49408 + len(extra), "width": 16, "heads": 2, "layers": 1, "context_length": CONTEXT}
            config = {"embed_dim": 8, "vision_cfg": {"image_size": 32, "patch_size": 16, "width": 16, "head_width": 8, "layers": 1}, "text_cfg": text}
            folder = Path(scratch) / f"{clean}-{len(extra)}"
            stated = json.loads(json.dumps(config))
            if extra or clean != "lower":
                stated["text_cfg"]["tokenizer_kwargs"] = {"clean": clean, "additional_special_tokens": extra}
            write_open_clip(folder, stated, make_model(config, 1))
            tokenizer = SimpleTokenizer(additional_special_tokens=list(extra), clean=clean)
            found = ask(arguments.clip, folder, texts)
            differing = [text for text, tokens in zip(texts, found) if encode(tokenizer, text) != tokens]
            repaired = sum(ftfy.fix_encoding(text) != text for text in texts)
            wrong += len(differing) + abs(len(found) - len(texts))
            print(f"{clean}, {len(extra)} additional tokens: {len(differing)} of {len(texts)} texts differ; ftfy decodes {repaired} of them again")
            for text in sorted(differing, key=len)[:5]:
                print("  ", ascii(text), "->", ascii(ftfy.fix_text(text)))
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
