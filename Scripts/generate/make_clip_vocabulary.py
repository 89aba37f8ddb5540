#!/usr/bin/env python3
"""Makes Sources/Formats/CLIPTokenizers/Tables/CLIPMerges.swift from CLIP's vocab.json and merges.txt.

  Scripts/generate/make_clip_vocabulary.py FOLDER
"""

import json
import sys
from pathlib import Path

from swift_literals import digits, literal

OUT = Path(__file__).resolve().parents[2] / "Sources/Formats/CLIPTokenizers/Tables" / "CLIPMerges.swift"


def main():
    folder = Path(sys.argv[1])
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    merges = [line.split(" ") for line in (folder / "merges.txt").read_text(encoding="utf-8").split("\n")[1:] if line]
    for rank, (left, right) in enumerate(merges):
        assert vocabulary[left + right] == 512 + rank
    assert vocabulary["<|startoftext|>"] == 512 + len(merges) == len(vocabulary) - 2
    text = "".join(digits(vocabulary[left], 3) + digits(vocabulary[right], 3) for left, right in merges)
    OUT.write_text(
        "// Made by Scripts/generate/make_clip_vocabulary.py: don't edit.\n"
        "// The merges of CLIP's tokenizer: data, Copyright (c) 2021 OpenAI, MIT License (see LICENSE).\n\n"
        "enum CLIPMerges {\n"
        f"    static let count = {len(merges)}\n\n"
        "    /// Two token ids a merge, each as 3 characters of 6 bits from \"0\" on, the highest first; the merge of rank\n"
        "    /// r makes token 512 + r.\n"
        f"    static let pairs: StaticString = {literal(text)}\n"
        "}\n",
        encoding="utf-8",
    )


main()
