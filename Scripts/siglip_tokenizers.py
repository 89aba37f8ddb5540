"""Tokenizers in the form of SigLIP's and SigLIP 2's, trained on any text: the real vocabularies can't be shipped.

SigLIP: a SentencePiece unigram model, pieces <pad> 0, </s> 1, <unk> 2. SigLIP 2: Gemma's, byte-pair encoding of characters
with byte fallback, <pad> 0, <eos> 1, <bos> 2, <unk> 3, <mask> 4.
"""

import json
import random

# Some of NFKC and some of SentencePiece's own rules: from, to, as code points.
RULES = {
    "\u00a8": " \u0308", "\u00a0": " ", "\u3000": " ", "\t": " ", "\n": " ", "\r": " ", "\u200b": " ", "\u00ad": "",
    "\ufb01": "fi", "\ufb02": "fl", "\uff21": "A", "\uff41": "a", "\u2460": "1", "\u00bd": "1\u20442", "e\u0301": "\u00e9",
    "a\u0308": "\u00e4", "\u1100\u1161": "\uac00", "\uff76\uff9e": "\u30ac", "\uff76": "\u30ab", "\u2122": "TM",
    "\u0130": "I\u0307", "\ufe0f": "", "\u200d": " ", "\u212b": "\u00c5", "A\u030a": "\u00c5",
}  # fmt: skip


def write_unigram(folder, lines, size, rules=None, byte_fallback=False):
    """Writes spiece.model and tokenizer_config.json."""
    import sentencepiece

    folder.mkdir(parents=True, exist_ok=True)
    options = {"normalization_rule_name": "nmt_nfkc"}
    if rules:
        tsv = folder / "rules.tsv"
        codes = ["\t".join(" ".join(f"{ord(c):X}" for c in part) for part in rule) for rule in sorted(rules.items())]
        tsv.write_text("\n".join(codes) + "\n", encoding="utf-8")
        options = {"normalization_rule_tsv": str(tsv)}
    corpus = folder / "corpus.txt"
    corpus.write_text("\n".join(line.lower() for line in lines) + "\n", encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(corpus), model_prefix=str(folder / "spiece"), vocab_size=size, model_type="unigram", pad_id=0,
        eos_id=1, unk_id=2, bos_id=-1, hard_vocab_limit=False, byte_fallback=byte_fallback, minloglevel=2, num_threads=1,
        **options,
    )  # fmt: skip
    for name in ("corpus.txt", "rules.tsv", "spiece.vocab"):
        (folder / name).unlink(missing_ok=True)
    # The file names the corpus that it was trained on, with its path.
    from transformers.convert_slow_tokenizer import import_protobuf

    model = import_protobuf().ModelProto.FromString((folder / "spiece.model").read_bytes())
    model.trainer_spec.ClearField("input")
    model.trainer_spec.ClearField("model_prefix")
    model.normalizer_spec.ClearField("normalization_rule_tsv")
    (folder / "spiece.model").write_bytes(model.SerializeToString())
    config = {
        "do_lower_case": True, "eos_token": "</s>", "pad_token": "</s>", "unk_token": "<unk>", "model_max_length": 64,
        "model_input_names": ["input_ids"], "sp_model_kwargs": {}, "tokenizer_class": "SiglipTokenizer",
    }  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    return len(model.pieces)


def write_gemma(folder, lines, size, fill=None):
    """Writes tokenizer.json and tokenizer_config.json. `fill` adds merges of random pieces up to so many pieces."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    folder.mkdir(parents=True, exist_ok=True)
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    unused = [f"<unused{index}>" for index in range(5)]
    runs = ["\n" * count for count in range(1, 5)] + ["\u2581" * count for count in range(2, 5)] + ["<table>", "</h1>"]
    tokens = special + unused + runs + [f"<0x{byte:02X}>" for byte in range(256)]
    trainer_tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    trainer_tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    trainer_tokenizer.pre_tokenizer = pre_tokenizers.Split("\u2581", "merged_with_next")
    trainer_tokenizer.train_from_iterator(
        (line.lower() for line in lines), trainers.BpeTrainer(vocab_size=size - len(tokens), show_progress=False))
    trained = json.loads(trainer_tokenizer.to_str())["model"]
    pieces = [piece for piece, _ in sorted(trained["vocab"].items(), key=lambda entry: entry[1])]
    merges = [tuple(merge) for merge in trained["merges"]]
    vocabulary = {}
    for piece in tokens + pieces:
        vocabulary.setdefault(piece, len(vocabulary))
    if fill:
        choose = random.Random(3)
        names = [piece for piece in vocabulary if piece not in special and not piece.startswith("<0x")]
        known = set(merges)
        while len(vocabulary) < fill:
            left, right = choose.choice(names), choose.choice(names)
            if len(left + right) > 24 or (left, right) in known:
                continue
            known.add((left, right))
            merges.append((left, right))
            if left + right not in vocabulary:
                vocabulary[left + right] = len(vocabulary)
                names.append(left + right)
    tokenizer = Tokenizer(
        models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A <eos>", pair="$A <eos> $B <eos>", special_tokens=[("<eos>", vocabulary["<eos>"])])
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in special])
    tokenizer.add_tokens([AddedToken(token, normalized=False) for token in unused + runs])
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "add_bos_token": False, "add_eos_token": True, "bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>",
        "unk_token": "<unk>", "mask_token": "<mask>", "model_max_length": 64, "padding_side": "right",
        "tokenizer_class": "GemmaTokenizer",
    }  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    return len(vocabulary)


def load(folder):
    """The reference's tokenizer, as transformers loads it for SigLIP."""
    from transformers import Siglip2Tokenizer, SiglipTokenizer

    if (folder / "spiece.model").exists():
        return SiglipTokenizer.from_pretrained(str(folder))
    return Siglip2Tokenizer.from_pretrained(str(folder))


def corpus(seed, count):
    """Lines of made-up text in many scripts, with words that come again."""
    choose = random.Random(seed)
    syllables = ["ka", "to", "mi", "re", "son", "the", "ing", "ph", "o", "a", "dog", "cat", "red", "é", "ü", "по", "да", "東", "京", "の", "글"]
    words = ["".join(choose.choice(syllables) for _ in range(choose.randint(1, 4))) for _ in range(400)]
    words += "a photo of the dog cat car red blue two one small large picture night city snow fire".split() * 5
    return [" ".join(choose.choice(words) for _ in range(choose.randint(3, 12))) for _ in range(count)]


# Ranges in which case, normal form, white space or the kind of a scalar is anything but plain.
RANGES = [
    (0x20, 0x7F), (0x80, 0x250), (0x370, 0x530), (0x590, 0x700), (0x900, 0x980), (0xE00, 0xF00), (0x10A0, 0x1200),
    (0x1E00, 0x2070), (0x2100, 0x2200), (0x2460, 0x2500), (0x3000, 0x3100), (0x4E00, 0x5000), (0xAC00, 0xAD00),
    (0xF900, 0xFB50), (0xFE00, 0xFE30), (0xFF00, 0xFFEF), (0x1D400, 0x1D800), (0x1F300, 0x1F700),
]  # fmt: skip
SPACES = [" ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u3000", "\u2028", "\u0085", "\f", "\x1c", "\u200b"]


def random_texts(seed, count, words):
    choose = random.Random(seed)

    def part():
        kind = choose.random()
        if kind < 0.5:
            return choose.choice(words)
        if kind < 0.7:
            start, end = choose.choice(RANGES)
            return "".join(chr(choose.randrange(start, end)) for _ in range(choose.randint(1, 4)))
        if kind < 0.82:
            return choose.choice("aeoAEO\uac00'") + "".join(chr(choose.randrange(0x300, 0x330)) for _ in range(2))
        return choose.choice(SPACES)

    return ["".join(part() + choose.choice(["", " "]) for _ in range(choose.randint(1, 9))) for _ in range(count)]
