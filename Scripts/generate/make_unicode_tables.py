#!/usr/bin/env python3
"""Makes UnicodeTables.swift and StepTables.swift in Sources/Formats/CLIPTokenizers/Tables.

  Scripts/setup_venv.sh
  Scripts/.venv/bin/python Scripts/generate/make_unicode_tables.py

The reference tokenizers don't agree on the version of Unicode: transformers has classes, normal forms and lower-casing
of three versions in one library. So every property is found by asking the reference about every scalar. What Python
and its regex package know beyond transformers is marked as newer. Single scalars that open_clip's tokenizer replaces
come from the same question to ftfy.
"""

import unicodedata
from pathlib import Path

import ftfy
import regex
from swift_literals import digits, literal
from tokenizers import Regex, normalizers, pre_tokenizers

FOLDER = Path(__file__).resolve().parents[2] / "Sources/Formats/CLIPTokenizers/Tables"
OUT = FOLDER / "UnicodeTables.swift"
SCALARS = [scalar for scalar in range(0x110000) if not 0xD800 <= scalar < 0xE000]
BLOCK = 128
LETTER, NUMBER, SPACE, NEWER, CASED, UNNORMALIZED, REPAIRED = 1, 2, 3, 4, 8, 16, 32
HANGUL_SYLLABLES = range(0xAC00, 0xD7A4)
HANGUL_VOWELS_AND_TAILS = range(0x1161, 0x11C3)

nfc, nfd = normalizers.NFC().normalize_str, normalizers.NFD().normalize_str
lowercase = normalizers.Lowercase().normalize_str


def members(pattern):
    """The scalars of a class as transformers sees it."""
    remove = normalizers.Replace(Regex(pattern), "")
    found = set()
    for start in range(0, len(SCALARS), 2000):
        part = SCALARS[start : start + 2000]
        kept = set(remove.normalize_str("".join(map(chr, part))))
        found.update(scalar for scalar in part if chr(scalar) not in kept)
    return found


def classes():
    table = [0] * 0x110000
    for value, pattern in ((LETTER, r"\p{L}"), (NUMBER, r"\p{N}"), (SPACE, r"\s")):
        old, new = members(pattern), {s for s in SCALARS if regex.match(pattern, chr(s))}
        assert old <= new
        for scalar in new:
            table[scalar] = value if scalar in old else value | NEWER
    return table


def combining_classes():
    """Scalar, class, whether transformers knows it: there a mark without a class is a starter, which nothing passes."""
    rows = []
    for scalar in SCALARS:
        number = unicodedata.combining(chr(scalar))
        if number:
            # One mark that sorts before it and one that sorts after, each in the wrong place.
            probes = [f"a{chr(scalar)}\u0334", f"a\u0345{chr(scalar)}", f"a\u0301{chr(scalar)}"]
            known = all(nfd(probe) == unicodedata.normalize("NFD", probe) for probe in probes)
            rows.append((scalar, number, known))
    return rows


def canonical_mappings():
    """Scalar, first, second (0 for a singleton), whether it composes again, whether transformers knows it."""
    rows = []
    for scalar in SCALARS:
        mapping = unicodedata.decomposition(chr(scalar))
        if scalar in HANGUL_SYLLABLES or not mapping or mapping.startswith("<"):
            continue
        parts = [int(part, 16) for part in mapping.split()] + [0]
        composes = len(parts) == 3 and unicodedata.normalize("NFC", chr(scalar)) == chr(scalar)
        known = nfd(chr(scalar)) == unicodedata.normalize("NFD", chr(scalar))
        if known and len(parts) == 3:
            assert (nfc(chr(parts[0]) + chr(parts[1])) == chr(scalar)) == composes, hex(scalar)
        rows.append((scalar, parts[0], parts[1], composes, known))
    return rows


def repairs():
    """What ftfy makes of a scalar among others, guesses at the encoding and un-escaping left out."""
    rows = []
    for scalar in SCALARS:
        fixed = ftfy.fix_text(f"x{chr(scalar)}y", fix_encoding=False, unescape_html=False, normalization=None)[1:-1]
        if fixed != chr(scalar) and chr(scalar) not in "\t\n\f\r\u2028\u2029":
            rows.append((scalar, [ord(part) for part in fixed]))
    return rows


def split_off(pre_tokenizer):
    """The scalars that a pre-tokenizer takes out of a word."""
    return [scalar for scalar in SCALARS if len(pre_tokenizer.pre_tokenize_str(f"a{chr(scalar)}a")) > 1]


def ranges(scalars):
    """First and last of each range of scalars."""
    found = []
    for scalar in sorted(scalars):
        if found and found[-1][1] == scalar - 1:
            found[-1][1] = scalar
        else:
            found.append([scalar, scalar])
    return "".join(digits(first, 4) + digits(last, 4) for first, last in found)


def write_steps():
    """What single steps of a tokenizer.json ask, each by the library that the reference asks."""
    nfkd = normalizers.NFKD().normalize_str
    rows, texts = [], []
    for scalar in SCALARS:
        mapped = nfkd(chr(scalar))
        if scalar not in HANGUL_SYLLABLES and mapped != nfd(chr(scalar)):
            rows.append((scalar, len(texts), len(mapped)))
            texts += [ord(part) for part in mapped]
    strip_accents = normalizers.StripAccents().normalize_str
    words = set(SCALARS) - set(split_off(pre_tokenizers.Whitespace()))
    parts = {
        "compatible": ("Scalar, place and length of its compatibility decomposition: 4 + 3 + 1 characters a row, in order.",
                       "".join(digits(s, 4) + digits(place, 3) + digits(count, 1) for s, place, count in rows)),
        "compatibleTexts": ("4 characters a scalar.", "".join(digits(scalar, 4) for scalar in texts)),
        "combiningMarks": ("What StripAccents takes away: first and last scalar of each range, 4 + 4 characters.",
                           ranges(s for s in SCALARS if not strip_accents(chr(s)))),
        "numerals": ("What Digits takes for one.", ranges(split_off(pre_tokenizers.Digits(individual_digits=True)))),
        "wordScalars": ("What is \\w to Whitespace.", ranges(words)),
        "patternWordScalars": ("What is [\\w] to a pattern of Split and Replace.", ranges(members(r"[\w]"))),
        "patternDigits": ("What is \\d to a pattern of Split and Replace.", ranges(members(r"\d"))),
    }  # fmt: skip
    source = (
        "// Made by Scripts/generate/make_unicode_tables.py: don't edit.\n"
        "// Facts of the Unicode Character Database (Unicode License v3), as the tokenizers library knows them.\n\n"
        "/// What single steps of a tokenizer.json ask, as numbers of 6 bits a character, the highest first, from \"0\" on.\n"
        "enum StepTables {\n"
    )
    for name, (comment, text) in parts.items():
        source += f"\n    /// {comment}\n    static let {name}: StaticString = {literal(text)}\n"
    (FOLDER / "StepTables.swift").write_text(source.replace("enum StepTables {\n\n", "enum StepTables {\n") + "}\n", encoding="utf-8")
    print(f"StepTables.swift: {len(source)} bytes")


def main():
    write_steps()
    table = classes()
    marks, mappings = combining_classes(), canonical_mappings()

    lower = []
    for scalar in SCALARS:
        small = lowercase(chr(scalar))
        if small != chr(scalar):
            table[scalar] |= CASED
            assert len(small) == 1 or scalar == 0x130, hex(scalar)
            known = chr(scalar).lower() == small
            assert known or chr(scalar).lower() == chr(scalar), hex(scalar)
            lower.append((scalar, ord(small[0]), known))

    touched = {row[0] for row in marks} | {row[0] for row in mappings if not row[3]}
    touched |= {row[2] for row in mappings if row[3]} | set(HANGUL_VOWELS_AND_TAILS)
    for scalar in touched:
        table[scalar] |= UNNORMALIZED
    for scalar in SCALARS:
        # Every other scalar is normal by itself, in both versions.
        assert scalar in touched or nfc(chr(scalar)) == chr(scalar) == unicodedata.normalize("NFC", chr(scalar))

    replaced = repairs()
    for scalar, _ in replaced:
        table[scalar] |= REPAIRED

    end = -(-(max(scalar for scalar in SCALARS if table[scalar]) + 1) // BLOCK) * BLOCK
    blocks, indexes = {}, []
    for start in range(0, end, BLOCK):
        block = "".join(digits(value, 1) for value in table[start : start + BLOCK])
        indexes.append(blocks.setdefault(block, len(blocks)))

    compositions = sorted((row[1], row[2], row[0], row[4]) for row in mappings if row[3])
    versions = f"Python's {unicodedata.unidata_version}, regex {regex.__version__}"
    parts = {
        "blockIndexes": ("Which block holds a scalar's class: 2 characters for every 128 scalars.",
                         "".join(digits(index, 2) for index in indexes)),
        "blocks": ("1 character a scalar.", "".join(blocks)),
        "lowercase": ("Scalar, its small letter, 1 if Python doesn't know: 4 + 4 + 1 characters a row, in order.",
                      "".join(digits(a, 4) + digits(b, 4) + digits(not k, 1) for a, b, k in lower)),
        "repairs": ("Scalar, up to three in its place or 0: 4 × 4 characters a row, in order of the scalar.",
                    "".join(digits(s, 4) + "".join(digits(part, 4) for part in (parts + [0, 0, 0])[:3])
                            for s, parts in replaced)),
        "combiningClasses": ("Scalar, class, 1 if newer: 4 + 2 + 1 characters a row, in order of the scalar.",
                             "".join(digits(s, 4) + digits(n, 2) + digits(not k, 1) for s, n, k in marks)),
        "decompositions": ("Scalar, first, second or 0, 1 if newer: 4 + 4 + 4 + 1 characters a row, in order.",
                           "".join(digits(s, 4) + digits(a, 4) + digits(b, 4) + digits(not k, 1)
                                   for s, a, b, _, k in mappings)),
        "compositions": ("First, second, scalar, 1 if newer: 4 + 4 + 4 + 1 characters a row, in order of the pair.",
                         "".join(digits(a, 4) + digits(b, 4) + digits(s, 4) + digits(not k, 1)
                                 for a, b, s, k in compositions)),
    }  # fmt: skip
    source = (
        "// Made by Scripts/generate/make_unicode_tables.py: don't edit.\n"
        "// Facts of the Unicode Character Database (Unicode License v3), as the reference tokenizers know them.\n\n"
        "/// Properties of Unicode scalars, as numbers of 6 bits a character, the highest first, from \"0\" on.\n"
        "enum UnicodeTables {\n"
        f"    /// No scalar from here on has a property.\n    static let end: UInt32 = {end:#x}\n"
    )
    assert max(len(row[1]) for row in replaced) <= 3
    for name, (comment, text) in parts.items():
        source += f"\n    /// {comment}\n    static let {name}: StaticString = {literal(text)}\n"
    OUT.write_text(source + "}\n", encoding="utf-8")
    print(f"{OUT.name}: {len(source)} bytes, {len(blocks)} blocks; newer means {versions}")


main()
