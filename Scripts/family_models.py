"""Seeded models in the files of every family that `clip` loads, each with golden values by open_clip or transformers.

Random weights mean nothing, but every detail of the architecture shows in the embedding. Used by check_families.py.
"""

import json
import random
from pathlib import Path

import numpy as np
import torch
import torchvision_cpu  # noqa: F401
import open_clip
from open_clip.model import resize_pos_embed
from open_clip.tokenizer import HFTokenizer
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from safetensors.torch import save_file
from seeded_clip import TEXTS, byte_alphabet, clip_merges, float_list, seed_weights, write_golden, write_json, write_model
from siglip_tokenizers import corpus, write_gemma, write_unigram
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer, PreTrainedTokenizerFast
from wordpiece_tokenizers import write_word_pieces

WORDS = (
    "a photo of the dog cat's CAFÉ naïve don't we'll 42 3.14159 ½ Straße ﬁne ①② über-cool, e-mail: me@example.com "
    "&amp; &lt;b&gt; &quot;q&quot; “curly” ‘single’ 東京の夜景 москва नमस्ते 🔥 👩‍👩‍👧 ❄️ ... !!! #tag _under_ x² İstanbul ǅ ß "
    "supercalifragilistic zzzz <end_of_text> <start_of_text> <|endoftext|> \u00a0 \u3000 l'été I'M they'RE 1,000,000 "
    "C++ / \\ | ~ ` ^ été \u0065\u0301 ﷺ Ⅷ ꙮ"
).split(" ")


def many_texts(count=1000, seed=5):
    """Seeded mixtures of words, scripts, contractions and entities."""
    generator = random.Random(seed)
    return [" ".join(generator.choices(WORDS, k=generator.randint(1, 12))) for _ in range(count)]


def model_config(name, layers=None, **changes):
    """open_clip's configuration `name`, with at most `layers` layers in each tower."""
    config = json.loads(json.dumps(open_clip.get_model_config(name)))
    config.pop("custom_text", None)
    for tower in ("vision_cfg", "text_cfg"):
        if layers:
            config[tower]["layers"] = min(layers, config[tower].get("layers", 12))
        config[tower].update(changes.get(tower, {}))
    config.update({key: value for key, value in changes.items() if not key.endswith("_cfg")})
    return config


def make_model(config, seed, custom_text=False):
    """A seeded open_clip model."""
    config = dict(config)
    config.pop("hf_tokenizer_name", None)
    kind = open_clip.CustomTextCLIP if custom_text else open_clip.CLIP
    model = kind(**config).eval()
    seed_open_clip(model, seed)
    return model


def seed_open_clip(model, seed):
    """Every product keeps its scale; biases, gains and layer scales differ from their defaults."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name in ("logit_scale", "logit_bias"):
                continue
            parts = name.split(".")
            is_norm = any(part.startswith(("ln_", "norm")) for part in parts)
            noise = torch.randn(parameter.shape, generator=generator)
            if is_norm and parts[-1] == "weight":
                parameter.copy_(1 + 0.1 * noise)
            elif parts[-1] == "gamma":
                parameter.copy_(0.5 + 0.1 * noise)
            elif "embedding" in name or parts[-1] in ("pos_embed", "latent"):
                parameter.copy_(0.3 * noise)
            elif parameter.ndim < 2:
                parameter.copy_(0.1 * noise)
            else:
                is_turned = parts[-1] in ("proj", "text_projection")
                fan_in = parameter.shape[0] if is_turned else parameter[0].numel()
                parameter.copy_(noise * 0.7 / fan_in**0.5)


def write_open_clip(folder, config, model, preprocess=None, dtype=torch.float32, form="safetensors"):
    """Writes an open_clip folder, its weights in one of the forms that are met."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "open_clip_config.json", {"model_cfg": config, "preprocess_cfg": preprocess or {}})
    state = {name: value.to(dtype).contiguous() for name, value in model.state_dict().items()}
    if form == "safetensors":
        save_file(state, folder / "open_clip_model.safetensors", metadata={"format": "pt"})
    elif form == "bin":
        torch.save(state, folder / "open_clip_pytorch_model.bin")
    elif form == "training checkpoint":
        wrapped = {f"module.{name}": value for name, value in state.items()}
        torch.save(
            {"epoch": 3, "name": "run", "state_dict": wrapped, "optimizer": {"state": {0: {"step": torch.ones(())}}}},
            folder / "open_clip_pytorch_model.bin",
        )


def rounded(model, dtype):
    """The model as its stored weights make it, computing in float32."""
    return model.to(dtype).to(torch.float32)


def golden(folder, model, pictures, preprocess=None, side=None, tokenizer=None, spelled=None):
    """What open_clip makes of pictures and texts, embeddings not normalised.

    Texts with `spelled` in them are left out: OpenAI's tokenizer spells the special tokens otherwise.
    """
    texts, more = ([text for text in list if not spelled or spelled not in text] for list in (TEXTS, many_texts(1500)))
    side = side or model.visual.image_size
    side = side[0] if isinstance(side, tuple) else side
    transform = image_transform_v2(PreprocessCfg(**{"size": side, **(preprocess or {})}), is_train=False)
    values = {"model": folder.name, "logit_scale": float(model.logit_scale.detach().exp()), "pictures": [], "texts": [], "tokens": []}
    with torch.inference_mode():
        for picture in pictures:
            pixels = transform(Image.open(picture))
            values["pictures"].append(
                {
                    "picture": picture.name,
                    "pixels_first_row": float_list(pixels[0, 0, :16]),
                    "pixels_mean": float_list(pixels.numpy().mean((1, 2))),
                    "embedding": float_list(model.encode_image(pixels[None])),
                }
            )
        if tokenizer:
            unpad = getattr(tokenizer, "unpadded", lambda _, ids: unpadded(ids))
            for text in texts:
                ids = tokenizer(text)
                embedding = model.encode_text(ids)
                values["texts"].append(
                    {"text": text, "tokens": unpad(text, ids[0].tolist()), "embedding": float_list(embedding)}
                )
            for text in more:
                values["tokens"].append({"text": text, "tokens": unpad(text, tokenizer(text)[0].tolist())})
            if model.logit_bias is not None:
                values["logit_bias"] = float(model.logit_bias)
    write_json(folder / "golden.json", values)


def unpadded(ids):
    """Without the zeros behind the last end token; one in the text itself may stand before it."""
    return ids[: len(ids) - ids[::-1].index(49407)]


class WrappedTokenizer(HFTokenizer):
    """open_clip's wrapper around a tokenizer of transformers."""

    def unpadded(self, text, ids):
        return ids[: len(self.tokenizer(self.clean_fn(text)).input_ids)]


def write_tokenizer(folder, kind, vocabulary):
    """A tokenizer of the form that a family uses: CLIPA's, SigLIP's in open_clip, SigLIP 2's."""
    lines = corpus(5, 3000)
    if kind == "WordPiece":
        write_word_pieces(folder, lines, min(vocabulary, 3000))
        (folder / "vocab.txt").unlink()
    elif kind == "Gemma":
        write_gemma(folder, lines, 700, fill=vocabulary if vocabulary > 100000 else None)
    else:
        source = folder / "source"
        write_unigram(source, lines, 400)
        described = unigram_json(source)
        PreTrainedTokenizerFast(
            tokenizer_object=described, eos_token="</s>", pad_token="</s>", unk_token="<unk>").save_pretrained(folder)
        for file in source.iterdir():
            file.unlink()
        source.rmdir()


def unigram_json(source):
    """The unigram model of `source` with the steps of T5's tokenizer."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers.convert_slow_tokenizer import import_protobuf

    model = import_protobuf().ModelProto.FromString((source / "spiece.model").read_bytes())
    tokenizer = Tokenizer(models.Unigram([(piece.piece, piece.score) for piece in model.pieces], 2))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(model.normalizer_spec.precompiled_charsmap), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)])
    return tokenizer


def open_clip_row(folder, pictures, name, seed, layers=None, preprocess=None, dtype=torch.float32, form="safetensors",
                  custom_text=False, tokenizer=None, **changes):  # fmt: skip
    """An open_clip folder of the architecture `name`, its tokenizer CLIP's own or of a kind that `write_tokenizer` knows."""
    config = model_config(name, layers, **changes)
    if custom_text:
        config["custom_text"] = True
    model = make_model({k: v for k, v in config.items() if k != "custom_text"}, seed, custom_text)
    write_open_clip(folder, config, model, preprocess, dtype, form)
    text = config["text_cfg"]
    if tokenizer:
        write_tokenizer(folder, tokenizer, text["vocab_size"])
        tokenizer = WrappedTokenizer(str(folder), context_length=text["context_length"], **text["tokenizer_kwargs"])
    else:
        tokenizer = open_clip.SimpleTokenizer(context_length=model.context_length)
    golden(folder, rounded(model, dtype), pictures, preprocess, tokenizer=tokenizer)


def resampled_row(folder, pictures, name, seed, side, layers=None):
    """Weights of one resolution beside a configuration of another."""
    config = model_config(name, layers)
    model = make_model(config, seed)
    state = model.state_dict()
    config["vision_cfg"]["image_size"] = side
    write_open_clip(folder, config, model)
    larger = make_model(config, seed)
    resize_pos_embed(state, larger)
    larger.load_state_dict(state)
    golden(folder, larger, pictures, tokenizer=open_clip.SimpleTokenizer())


class OpenAIModule(torch.nn.Module):
    """The module tree of OpenAI's archives: CLIP with its three constants."""

    def __init__(self, model):
        super().__init__()
        for name in ("visual", "transformer", "token_embedding", "ln_final"):
            setattr(self, name, getattr(model, name))
        self.positional_embedding, self.text_projection = model.positional_embedding, model.text_projection
        self.logit_scale = model.logit_scale
        self.register_buffer("attn_mask", model.attn_mask, persistent=False)
        for name, value in (("input_resolution", 224), ("context_length", 77), ("vocab_size", 49408)):
            self.register_buffer(name, torch.tensor(value))

    def forward(self, pixels, text):
        states = self.token_embedding(text) + self.positional_embedding
        states = self.ln_final(self.transformer(states, attn_mask=self.attn_mask))
        return self.visual(pixels), states @ self.text_projection * self.logit_scale


def openai_row(folder, pictures, name, seed, form, layers=None, texts=True):
    """One of OpenAI's .pt files: half precision but for norms and embeddings."""
    folder.mkdir(parents=True, exist_ok=True)
    model = make_model(model_config(name, layers) if isinstance(name, str) else name, seed)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if "ln_" not in key and "embedding" not in key and key != "logit_scale":
                parameter.copy_(parameter.half().float())
    side = model.visual.image_size[0]
    module = OpenAIModule(model).eval()
    module.input_resolution.fill_(side)
    path = folder / "model.pt"
    if form == "TorchScript":
        module = torch.jit.trace(
            module, (torch.zeros(1, 3, side, side), torch.zeros(1, model.context_length, dtype=torch.long)),
            check_trace=False)  # fmt: skip
    golden(folder, model, pictures, tokenizer=open_clip.SimpleTokenizer() if texts else None, spelled="<")
    for key, parameter in module.named_parameters():
        if "ln_" not in key and "embedding" not in key and key != "logit_scale":
            parameter.data = parameter.data.half()
    if form == "TorchScript":
        module.save(str(path))
    else:
        torch.save(module.state_dict(), path)


def hugging_face_config(vision, text, activation="quick_gelu", side=224, patch=32, projection=512):
    tower = lambda width, layers, heads: {  # noqa: E731
        "hidden_size": width, "intermediate_size": 4 * width, "num_hidden_layers": layers, "num_attention_heads": heads,
        "hidden_act": activation, "projection_dim": projection,
    }  # fmt: skip
    tokens = {"vocab_size": 49408, "bos_token_id": 49406, "eos_token_id": 49407, "pad_token_id": 1}
    return CLIPConfig(
        text_config={**tokens, **tower(*text), "max_position_embeddings": 77},
        vision_config={**tower(*vision), "image_size": side, "patch_size": patch},
        projection_dim=projection, logit_scale_init_value=4.6052,
    )  # fmt: skip


def hugging_face_row(folder, pictures, seed, form="safetensors", dtype=torch.float32, **shape):
    """A Hugging Face folder, its weights as safetensors or as PyTorch's files, whole or in shards."""
    config = hugging_face_config(**shape)
    write_model(folder, config, clip_merges(), seed, dtype)
    write_golden(folder, pictures)
    add_tokens(folder)
    if form == "safetensors":
        return
    state = CLIPModel.from_pretrained(str(folder)).to(dtype).state_dict()
    # As conversion scripts leave them: turned, not copied.
    for name in ("visual_projection.weight", "text_projection.weight"):
        state[name] = state[name].T.contiguous().T
    (folder / "model.safetensors").unlink()
    if form == "bin":
        torch.save(state, folder / "pytorch_model.bin")
        return
    names = list(state)
    parts = [names[: len(names) // 2], names[len(names) // 2 :]]
    weight_map = {}
    for index, part in enumerate(parts):
        file = f"pytorch_model-{index + 1:05}-of-00002.bin"
        torch.save({name: state[name].clone() for name in part}, folder / file)
        weight_map.update({name: file for name in part})
    write_json(folder / "pytorch_model.bin.index.json", {"metadata": {}, "weight_map": weight_map})


def add_tokens(folder):
    """Adds to golden.json what transformers' tokenizer makes of more texts."""
    tokenizer = CLIPTokenizer.from_pretrained(str(folder))
    values = json.loads((folder / "golden.json").read_text(encoding="utf-8"))
    values["tokens"] = [
        {"text": text, "tokens": tokenizer(text, truncation=True, max_length=77).input_ids} for text in many_texts()
    ]
    write_json(folder / "golden.json", values)


def gguf_row(folder, pictures, seed, kind, texts=True, **shape):
    """A file in the layout of clip.cpp's converter; golden values by the dequantised weights."""
    import gguf

    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "source"
    config = hugging_face_config(**shape)
    write_model(source, config, clip_merges(), seed, torch.float32)
    model = CLIPModel.from_pretrained(str(source))
    state = model.state_dict()
    quantised = {"q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8}
    writer = gguf.GGUFWriter(str(folder / "model.gguf"), "clip")
    writer.add_bool("clip.has_text_encoder", texts)
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_file_type({"f32": 0, "f16": 1, **quantised}[kind])
    writer.add_name(f"seeded {kind}")
    writer.add_description("two-tower CLIP")
    for tower, sub in (("text", config.text_config), ("vision", config.vision_config)):
        writer.add_uint32(f"clip.{tower}.embedding_length", sub.hidden_size)
        writer.add_uint32(f"clip.{tower}.feed_forward_length", sub.intermediate_size)
        writer.add_uint32(f"clip.{tower}.projection_dim", sub.projection_dim)
        writer.add_uint32(f"clip.{tower}.attention.head_count", sub.num_attention_heads)
        writer.add_float32(f"clip.{tower}.attention.layer_norm_epsilon", sub.layer_norm_eps)
        writer.add_uint32(f"clip.{tower}.block_count", sub.num_hidden_layers)
    writer.add_uint32("clip.text.context_length", config.text_config.max_position_embeddings)
    writer.add_uint32("clip.vision.image_size", config.vision_config.image_size)
    writer.add_uint32("clip.vision.patch_size", config.vision_config.patch_size)
    writer.add_array("clip.vision.image_mean", [0.48145466, 0.4578275, 0.40821073])
    writer.add_array("clip.vision.image_std", [0.26862954, 0.26130258, 0.27577711])
    writer.add_bool("clip.use_gelu", config.text_config.hidden_act == "gelu")
    alphabet = byte_alphabet()
    words = alphabet + [letter + "</w>" for letter in alphabet] + ["".join(m.split()) for m in clip_merges()]
    if texts:
        writer.add_token_list(words + ["<|startoftext|>", "<|endoftext|>"])
    for name, value in state.items():
        if name.endswith("position_ids") or name == "logit_scale" or not texts and name.startswith("text"):
            continue
        data = value.numpy().astype(np.float32)
        if "patch_embedding" in name:
            kept = gguf.GGMLQuantizationType.F16 if kind != "f32" else gguf.GGMLQuantizationType.F32
        elif data.ndim < 2 or kind == "f32":
            kept = gguf.GGMLQuantizationType.F32
        elif kind == "f16" or "position" in name:
            kept = gguf.GGMLQuantizationType.F16
        else:
            kept = gguf.GGMLQuantizationType(quantised[kind])
        if kept == gguf.GGMLQuantizationType.F32:
            writer.add_tensor(gguf_name(name), data)
            continue
        if kept == gguf.GGMLQuantizationType.F16:
            stored = data.astype(np.float16)
            writer.add_tensor(gguf_name(name), stored)
            state[name] = torch.from_numpy(stored.astype(np.float32))
            continue
        stored = gguf.quantize(data, kept)
        writer.add_tensor(gguf_name(name), stored, raw_dtype=kept)
        state[name] = torch.from_numpy(gguf.dequantize(stored, kept))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    model.load_state_dict(state)
    model.save_pretrained(str(source))
    write_golden(source, pictures, TEXTS if texts else [])
    if texts:
        add_tokens(source)
    (source / "golden.json").rename(folder / "golden.json")
    for file in source.iterdir():
        file.unlink()
    source.rmdir()


def gguf_name(name):
    """clip.cpp's name of a transformers key. Its ffn_down is the first linear layer of an MLP."""
    for ours, theirs in (
        ("text_model", "t"), ("vision_model", "v"), ("encoder.layers", "blk"), ("embeddings.", ""), ("_proj.", "."),
        ("self_attn.", "attn_"), ("layer_norm", "ln"), ("layernorm", "ln"), ("layrnorm", "ln"), ("mlp.fc1", "ffn_down"),
        ("mlp.fc2", "ffn_up"), ("embedding", "embd"), ("final_", "post_"),
    ):  # fmt: skip
        if name.startswith(("text_projection", "visual_projection")):
            return name
        name = name.replace(ours, theirs)
    return name
