#!/usr/bin/env python3
"""Makes SigLIP models with seeded random weights, their tokenizers and golden values by transformers.

  Scripts/setup_venv.sh
  Scripts/.venv/bin/python Scripts/make_siglip_models.py --fixtures           (Tests/CLIPTests/Fixtures/models/siglip*)
  Scripts/.venv/bin/python Scripts/make_siglip_models.py --shape SO400M/14-384 --layers 3 --out DIR

The folder of a shape also gets `pictures/`, what golden.json is about: hold the command to it with check_reference.py.
"""

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from seeded_clip import TEXTS, copy_pictures, float_list, seed_weights, write_json
from siglip_tokenizers import RULES, corpus, load, random_texts, write_gemma, write_unigram
from transformers import SiglipConfig, SiglipModel
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

FIXTURES = Path(__file__).resolve().parent.parent / "Tests" / "CLIPTests" / "Fixtures"
MORE_TEXTS = ["A Dog, on the (red) car!", "</s> dog <unk>cat", "\u0391\u03a3 \u0130x", "a\u2581b  \u2581 c", "\n\n<table>x"]

# image side, patch, (width, MLP, layers, heads) of the image and of the text tower, projection, vocabulary
SHAPES = {
    "B/16-224": (224, 16, (768, 3072, 12, 12), (768, 3072, 12, 12), None, 32000),
    "L/16-256": (256, 16, (1024, 4096, 24, 16), (1024, 4096, 24, 16), None, 32000),
    "SO400M/14-384": (384, 14, (1152, 4304, 27, 16), (1152, 4304, 27, 16), None, 32000),
    "2-B/16-224": (224, 16, (768, 3072, 12, 12), (768, 3072, 12, 12), None, 256000),
    "2-L/16-256": (256, 16, (1024, 4096, 24, 16), (1024, 4096, 24, 16), 1024, 256000),
}


def tower(width, intermediate, layers, heads, limit=None):
    return {
        "hidden_size": width, "intermediate_size": intermediate, "num_hidden_layers": min(layers, limit or layers),
        "num_attention_heads": heads,
    }  # fmt: skip


def write_model(folder, config, seed, resample, dtype=torch.float32):
    model = SiglipModel(config).eval()
    seed_weights(model, seed)
    with torch.no_grad():
        model.logit_scale.fill_(2.3)
        model.logit_bias.fill_(-1.7)
    model.to(dtype).save_pretrained(str(folder), max_shard_size="100GB")
    side = config.vision_config.image_size
    write_json(
        folder / "preprocessor_config.json",
        {
            "do_convert_rgb": None, "do_normalize": True, "do_rescale": True, "do_resize": True,
            "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "image_processor_type": "SiglipImageProcessor",
            "resample": resample, "rescale_factor": 1 / 255, "size": {"height": side, "width": side},
        },
    )  # fmt: skip
    for file in folder.iterdir():
        if file.is_file():
            file.chmod(0o644)


def write_golden(folder, pictures):
    model = SiglipModel.from_pretrained(str(folder), dtype=torch.float32).eval()
    tokenizer = load(folder)
    processor = SiglipImageProcessorPil.from_pretrained(str(folder))
    length = model.config.text_config.max_position_embeddings
    golden = {
        "model": folder.name, "logit_scale": float(model.logit_scale.detach().exp()),
        "logit_bias": float(model.logit_bias.detach()), "pictures": [], "texts": [], "probabilities": [],
    }  # fmt: skip
    with torch.inference_mode():
        images, texts = [], []
        for picture in pictures:
            image = Image.open(picture).convert("RGB")
            pixels = np.asarray(processor(image, return_tensors="np")["pixel_values"][0], np.float32)
            images.append(model.get_image_features(pixel_values=torch.from_numpy(pixels)[None]).pooler_output)
            golden["pictures"].append(
                {
                    "picture": picture.name, "pixels_first_row": float_list(pixels[0, 0, :16]),
                    "pixels_mean": float_list(pixels.mean((1, 2))), "embedding": float_list(images[-1]),
                }
            )  # fmt: skip
        for text in TEXTS + MORE_TEXTS:
            tokens = tokenizer(text, truncation=True, max_length=length).input_ids
            padded = tokens + [tokenizer.pad_token_id] * (length - len(tokens))
            texts.append(model.get_text_features(input_ids=torch.tensor([padded])).pooler_output)
            golden["texts"].append({"text": text, "tokens": tokens, "embedding": float_list(texts[-1])})
        images, texts = (torch.nn.functional.normalize(torch.cat(part), dim=-1) for part in (images, texts))
        probabilities = torch.sigmoid(images @ texts.T * model.logit_scale.exp() + model.logit_bias)
        golden["probabilities"] = [float_list(row) for row in probabilities]
    write_json(folder / "golden.json", golden)


def write_fixtures():
    pictures = sorted((FIXTURES / "pictures").glob("*.png"))
    lines = corpus(5, 3000)
    # A head of 72, an MLP that is no multiple of 16, a text tower of another width.
    folder = FIXTURES / "models" / "siglip"
    size = write_unigram(folder, lines, 400, rules=RULES)
    config = SiglipConfig(
        text_config={**tower(40, 52, 2, 2), "vocab_size": size, "max_position_embeddings": 24, "projection_size": 72},
        vision_config={**tower(72, 84, 2, 1), "image_size": 44, "patch_size": 14},
    )
    write_model(folder, config, 31, resample=3)
    write_golden(folder, pictures)
    # Gemma's tokenizer, heads of 16, bilinear.
    folder = FIXTURES / "models" / "siglip2"
    size = write_gemma(folder, lines, 700)
    config = SiglipConfig(
        text_config={**tower(48, 64, 2, 3), "vocab_size": size, "max_position_embeddings": 32},
        vision_config={**tower(48, 64, 2, 3), "image_size": 32, "patch_size": 8},
    )
    write_model(folder, config, 32, resample=2, dtype=torch.float16)
    write_golden(folder, pictures)


def write_unigram_json(folder, source):
    """The unigram model of `source` as tokenizer.json, with the steps of XLM-R's."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers.convert_slow_tokenizer import import_protobuf

    model = import_protobuf().ModelProto.FromString((source / "spiece.model").read_bytes())
    vocabulary = [("<s>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((piece.piece, piece.score) for piece in model.pieces[3:])]
    tokenizer = Tokenizer(models.Unigram(vocabulary, 2))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(model.normalizer_spec.precompiled_charsmap), normalizers.Replace("``", '"')])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 1)])
    tokenizer.add_special_tokens(["<s>", "</s>", "<unk>"])
    tokenizer.add_tokens(["Mixed Case"])
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    return tokenizer


def write_token_fixtures():
    """Tests/CLIPTokenizersTests/Fixtures: the tokenizers alone, with 400 texts each."""
    tokens = FIXTURES.parent.parent / "CLIPTokenizersTests" / "Fixtures"
    words = (
        "a photo of the dog </s> <unk> <pad> <eos> <s> </S> \u2581 \u2581\u2581 \n \n\n \n\n\n <table> </h1> <unused1> <0x41> "
        "Mixed Case ``x `` \ufb01 \uff21\u2460 \u00a8 \u2122 e\u0301 a\u0308 A\u030a \uff76\uff9e \u1100\u1161 \u00ad \u200d "
        "\u0130 \u03a3 \u0391\u03a3 \u0391\u03a3\u0391 tokamire soning phthe catdog pod\u0430 \u6771\u4eac\u306e\u7f8e don't !!! 3.5"
    ).split(" ")
    for name in ("siglip", "siglip2"):
        (tokens / name).mkdir(parents=True, exist_ok=True)
        for file in ("spiece.model", "tokenizer.json", "tokenizer_config.json"):
            if (FIXTURES / "models" / name / file).exists():
                shutil.copyfile(FIXTURES / "models" / name / file, tokens / name / file)
    described = write_unigram_json(tokens / "unigram-json", FIXTURES / "models" / "siglip")
    for name in ("siglip", "siglip2", "unigram-json"):
        tokenizer = None if name == "unigram-json" else load(tokens / name)
        rows = []
        for text in random_texts(len(name), 400, words):
            ids = tokenizer(text).input_ids if tokenizer else described.encode(text).ids
            rows.append(json.dumps({"text": text, "tokens": ids}))
        (tokens / name / "golden.json").write_text("[\n" + ",\n".join(rows) + "\n]\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fixtures", action="store_true")
    parser.add_argument("--shape", choices=SHAPES)
    parser.add_argument("--layers", type=int, help="at most so many layers in each tower")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    if arguments.fixtures:
        write_fixtures()
        return write_token_fixtures()
    if not arguments.shape or not arguments.out:
        parser.error("--shape and --out, or --fixtures")
    side, patch, vision, text, projection, vocabulary = SHAPES[arguments.shape]
    lines = corpus(6, 3000)
    if vocabulary == 32000:
        write_unigram(arguments.out, lines, 2000)
    else:
        write_gemma(arguments.out, lines, 4000, fill=vocabulary)
    config = SiglipConfig(
        text_config={
            **tower(*text, arguments.layers), "vocab_size": vocabulary, "max_position_embeddings": 64,
            "projection_size": projection,
        },
        vision_config={**tower(*vision, arguments.layers), "image_size": side, "patch_size": patch},
    )  # fmt: skip
    write_model(arguments.out, config, 33, resample=3 if vocabulary == 32000 else 2)
    pictures = sorted((FIXTURES / "pictures").glob("*.png"))
    copy_pictures(pictures, arguments.out / "pictures")
    write_golden(arguments.out, pictures)


main()
