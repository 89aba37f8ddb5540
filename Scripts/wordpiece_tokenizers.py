#!/usr/bin/env python3
"""A WordPiece tokenizer in the form of bert-base-uncased's, which open_clip's CLIPA uses, trained on made-up text.

  Scripts/setup_venv.sh
  Scripts/.venv/bin/python Scripts/wordpiece_tokenizers.py             (Tests/CLIPTokenizersTests/Fixtures/bert)
  Scripts/.venv/bin/python Scripts/wordpiece_tokenizers.py --fuzz 100000 --vocabulary DIR --clip .build/release/clip

--fuzz holds `clip tokenize` to transformers and open_clip on random texts, with the vocab.txt in DIR or one that is made.
"""

import argparse
import functools
import json
import random
import subprocess
import tempfile
from pathlib import Path

import ftfy
import torchvision_cpu  # noqa: F401
from siglip_tokenizers import corpus, random_texts

FIX_TEXT = ftfy.fix_text
FIXTURES = Path(__file__).resolve().parent.parent / "Tests" / "CLIPTokenizersTests" / "Fixtures" / "bert"
WORDS = (
    "a photo of the dog cat kato mitokare unaffable café naïve ÀÉÎ Straße don't e-mail@x.com $5.00 x² ﬁne Ⅷ #tag ## ##ing "
    "東京の夜景 москва नमस्ते 🔥 👩‍👩‍👧 [SEP] [CLS] [MASK] [UNK] [PAD] [sep] [SEP][CLS] &amp; &lt;b&gt; &quot;q&quot; “curly” "
    "\u1734 \u1885 \ua9bd \u166d \U000111c9 \x0b \x85 \ufeff \ufffd \ue000 İ ΑΣ"
).split(" ") + ["z" * 99, "z" * 100, "z" * 101, "é" * 100, "é" * 101]  # fmt: skip


def write_word_pieces(folder, lines, size):
    """Writes vocab.txt, tokenizer.json and tokenizer_config.json; returns the number of pieces."""
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    trainer = BertWordPieceTokenizer()
    trainer.train_from_iterator(lines, vocab_size=size, min_frequency=1, show_progress=False)
    trainer.save_model(str(folder))
    tokenizer = BertTokenizerFast.from_pretrained(str(folder), model_max_length=512)
    tokenizer.save_pretrained(str(folder))
    # transformers writes the vocabulary into tokenizer.json alone.
    trainer.save_model(str(folder))
    return len(tokenizer)


def texts(seed, count):
    """Random texts of words, scripts and spaces, and some of any characters."""
    choose = random.Random(seed)
    made = random_texts(seed, count - count // 3, WORDS)
    while len(made) < count:
        ranges = [(0x20, 0x7F), (0x20, 0x3000), (0x20, 0x110000), (0x10000, 0x20000)]
        codes = [choose.randrange(*choose.choice(ranges)) for _ in range(choose.randrange(30))]
        made.append("".join(chr(code) for code in codes if not 0xD800 <= code < 0xE000))
    return made


def references(folder, texts):
    """What transformers and open_clip make of the texts, not padded."""
    from open_clip import tokenizer as open_clip_tokenizer
    from open_clip.tokenizer import HFTokenizer

    # Its guesses at texts that were decoded with the wrong encoding are not reproduced.
    open_clip_tokenizer.ftfy.fix_text = functools.partial(FIX_TEXT, fix_encoding=False)
    wrapped = HFTokenizer(str(folder), context_length=4096, strip_sep_token=True)
    plain = wrapped.tokenizer(texts).input_ids
    end = wrapped.tokenizer.sep_token_id
    cleaned = wrapped.tokenizer([wrapped.clean_fn(text) for text in texts]).input_ids
    return plain, [[0 if token == end else token for token in ids] for ids in cleaned]


def write_fixtures():
    write_word_pieces(FIXTURES, corpus(5, 3000), 600)
    sample = texts(9, 400)
    for name, lists in zip(("golden", "golden-openclip"), references(FIXTURES, sample)):
        rows = [json.dumps({"text": text, "tokens": ids}) for text, ids in zip(sample, lists)]
        (FIXTURES / f"{name}.json").write_text("[\n" + ",\n".join(rows) + "\n]\n", encoding="utf-8")


def write_model(folder, vocabulary):
    """An open_clip folder with a vocabulary and the smallest of models: `clip tokenize` needs nothing of the weights."""
    import open_clip
    from family_models import seed_open_clip, write_open_clip

    small = {"layers": 1, "width": 16, "heads": 2, "head_width": 8}
    config = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 16, "patch_size": 16, **{k: v for k, v in small.items() if k != "heads"}},
        "text_cfg": {
            "context_length": 4096, "vocab_size": 32000, "pool_type": "last", "no_causal_mask": True,
            **{k: v for k, v in small.items() if k != "head_width"},
        },
    }  # fmt: skip
    model = open_clip.CLIP(**config).eval()
    seed_open_clip(model, 1)
    config["text_cfg"].update({"hf_tokenizer_name": "bert-base-uncased", "tokenizer_kwargs": {"strip_sep_token": True}})
    write_open_clip(folder, config, model)
    (folder / "vocab.txt").write_bytes((vocabulary / "vocab.txt").read_bytes())


def fuzz(clip, vocabulary, count, seed):
    """Compares in portions; returns how many texts differ."""
    from transformers import BertTokenizerFast

    wrong = 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        if not vocabulary:
            vocabulary = Path(scratch) / "made"
            write_word_pieces(vocabulary, corpus(seed, 3000), 3000)
        write_model(folder, vocabulary)
        # A vocab.txt alone doesn't say what it is.
        reference = Path(scratch) / "reference"
        BertTokenizerFast.from_pretrained(str(vocabulary)).save_pretrained(str(reference))
        for start in range(0, count, 10000):
            # A line feed ends a text on standard input; NUL ends one with -0, so that no text may hold it.
            sample = [text.replace("\0", "") for text in texts(seed + start, min(10000, count - start))]
            _, expected = references(reference, sample)
            command = [clip, "tokenize", "--model", folder, "--file", "-", "-0", "--format", "jsonl"]
            run = subprocess.run([*map(str, command)], input="\0".join(sample) + "\0", stdout=subprocess.PIPE, text=True)
            found = [json.loads(line)["tokens"] for line in run.stdout.split("\n")[:-1]]
            assert run.returncode == 0 and len(found) == len(sample), (run.returncode, len(found), len(sample))
            for text, ours, theirs in zip(sample, found, expected):
                if ours != theirs:
                    wrong += 1
                    print(ascii(text), ours, theirs)
            print(f"{start + len(sample)} texts, {wrong} differ", flush=True)
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fuzz", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--vocabulary", type=Path)
    parser.add_argument("--clip", default=".build/release/clip")
    arguments = parser.parse_args()
    if not arguments.fuzz:
        return write_fixtures()
    raise SystemExit(fuzz(arguments.clip, arguments.vocabulary, arguments.fuzz, arguments.seed) > 0)


if __name__ == "__main__":
    main()
