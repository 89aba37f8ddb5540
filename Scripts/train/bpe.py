"""A small vocabulary in CLIP's own form: 256 bytes, 256 bytes that end a word, merges, start and end token."""

import heapq
import json
from collections import Counter
from pathlib import Path


def byte_characters():
    """CLIP's printable stand-ins for the 256 bytes, in the order of its vocabulary."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    return [chr(b) for b in printable] + [chr(256 + i) for i in range(256 - len(printable))]


def learn_merges(counts, size):
    """Byte-pair merges of lower-case words: the most frequent pair first, ties by spelling."""
    spelt = {w: [*w[:-1], w[-1] + "</w>"] for w in counts}
    pairs, where = Counter(), {}
    for word, parts in spelt.items():
        for pair in zip(parts, parts[1:]):
            pairs[pair] += counts[word]
            where.setdefault(pair, set()).add(word)
    queue = [(-count, pair) for pair, count in pairs.items()]
    heapq.heapify(queue)
    merges = []
    while len(merges) < size and queue:
        count, best = heapq.heappop(queue)
        if pairs[best] != -count:
            continue  # its count has changed since, and stands elsewhere in the queue
        if -count < 2:
            break
        merges.append(best)
        changed = set()
        for word in list(where[best]):
            parts, count = spelt[word], counts[word]
            for pair in zip(parts, parts[1:]):
                pairs[pair] -= count
                where[pair].discard(word)
                changed.add(pair)
            merged, i = [], 0
            while i < len(parts):
                if i + 1 < len(parts) and (parts[i], parts[i + 1]) == best:
                    merged.append(parts[i] + parts[i + 1])
                    i += 2
                else:
                    merged.append(parts[i])
                    i += 1
            spelt[word] = merged
            for pair in zip(merged, merged[1:]):
                pairs[pair] += count
                where.setdefault(pair, set()).add(word)
                changed.add(pair)
        for pair in changed:
            if pairs[pair] > 0:
                heapq.heappush(queue, (-pairs[pair], pair))
    return merges


def write_tokenizer(folder, counts, size, context):
    """vocab.json, merges.txt and the two configuration files that transformers' CLIPTokenizer reads."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    alphabet = byte_characters()
    merges = learn_merges(counts, size - 514)
    tokens = (
        alphabet + [c + "</w>" for c in alphabet] + [a + b for a, b in merges] + ["<|startoftext|>", "<|endoftext|>"]
    )
    (folder / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(tokens)}, ensure_ascii=False))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    special = {
        "bos_token": "<|startoftext|>",
        "eos_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>",
        "unk_token": "<|endoftext|>",
    }
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=2))
    (folder / "tokenizer_config.json").write_text(
        json.dumps(
            {
                "tokenizer_class": "CLIPTokenizer",
                "model_max_length": context,
                "do_lower_case": True,
                "errors": "replace",
                **special,
            },
            indent=2,
        )
    )
    return len(tokens)
