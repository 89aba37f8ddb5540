#!/usr/bin/env python3
"""Makes Sources/Formats/CLIPTokenizers/Tables/MojibakeTables.swift from what ftfy knows.

  Scripts/setup_venv.sh
  Scripts/.venv/bin/python Scripts/generate/make_mojibake_tables.py

Which characters side by side look like text in a wrong encoding, and which bytes they were in each encoding: facts of ftfy
(Robyn Speer, Apache License 2.0). The expression is taken apart into rows of sets of characters.
"""

import re
from pathlib import Path

import ftfy.bad_codecs  # noqa: F401
import ftfy.badness
import ftfy.chardata
from swift_literals import digits, literal

OUT = Path(__file__).resolve().parents[2] / "Sources/Formats/CLIPTokenizers/Tables" / "MojibakeTables.swift"
SCALARS = [scalar for scalar in range(0x10000) if not 0xD800 <= scalar < 0xE000]
SPACE, WORD, NO_LETTER, ANY, MAYBE_SPACE, START = range(200, 206)


def is_category(items, name):
    return len(items) == 1 and str(items[0][0]) == "CATEGORY" and str(items[0][1]) == name


def main():
    sets, rows = [], []

    def number(items):
        """The number of the set, by its members."""
        members = set()
        for kind, value in items:
            members |= {value} if str(kind) == "LITERAL" else set(range(value[0], value[1] + 1))
            assert str(kind) in ("LITERAL", "RANGE"), kind
        if members not in sets:
            sets.append(members)
        return sets.index(members)

    def code(item):
        kind, value = str(item[0]), item[1]
        if kind == "LITERAL":
            return number([item])
        if kind == "ANY":
            return ANY
        if kind == "AT":
            assert str(value) == "AT_BEGINNING"
            return START
        if kind == "MAX_REPEAT":
            assert value[0] == 0 and value[1] == 1 and is_category(value[2][0][1], "CATEGORY_SPACE"), item
            return MAYBE_SPACE
        assert kind == "IN", item
        if is_category(value, "CATEGORY_SPACE"):
            return SPACE
        if is_category(value, "CATEGORY_WORD"):
            return WORD
        if str(value[0][0]) == "NEGATE":
            assert [v for _, v in value[1:]] == [(65, 90), (97, 122)], item
            return NO_LETTER
        return number(value)

    tree = re._parser.parse(ftfy.badness.BADNESS_RE.pattern, re.VERBOSE)
    assert len(tree) == 1 and str(tree[0][0]) == "BRANCH"
    for alternative in tree[0][1][1]:
        rows.append([code(item) for item in alternative])

    # What Mojibake.mayTell lets pass: two characters side by side that are not ASCII, or one of few.
    few = {*range(0x80, 0xA0), 0xC2, 0xC3, 0x152, 0x153}
    plain = [code < SPACE and min(sets[code]) >= 0x80 for row in rows for code in row]
    starts = [sum(map(len, rows[:number])) for number in range(len(rows))]
    for row, start in zip(rows, starts):
        pairs = any(plain[start + place] and plain[start + place + 1] for place in range(len(row) - 1))
        assert pairs or any(code < SPACE and sets[code] <= few for code in row), row

    clues = {name: {ord(c) for c in map(chr, SCALARS) if re.match(f"[{text}]", c)} for name, text in ftfy.chardata.UTF8_CLUES.items()}
    names = ["utf8_first_of_2", "utf8_first_of_3", "utf8_first_of_4", "utf8_continuation", "utf8_continuation_strict"]
    clue_bits = []
    for name in names:
        if clues[name] not in sets:
            sets.append(clues[name])
        clue_bits.append(sets.index(clues[name]))
    assert len(sets) <= SPACE, len(sets)
    # Scalars that are in the same sets are of one kind; kind 0 is in none.
    kinds, rows_of_kinds = {(): 0}, []
    for scalar in SCALARS:
        belongs = tuple(number for number, members in enumerate(sets) if scalar in members)
        if belongs:
            rows_of_kinds.append(digits(scalar, 4) + digits(kinds.setdefault(belongs, len(kinds)), 2))
    members = "".join("01"[number in belongs] for number in range(len(sets)) for belongs in kinds)

    encodings = []
    for encoding in ftfy.chardata.CHARMAP_ENCODINGS[1:]:
        table = {bytes([byte]).decode(encoding): byte for byte in [*range(0x80, 0x100), *([0x1A] if encoding.startswith("sloppy") else [])]}
        assert len(table) == 128 + encoding.startswith("sloppy")
        assert all(char.encode(encoding) == bytes([byte]) for char, byte in table.items())
        encodings.append((encoding, "".join(digits(ord(char), 4) + digits(byte, 2) for char, byte in sorted(table.items()))))

    source = (
        "// Made by Scripts/generate/make_mojibake_tables.py: don't edit.\n"
        f"// Facts of ftfy {ftfy.__version__} (Robyn Speer, Apache License 2.0).\n\n"
        "/// Which characters side by side look like text that was decoded with the wrong encoding.\n"
        "enum MojibakeTables {\n"
        "    /// Scalar and its kind: 4 + 2 characters a row, in order of the scalar.\n"
        "    static let kinds: StaticString = " + literal("".join(rows_of_kinds)) + "\n\n"
        f"    static let kindCount = {len(kinds)}\n"
        "    /// Of each set whether each kind belongs to it: a character each.\n"
        "    static let members: StaticString = " + literal(members) + "\n\n"
        "    /// What stands side by side: the numbers of sets, or of `Mojibake.Special`, 2 characters each, a space after a row.\n"
        "    static let rows: StaticString = " + literal("".join("".join(digits(c, 2) for c in row) + " " for row in rows)) + "\n\n"
        "    /// The sets of what may begin a character of two, three and four bytes, go on with it, and surely goes on with it.\n"
        f"    static let clues = ({', '.join(map(str, clue_bits))})\n\n"
        f"    /// The encodings after Latin-1 in the order in which they are tried: {', '.join(name for name, _ in encodings)}.\n"
        "    /// Scalar and byte of each that is not ASCII: 4 + 2 characters a row, in order of the scalar.\n"
        "    static let encodings: [StaticString] = [\n" + "".join("        " + literal(text) + ",\n" for _, text in encodings) + "    ]\n"
        f"    /// Of them the one of Windows for western Europe, the one of old Macs, and those that Windows calls its own.\n"
        f"    static let windows1252 = {[n for n, _ in encodings].index('sloppy-windows-1252')}\n"
        f"    static let macRoman = {[n for n, _ in encodings].index('macroman')}\n"
        f"    static let sloppyCount = {sum(n.startswith('sloppy') for n, _ in encodings)}\n"
        "}\n"
    )  # fmt: skip
    OUT.write_text(source, encoding="utf-8")
    print(f"{OUT.name}: {len(source)} bytes, {len(sets)} sets, {len(rows)} rows, {len(kinds)} kinds")


main()
