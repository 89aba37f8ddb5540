"""Seeded CLIP models with random weights, and their golden values by transformers in float32.

Random weights mean nothing, but every detail of the architecture shows in the embedding: activation, eps, end token,
class token, order of the norms. Shared by make_fixture_models.py and make_seeded_model.py.
"""

import gzip
import importlib.util
import json
import os
import re
import shutil
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import torch
import torchvision_cpu  # noqa: F401
from PIL import Image
from transformers import CLIPModel, CLIPTokenizer
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.utils import logging

logging.disable_progress_bar()

MEAN = [0.48145466, 0.4578275, 0.40821073]
STD = [0.26862954, 0.26130258, 0.27577711]
TEXTS = [
    "a photo of a dog", "a photo of a cat", "Two RED cars, parked; one's blue!", "x", "", "naïve café — ¿qué?",
    "東京の夜景", "snow ❄️ and fire 🔥", "3.14159 is about pi", "a " * 90, "don't   stop\tnow",
    "<|endoftext|> inside", "Ünïcödé ﬁne", "l'été, it'll, we've, I'm, he'd",
]  # fmt: skip


def byte_alphabet():
    """The printable stand-ins for the 256 bytes, in the order of the vocabulary."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = 256 - len(printable)
    return [chr(byte) for byte in printable] + [chr(256 + index) for index in range(others)]


def clip_merges():
    """CLIP's 48,894 merges as the open_clip package ships them (MIT licence, OpenAI)."""
    # Found, not imported: importing open_clip needs a torchvision that fits torch.
    path = Path(importlib.util.find_spec("open_clip").origin).parent / "bpe_simple_vocab_16e6.txt.gz"
    lines = gzip.open(path, "rt", encoding="utf-8").read().split("\n")
    return lines[1 : 49152 - 256 - 2 + 1]


def write_tokenizer(folder, merges, context_length):
    """Writes vocab.json, merges.txt and tokenizer_config.json; returns the number of entries."""
    alphabet = byte_alphabet()
    words = alphabet + [letter + "</w>" for letter in alphabet] + ["".join(merge.split()) for merge in merges]
    words += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: index for index, word in enumerate(words)}
    write_json(folder / "vocab.json", vocabulary)
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8")
    write_json(
        folder / "tokenizer_config.json",
        {
            "bos_token": "<|startoftext|>",
            "eos_token": "<|endoftext|>",
            "unk_token": "<|endoftext|>",
            "pad_token": "<|endoftext|>",
            "model_max_length": context_length,
            "tokenizer_class": "CLIPTokenizer",
        },
    )
    return len(vocabulary)


def write_preprocessor(folder, side):
    write_json(
        folder / "preprocessor_config.json",
        {
            "do_resize": True,
            "size": {"shortest_edge": side},
            "resample": 3,
            "do_center_crop": True,
            "crop_size": {"height": side, "width": side},
            "do_rescale": True,
            "rescale_factor": 1 / 255,
            "do_normalize": True,
            "image_mean": MEAN,
            "image_std": STD,
            "do_convert_rgb": True,
            "image_processor_type": "CLIPImageProcessor",
        },
    )


def seed_weights(module, seed):
    """Fills the parameters: every product keeps its scale, biases and norms differ from their defaults."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if parameter.ndim == 0:
                continue
            fan_in = parameter.numel() // parameter.shape[0]
            if "patch_embedding" in name or (parameter.ndim >= 2 and "embed" not in name):
                scale = 0.7 / fan_in**0.5
            else:
                scale = 0.5 if "embed" in name else 0.1
            noise = torch.randn(parameter.shape, generator=generator) * scale
            is_gain = re.search(r"(norm\d?|layrnorm)\.weight$", name)
            parameter.copy_(1 + noise if is_gain else noise)


def write_model(folder, config, merges, seed, dtype, max_shard_size="100GB"):
    """Writes a Hugging Face folder: weights, configuration, tokenizer, preprocessing."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("model*.safetensors*"):
        stale.unlink()
    write_tokenizer(folder, merges, config.text_config.max_position_embeddings)
    write_preprocessor(folder, config.vision_config.image_size)
    model = CLIPModel(config).eval()
    seed_weights(model, seed)
    model.to(dtype).save_pretrained(str(folder), max_shard_size=max_shard_size)
    for file in folder.iterdir():
        file.chmod(0o644)


def float_list(values):
    """Plain numbers in the shortest decimals that read back to the same float32."""
    return [float(str(value)) for value in np.asarray(values, np.float32).reshape(-1)]


def write_golden(folder, pictures, texts=TEXTS):
    """Writes golden.json: what transformers makes of `pictures` and `texts` in float32, embeddings not normalised."""
    model = CLIPModel.from_pretrained(str(folder), dtype=torch.float32).eval()
    tokenizer = CLIPTokenizer.from_pretrained(str(folder))
    processor = CLIPImageProcessorPil.from_pretrained(str(folder))
    context_length = model.config.text_config.max_position_embeddings
    golden = {
        "model": folder.name,
        "logit_scale": float(model.logit_scale.detach().exp()),
        "logit_bias": None,
        "pictures": [],
        "texts": [],
    }
    with torch.inference_mode():
        for picture in pictures:
            image = Image.open(picture).convert("RGB")
            pixels = np.asarray(processor(image, return_tensors="np")["pixel_values"][0], np.float32)
            embedding = model.get_image_features(pixel_values=torch.from_numpy(pixels)[None]).pooler_output
            golden["pictures"].append(
                {
                    "picture": picture.name,
                    "pixels_first_row": float_list(pixels[0, 0, :16]),
                    "pixels_mean": float_list(pixels.mean((1, 2))),
                    "embedding": float_list(embedding),
                }
            )
        for text in texts:
            tokens = tokenizer(text, truncation=True, max_length=context_length).input_ids
            embedding = model.get_text_features(input_ids=torch.tensor([tokens])).pooler_output
            golden["texts"].append({"text": text, "tokens": tokens, "embedding": float_list(embedding)})
    write_json(folder / "golden.json", golden)


def copy_pictures(pictures, folder):
    """Copies `pictures` into `folder`, so that a model folder brings what its golden values are about."""
    folder.mkdir(parents=True, exist_ok=True)
    for picture in pictures:
        if picture.resolve().parent != folder.resolve():
            shutil.copyfile(picture, folder / picture.name)


def write_json(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
