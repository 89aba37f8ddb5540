#!/usr/bin/env python3
"""Holds the steps of a tokenizer.json to transformers: each of each kind, alone and in sequences.

  Scripts/setup_venv.sh
  Scripts/.venv/bin/python Scripts/oracle/check_tokenizers.py [--clip .build/debug/clip] [--texts 1000] [--only NAME]
  Scripts/.venv/bin/python Scripts/oracle/check_tokenizers.py --fixtures    (remakes Tests/CLIPTokenizersTests/Fixtures/steps.json)

Makes a folder of a tiny model for each variant, asks `clip tokenize` and transformers' AutoTokenizer about the same texts,
and prints a line each: equal, refused (and by which words), or how many texts differ. A variant that should be refused has
to be; all others have to be equal.
"""

import argparse
import copy
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "Tests" / "CLIPTokenizersTests" / "Fixtures"
START, END = "<|startoftext|>", "<|endoftext|>"
CLIP_PATTERN = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
GPT2_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
GPT4_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN_PATTERN = GPT4_PATTERN.replace(r"\p{N}{1,3}", r"\p{N}")
CONTEXT = 400
GENERIC = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": START, "eos_token": END, "unk_token": END, "pad_token": END}


def step(kind, **fields):
    return {"type": kind, **fields}


def sequence(key, *steps):
    return {"type": "Sequence", key: list(steps)}


def norm(*steps):
    return {"normalizer": steps[0] if len(steps) == 1 else sequence("normalizers", *steps)}


def pre(*steps):
    return {"pre_tokenizer": steps[0] if len(steps) == 1 else sequence("pretokenizers", *steps)}


def post(*steps):
    return {"post_processor": steps[0] if len(steps) == 1 else sequence("processors", *steps)}


def replace(pattern, content, kind="Regex"):
    return step("Replace", pattern={kind: pattern}, content=content)


def split(pattern, behavior="Isolated", invert=False, kind="Regex"):
    return step("Split", pattern={kind: pattern}, behavior=behavior, invert=invert)


def byte_level(prefix=False, regex=True):
    return step("ByteLevel", add_prefix_space=prefix, trim_offsets=True, use_regex=regex)


def token(content, **flags):
    return {"content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": True, "special": False, **flags}


def template(*single, **ids):
    parts = [{"Sequence": {"id": name[1:], "type_id": 0}} if name.startswith("$") else {"SpecialToken": {"id": name, "type_id": 0}} for name in single]
    tokens = {name: {"id": name, "ids": value if isinstance(value, list) else [value], "tokens": [name] * (len(value) if isinstance(value, list) else 1)} for name, value in ids.items()}
    return step("TemplateProcessing", single=parts, pair=[{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}], special_tokens=tokens)


LOWER, NFC, SPACES = step("Lowercase"), step("NFC"), replace(r"\s+", " ")
CLIP_NORM = norm(NFC, SPACES, LOWER)
CLIP_SPLIT = split(CLIP_PATTERN, "Removed", True)
ROBERTA = step("RobertaProcessing", sep=[END, 813], cls=[START, 812], trim_offsets=False, add_prefix_space=False)


def bases():
    """Whole files to vary: CLIP's with 300 merges, a character vocabulary for all other kinds."""
    vocabulary = json.loads((FIXTURES / "small" / "vocab.json").read_text(encoding="utf-8"))
    merges = [line.split(" ") for line in (FIXTURES / "small" / "merges.txt").read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    specials = [token(name, normalized=False, special=True) | {"id": vocabulary[name]} for name in (START, END)]
    clip = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": specials,
        **CLIP_NORM, **pre(CLIP_SPLIT, byte_level()), "post_processor": ROBERTA, "decoder": None,
        "model": {"type": "BPE", "dropout": None, "unk_token": END, "continuing_subword_prefix": "", "end_of_word_suffix": "</w>",
                  "fuse_unk": False, "byte_fallback": False, "ignore_merges": False, "vocab": vocabulary, "merges": merges},
    }  # fmt: skip
    # GPT-2's form: the same bytes and merges, without ends of words.
    plain = {}
    for piece in vocabulary:
        plain.setdefault(piece.removesuffix("</w>") if not piece.startswith("<|") else piece, len(plain))
    plain_merges = []
    for left, right in merges:
        pair = [left.removesuffix("</w>"), right.removesuffix("</w>")]
        if pair not in plain_merges and "".join(pair) in plain:
            plain_merges.append(pair)
    spaced = [["\u0120", "a"], ["\u0120", "t"], ["\u0120a", "n"], ["\u0120", "p"]]
    for left, right in spaced:
        plain.setdefault(left + right, len(plain))
    plain_merges += spaced
    gpt = copy.deepcopy(clip) | norm_none() | pre(byte_level())
    gpt["model"] |= {"end_of_word_suffix": None, "continuing_subword_prefix": None, "vocab": plain, "merges": plain_merges, "unk_token": None}
    gpt["added_tokens"] = [token(name, normalized=False, special=True) | {"id": plain[name]} for name in (START, END)]
    gpt["post_processor"] = template(START, "$A", END, **{START: plain[START], END: plain[END]})
    return {"clip": clip, "gpt": gpt, "chars": characters(clip)}


def norm_none():
    return {"normalizer": None}


def characters(clip):
    """A vocabulary of characters with the pieces of bytes, in the form of Gemma's."""
    pieces = ["<unk>", START, END, "<pad>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    letters = list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456789 .,!?'\u2581\u00e9\u0434\u4e2d")
    merges = [["a", "n"], ["an", "d"], ["t", "h"], ["th", "e"], ["\u2581", "a"], ["\u2581", "the"], ["o", "g"], ["d", "og"], [" ", "a"]]
    vocabulary = {piece: index for index, piece in enumerate(pieces + letters)}
    for left, right in merges:
        vocabulary.setdefault(left + right, len(vocabulary))
    base = copy.deepcopy(clip) | norm(replace(" ", "\u2581", "String")) | pre(split(" ", "MergedWithPrevious", kind="String"))
    base["model"] |= {"end_of_word_suffix": None, "continuing_subword_prefix": None, "vocab": vocabulary, "merges": merges,
                      "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True}  # fmt: skip
    base["added_tokens"] = [token(name, normalized=False, special=True) | {"id": vocabulary[name]} for name in (START, END, "<unk>", "<pad>")]
    base["post_processor"] = template(START, "$A", END, **{START: 1, END: 2})
    return base


def unigram(base):
    pieces = [["<unk>", 0.0], [START, 0.0], [END, 0.0], ["<pad>", 0.0]]
    scored = "\u2581 \u2581the \u2581a th he in an on \u2581photo photo ing \u2581dog dog s \u2581of".split(" ") + list("abcdefghijklmnopqrstuvwxyz0123456789.,!?'-")
    pieces += [[piece, -2.0 - index / 7] for index, piece in enumerate(dict.fromkeys(scored))]
    made = copy.deepcopy(base) | pre(step("Metaspace", replacement="\u2581", prepend_scheme="always", split=True)) | norm(LOWER)
    made["model"] = {"type": "Unigram", "unk_id": 0, "vocab": pieces, "byte_fallback": False}
    return made


def word_level(base):
    words = "a photo of the dog cat and two red bird . , ! ' s it 1 2 12 hello world".split(" ")
    made = copy.deepcopy(base) | pre(step("Whitespace")) | norm(LOWER)
    made["model"] = {"type": "WordLevel", "vocab": {w: i for i, w in enumerate(["<unk>", START, END, "<pad>"] + words)}, "unk_token": "<unk>"}
    return made


def word_piece(base, prefix="##", longest=100):
    pieces = ["<unk>", START, END, "<pad>"] + list("abcdefghijklmnopqrstuvwxyz0123456789.,!?'") + [prefix + c for c in "abcdefghijklmnopqrstuvwxyz0123456789"]
    pieces += ["photo", "dog", prefix + "ing", "the", prefix + "er", "wo"]
    made = copy.deepcopy(base) | pre(step("BertPreTokenizer")) | norm(step("BertNormalizer", clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True))
    made["model"] = {"type": "WordPiece", "vocab": {p: i for i, p in enumerate(pieces)}, "unk_token": "<unk>", "continuing_subword_prefix": prefix, "max_input_chars_per_word": longest}
    return made


def variants():
    """Name, tokenizer.json, tokenizer_config.json, words that a refusal has to have (None: has to be equal)."""
    base = bases()
    made = []

    def add(name, change=None, of="clip", configuration=None, model=None, refused=None):
        file = copy.deepcopy(base[of] if isinstance(of, str) else of)
        file.update(copy.deepcopy(change or {}))
        file["model"] |= model or {}
        made.append((name, file, GENERIC | (configuration or {}), refused))

    # Normalizers, alone and in rows.
    for name, one in {
        "NFC": NFC, "NFD": step("NFD"), "NFKC": step("NFKC"), "NFKD": step("NFKD"), "Lowercase": LOWER,
        "StripAccents": step("StripAccents"), "Nmt": step("Nmt"), "Strip both": step("Strip", strip_left=True, strip_right=True),
        "Strip left": step("Strip", strip_left=True, strip_right=False), "Strip right": step("Strip", strip_left=False, strip_right=True),
        "Replace text": replace("photo", "picture", "String"), "Replace signs": replace("[!.,]", "", "Regex"),
        "Replace spaces": SPACES, "Replace two or more": replace(" {2,}", " "), "Replace digits": replace(r"\d+", "0"),
        "Replace not word": replace(r"[^\w\s]+", " "), "Prepend": step("Prepend", prepend="a "),
        "BertNormalizer": step("BertNormalizer", clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True),
        "BertNormalizer cased": step("BertNormalizer", clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=False),
        "BertNormalizer accents": step("BertNormalizer", clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False),
    }.items():  # fmt: skip
        add(f"normalizer {name}", norm(one))
    add("normalizer none", norm_none())
    add("normalizer NFD, StripAccents, Lowercase", norm(step("NFD"), step("StripAccents"), LOWER))
    add("normalizer NFKC, Replace, Lowercase, Strip", norm(step("NFKC"), SPACES, LOWER, step("Strip", strip_left=True, strip_right=True)))
    add("normalizer Sequence in Sequence", norm(sequence("normalizers", step("NFKD"), step("StripAccents")), sequence("normalizers", LOWER, SPACES)))
    add("normalizer Nmt, NFKC, Replace", norm(step("Nmt"), step("NFKC"), replace(" {2,}", " ")))
    add("normalizer ByteLevel", norm(step("ByteLevel")) | pre(split(r"\w+|[^\w\s]+")))
    add("normalizer quotes as CLIP files have", norm(replace("[\u2018\u2019]", "'"), replace("[\u201c\u201d]", '"'), NFC, SPACES, LOWER))
    add("normalizer Replace back reference", norm(replace(r"(.)\1", "x")), refused="Replace")
    add("normalizer Replace look-ahead", norm(replace(r"a(?=b)", "x")), refused="Replace")
    add("normalizer unknown", norm(step("Rot13")), refused="Rot13")

    # Pre-tokenizers.
    for name, steps in {
        "ByteLevel": [byte_level()], "ByteLevel prefix": [byte_level(True)], "ByteLevel no regex": [byte_level(False, False)],
        "ByteLevel prefix no regex": [byte_level(True, False)],
        "Split CLIP": [CLIP_SPLIT, byte_level(False, False)], "Split GPT-2": [split(GPT2_PATTERN), byte_level(False, False)],
        "Split GPT-4": [split(GPT4_PATTERN), byte_level(False, False)], "Split Qwen": [split(QWEN_PATTERN), byte_level(False, False)],
        "Split text removed": [split("a", "Removed", kind="String"), byte_level(False, False)],
        "Split text isolated": [split("o", "Isolated", kind="String"), byte_level(False, False)],
        "Split text with previous": [split(" ", "MergedWithPrevious", kind="String"), byte_level(False, False)],
        "Split text with next": [split(" ", "MergedWithNext", kind="String"), byte_level(False, False)],
        "Split text contiguous": [split(" ", "Contiguous", kind="String"), byte_level(False, False)],
        "Split text inverted": [split("an", "Removed", True, kind="String"), byte_level(False, False)],
        "Split class with previous": [split(r"[^\p{L}\s]", "MergedWithPrevious"), byte_level(False, False)],
        "Split class with next": [split(r"\s+", "MergedWithNext"), byte_level(False, False)],
        "Split class contiguous": [split(r"\p{N}", "Contiguous"), byte_level(False, False)],
        "Split digits in threes": [split(r"\d{1,3}"), byte_level(False, False)],
        "Split words": [split(r"\w+|[^\w\s]+", "Removed", True), byte_level(False, False)],
        "Whitespace": [step("Whitespace"), byte_level(False, False)], "WhitespaceSplit": [step("WhitespaceSplit"), byte_level(False, False)],
        "BertPreTokenizer": [step("BertPreTokenizer"), byte_level(False, False)],
        "Digits together": [step("Digits", individual_digits=False), byte_level(False, False)],
        "Digits alone": [step("Digits", individual_digits=True), byte_level(False, False)],
        "Punctuation": [step("Punctuation", behavior="Isolated"), byte_level(False, False)],
        "Punctuation removed": [step("Punctuation", behavior="Removed"), byte_level(False, False)],
        "Punctuation contiguous": [step("Punctuation", behavior="Contiguous"), byte_level(False, False)],
        "Punctuation with previous": [step("Punctuation", behavior="MergedWithPrevious"), byte_level(False, False)],
        "CharDelimiterSplit": [step("CharDelimiterSplit", delimiter="o"), byte_level(False, False)],
        "Metaspace": [step("Metaspace", replacement="\u2581", prepend_scheme="always", split=True), byte_level(False, False)],
        "FixedLength": [step("FixedLength", length=3), byte_level(False, False)],
        "Digits, Punctuation, ByteLevel": [step("Digits", individual_digits=True), step("Punctuation", behavior="Isolated"), byte_level()],
        "WhitespaceSplit, Digits, ByteLevel prefix": [step("WhitespaceSplit"), step("Digits", individual_digits=False), byte_level(True)],
        "Sequence in Sequence": [sequence("pretokenizers", step("Whitespace"), step("Digits", individual_digits=True)), byte_level(False, False)],
    }.items():  # fmt: skip
        add(f"pre-tokenizer {name}", pre(*steps))
    add("pre-tokenizer none", {"pre_tokenizer": None})
    add("pre-tokenizer Split look-behind", pre(split(r"(?<=a)b")), refused="Split")
    add("pre-tokenizer Split slow expression", pre(split(r"(a+)+$")), refused="Split")
    add("pre-tokenizer UnicodeScripts", pre(step("UnicodeScripts")), refused="UnicodeScripts")

    # Post-processors.
    add("post-processor none", {"post_processor": None})
    add("post-processor Template", post(template(START, "$A", END, **{START: 812, END: 813})))
    add("post-processor Template, end alone", post(template("$A", END, **{END: 813})))
    add("post-processor Template of several ids", post(template("x", "$A", "y", x=[812, 5, 6], y=[7, 813])))
    add("post-processor Bert", post(step("BertProcessing", sep=[END, 813], cls=[START, 812])))
    add("post-processor ByteLevel", post(byte_level()))
    add("post-processor ByteLevel, Template", post(byte_level(True), template(START, "$A", END, **{START: 812, END: 813})))
    add("post-processor Roberta, Template", post(ROBERTA, template("z", "$A", z=[9])))
    add("post-processor Template, text twice", post(template("$A", END, "$A", **{END: 813})), refused="TemplateProcessing")
    add("post-processor unknown", post(step("Wrap")), refused="Wrap")

    # Options of the models.
    add("BPE ignore_merges", pre(step("WhitespaceSplit"), byte_level(False, False)), model={"ignore_merges": True})
    add("BPE fuse_unk", norm_none() | pre(step("WhitespaceSplit")), model={"fuse_unk": True, "unk_token": END})
    add("BPE unknown alone", norm_none() | pre(step("WhitespaceSplit")), model={"unk_token": END})
    add("BPE nothing for unknown", norm_none() | pre(step("WhitespaceSplit")), model={"unk_token": None})
    add("BPE dropout 0", model={"dropout": 0.0})
    add("BPE dropout", model={"dropout": 0.1}, refused="dropout")
    add("BPE GPT-2", of="gpt")
    add("BPE GPT-2 prefix", pre(byte_level(True)), of="gpt")
    add("BPE GPT-2 ignore_merges", of="gpt", model={"ignore_merges": True})
    add("BPE GPT-4", pre(split(GPT4_PATTERN), byte_level(False, False)), of="gpt")
    add("BPE byte_fallback", of="chars")
    add("BPE byte_fallback, ignore_merges", of="chars", model={"ignore_merges": True})
    add("BPE byte_fallback, Prepend", norm(step("Prepend", prepend="\u2581"), replace(" ", "\u2581", "String")) | {"pre_tokenizer": None}, of="chars")
    add("BPE Metaspace first", norm_none() | pre(step("Metaspace", replacement="\u2581", prepend_scheme="first", split=True)), of="chars")
    add("BPE Metaspace never", norm_none() | pre(step("Metaspace", replacement="\u2581", prepend_scheme="never", split=False)), of="chars")
    add("BPE Strip, Metaspace first", norm(step("Strip", strip_left=True, strip_right=True)) | pre(step("Metaspace", replacement="\u2581", prepend_scheme="first", split=True)), of="chars")
    prefixed = copy.deepcopy(base["chars"])
    pieces = {"<unk>": 0, START: 1, END: 2, "<pad>": 3}
    for piece in [c for c in "abcdefghijklmnopqrstuvwxyz.,'"] + ["##" + c for c in "abcdefghijklmnopqrstuvwxyz.,'"] + ["an", "##an", "and", "th", "the", "##og", "dog"]:
        pieces.setdefault(piece, len(pieces))
    prefixed["model"] |= {"vocab": pieces, "merges": [["a", "##n"], ["an", "##d"], ["t", "##h"], ["th", "##e"], ["##o", "##g"], ["d", "##og"]],
                          "continuing_subword_prefix": "##", "byte_fallback": False, "fuse_unk": False}  # fmt: skip
    add("BPE continuing_subword_prefix", norm(LOWER) | pre(step("Whitespace")), of=prefixed)
    add("Unigram", of=unigram(base["chars"]))
    add("Unigram Whitespace, Metaspace", pre(step("WhitespaceSplit"), step("Metaspace", replacement="\u2581", prepend_scheme="always", split=True)), of=unigram(base["chars"]))
    add("WordLevel", of=word_level(base["chars"]))
    add("WordPiece", of=word_piece(base["chars"]))
    add("WordPiece other prefix", of=word_piece(base["chars"], prefix="@@"))
    add("WordPiece short words", of=word_piece(base["chars"], longest=5))

    # Added tokens, and what stands around the steps.
    def with_tokens(*tokens):
        file = copy.deepcopy(base["clip"])
        file["added_tokens"] += [one | {"id": 814 + index} for index, one in enumerate(tokens)]
        return file

    add("added token", of=with_tokens(token("<my-concept>"), token("Photo")))
    add("added token as it is", of=with_tokens(token("<My-Concept>", normalized=False), token("Photo", normalized=False)))
    add("added token lstrip", of=with_tokens(token("<my-concept>", lstrip=True), token("dog", lstrip=True, normalized=False)))
    add("added token rstrip", of=with_tokens(token("<my-concept>", rstrip=True), token("dog", rstrip=True, normalized=False)))
    add("added token single_word", of=with_tokens(token("dog", single_word=True), token("A", single_word=True, normalized=False)))
    add("added token special", of=with_tokens(token("<x>", special=True, normalized=False, lstrip=True, rstrip=True)))
    add("added token with other steps", norm(LOWER, step("Strip", strip_left=True, strip_right=True)) | pre(byte_level(True)), of=with_tokens(token("Dog"), token("<my-concept>")))
    add("added tokens of the configuration", configuration={"additional_special_tokens": ["<extra-1>", "<extra-2>"], "extra_token": "<other>"})
    add("added tokens decoder", configuration={"added_tokens_decoder": {"812": token(START, normalized=False, special=True), "813": token(END, normalized=False, special=True), "814": token("<my-concept>", lstrip=True)}})
    add("TokenizersBackend", pre(byte_level(True)), configuration={"tokenizer_class": "TokenizersBackend"})
    add("class CLIPTokenizer", norm_none() | pre(byte_level(True)) | {"post_processor": None}, configuration={"tokenizer_class": "CLIPTokenizer"})
    add("class CLIPTokenizerFast", norm(LOWER) | pre(step("Whitespace")), configuration={"tokenizer_class": "CLIPTokenizerFast"})
    add("no class", norm(step("NFKC")) | pre(byte_level(True)), configuration={"tokenizer_class": None})
    add("CLIP's own steps, generic class")
    add("class BertTokenizer", norm(LOWER) | pre(step("Whitespace")), of=word_piece(base["chars"]), configuration={"tokenizer_class": "BertTokenizer", "unk_token": "<unk>", "cls_token": START, "sep_token": END, "pad_token": "<pad>", "mask_token": "<unk>"})
    add("add_bos_token, add_eos_token", configuration={"add_bos_token": True, "add_eos_token": False})
    add("truncation", {"truncation": {"direction": "Right", "max_length": 8, "strategy": "LongestFirst", "stride": 0}})
    add("padding", {"padding": {"strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": None, "pad_id": 813, "pad_type_id": 0, "pad_token": END}})
    add("truncation at the left", {"truncation": {"direction": "Left", "max_length": 8, "strategy": "LongestFirst", "stride": 0}}, refused="truncation")
    add("padding at the left", {"padding": {"strategy": "BatchLongest", "direction": "Left", "pad_to_multiple_of": None, "pad_id": 813, "pad_type_id": 0, "pad_token": END}}, refused="padding")
    add("truncation_side left", configuration={"truncation_side": "left"}, refused="truncation_side")
    add("split_special_tokens", configuration={"split_special_tokens": True}, refused="split_special_tokens")
    return made


WORDS = (
    "a photo of the dog cat and two red bird hello WORLD it's I'M they'LL don't 'S 'T 'Re 've 'm 'lL <|startoftext|> <|ENDOFTEXT|> <|endoftext|> "
    "<my-concept> <My-Concept> <x> <extra-1> <other> Photo photograph hotdog dog. A, 12 3.5 2024 123456 \u00bd \u216b \u0663 \u00b2 &amp; na\u00efve "
    "caf\u00e9 e\u0301 \u00c9CLAIR Stra\u00dfe \u0130stanbul \u017f '\u017f \u212a \u03a3 \u0391\u03a3 \ufb01 \uff21\uff11 \uff07 \u2460 \u1e9b\u0323 \u3392 "
    "\u0434\u043e\u043c \u041c\u041e\u0421\u041a\u0412\u0410 \u4e2d\u6587 \u6f22\u5b57 \u304b\u3099 \u30ab\u3099 \uff76\uff9e \ud55c\uae00 \u1112\u1161\u11ab \u0939\u093f\u0928\u094d\u0926\u0940 "
    "\u0e20\u0e32\u0e29\u0e32 \u0627\u0644\u0639\u0631\u0628\u064a\u0629 \u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd \U0001f436 \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea \U0001f44d\U0001f3fd \u2764\ufe0f "
    "!!! ?!' http://x.y/z?q=1&a=2 C++ \u201cquoted\u201d \u2018single\u2019 \u2026 \u2014 \u00ad \ufeff \u200b \x07 \x1b \x7f \x85 \ufffd \u2581 _ __x__ --- $9.99 #tag @you "
    "and and and the the the doooog aaaa an andog ing thing"
).split(" ")
SPACES_BETWEEN = [" ", " ", " ", "  ", "   ", "\t", "\n", "\r\n", "\n\n", " \n ", "\u00a0", "\u2003", "\u3000", "\u2028", "\x85", "\f", "\x0b", ""]
RANGES = [
    (0x20, 0x7F), (0x80, 0x250), (0x2B0, 0x370), (0x370, 0x530), (0x590, 0x700), (0x900, 0x980), (0xE00, 0xF00), (0x10A0, 0x1200),
    (0x1E00, 0x2070), (0x2070, 0x2200), (0x2460, 0x2500), (0x3000, 0x3100), (0x3200, 0x3400), (0x4E00, 0x5000), (0xA640, 0xA800),
    (0xAC00, 0xAD00), (0xF900, 0xFB50), (0xFE00, 0xFFEF), (0x10400, 0x10450), (0x1D400, 0x1D800), (0x1F300, 0x1F700), (0x20000, 0x20100),
    (0x2F800, 0x2FA1E), (0xE0100, 0xE0110),
]  # fmt: skip


def make_texts(count, seed=15):
    rng = random.Random(seed)
    texts = ["", " ", "  ", "a", " a", "a ", "\n", "a photo of a dog", START, END + END, "\u0301", "\ufeffa"]
    while len(texts) < count:
        parts = []
        for _ in range(rng.randint(1, 10)):
            kind = rng.random()
            if kind < 0.72:
                parts.append(rng.choice(WORDS))
            elif kind < 0.9:
                first, last = rng.choice(RANGES)
                parts.append("".join(chr(rng.randrange(first, last)) for _ in range(rng.randint(1, 4))))
            else:
                parts.append(rng.choice("aeoAE\uac00\u0915") + "".join(chr(rng.randrange(0x300, 0x36F)) for _ in range(rng.randint(1, 3))))
            parts.append(rng.choice(SPACES_BETWEEN))
        text = "".join(parts)
        texts.append(text.upper() if rng.random() < 0.05 else text)
    return texts[:count]


def write_folder(folder, file, configuration):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(file, ensure_ascii=False), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps({key: value for key, value in configuration.items() if value is not None}), encoding="utf-8")
    (folder / "config.json").write_text(json.dumps({"model_type": "clip"}), encoding="utf-8")


def reference(folder, texts):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    return [list(row) for row in tokenizer(texts, truncation=True, max_length=CONTEXT).input_ids]


def ask(clip, folder, texts):
    """The tokens of each text, or the line of refusal. A tiny model is put around the tokenizer."""
    model = ROOT / "Tests" / "CLIPTests" / "Fixtures" / "models" / "quickgelu-f32"
    for name in ("model.safetensors", "preprocessor_config.json"):
        shutil.copy(model / name, folder / name)
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    # Texts may end with any token, or none.
    config["text_config"]["eos_token_id"] = 2
    # The weights' positions are never read: whole texts are compared.
    config["text_config"]["max_position_embeddings"] = CONTEXT
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    done = subprocess.run([clip, "tokenize", "--model", folder, "--format", "jsonl", "--quiet", "--", *texts], capture_output=True)
    if done.returncode:
        return done.stderr.decode(errors="replace").strip().splitlines()[-1]
    return [json.loads(line)["tokens"] for line in done.stdout.decode().split("\n") if line]


def write_fixtures(texts):
    """Every variant without its vocabulary, with the tokens of some texts or what a refusal has to say."""
    vocabularies, rows = {}, []
    with tempfile.TemporaryDirectory() as scratch:
        for number, (name, file, configuration, refused) in enumerate(variants()):
            folder = Path(scratch) / str(number)
            write_folder(folder, file, configuration)
            tokens = None if refused else reference(folder, texts)
            large = json.dumps({key: file["model"].pop(key) for key in ("vocab", "merges") if key in file["model"]}, ensure_ascii=False)
            rows.append({"name": name, "vocabulary": vocabularies.setdefault(large, len(vocabularies)), "file": json.dumps(file, ensure_ascii=False),
                         "configuration": json.dumps({key: value for key, value in configuration.items() if value is not None}),
                         "refused": refused, "tokens": tokens})  # fmt: skip
    head = json.dumps({"texts": texts, "vocabularies": list(vocabularies)}, ensure_ascii=False)[:-1]
    lines = ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    (FIXTURES / "steps.json").write_text(f'{head}, "variants": [\n{lines}\n]}}\n', encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clip", default=str(ROOT / ".build" / "debug" / "clip"))
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--only", default="")
    parser.add_argument("--fixtures", action="store_true")
    options = parser.parse_args()
    if options.fixtures:
        return write_fixtures(make_texts(30, seed=2)[5:21])
    wrong = 0
    counts = {"equal": 0, "refused": 0}
    with tempfile.TemporaryDirectory() as scratch:
        for number, (name, file, configuration, refused) in enumerate(variants()):
            if options.only not in name:
                continue
            texts = make_texts(options.texts, seed=number)
            folder = Path(scratch) / str(number)
            write_folder(folder, file, configuration)
            try:
                wanted = None if refused else reference(folder, texts)
            except Exception as error:  # transformers itself has no such file
                print(f"?        {name}: {type(error).__name__}: {error}")
                wrong += 1
                continue
            found = ask(options.clip, folder, texts)
            if isinstance(found, str):
                isRight = refused is not None and refused in found
                counts["refused"] += isRight
                print(f"{'refused ' if isRight else 'REFUSED '} {name}: {found[-160:]}")
            elif refused:
                isRight = False
                print(f"ANSWERED {name}: should be refused")
            else:
                differing = [(t, a, b) for t, a, b in zip(texts, wanted, found) if a != b]
                isRight = not differing and len(found) == len(wanted)
                counts["equal"] += isRight
                print(f"{'equal   ' if isRight else 'DIFFERS '} {name}" + (f": {len(differing)} of {len(texts)}, first {differing[0]}" if differing else f" ({len(texts)} texts)"))
            wrong += not isRight
            sys.stdout.flush()
    print(f"{counts['equal']} equal, {counts['refused']} refused by name, {wrong} wrong")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
