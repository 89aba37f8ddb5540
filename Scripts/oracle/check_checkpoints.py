#!/usr/bin/env python3
"""Checkpoints with extra, missing, renamed or wrapped tensors, and adapters: each is equal to transformers, open_clip or
peft, or refused with the name of the tensor (or field, or module) that is in the way.

  Scripts/.venv/bin/python Scripts/oracle/check_checkpoints.py [--clip .build/release/clip] [ROW…]

Prints a line per checkpoint: what it is, what has to happen, what `clip` does. An embedding is equal when it differs from
the reference by less than 1e-5 of its largest value. ROW: only those whose name contains it; `--list` names them. Rows of exports
hold transformers, reading what `clip export` wrote, to the same references.
"""

import argparse
import copy
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fixtures"))
import torchvision_cpu  # noqa: E402, F401
import open_clip
import peft
from family_models import seed_open_clip
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from safetensors.torch import load_file, save_file
from seeded_clip import clip_merges, seed_weights, write_json, write_preprocessor, write_tokenizer
from transformers import (
    CLIPConfig, CLIPModel, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer, CLIPVisionModel,
    CLIPVisionModelWithProjection)  # fmt: skip
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "Tests" / "CLIPTests" / "Fixtures" / "pictures" / "waves.png"
TEXTS = ["a photo of a dog", "two red cars, parked; a long caption with many more words than twenty, so that later positions count as well"]
MERGES = clip_merges()[:300]
LAYER = "text_model.encoder.layers.0"
CLIP = ""
rows = {}


# --- what the references give


def text_values(model, folder):
    tokenizer = CLIPTokenizer.from_pretrained(str(folder))
    values = []
    for text in TEXTS:
        ids = torch.tensor([tokenizer(text, truncation=True, max_length=77).input_ids])
        if hasattr(model, "get_text_features"):
            values.append(model.get_text_features(input_ids=ids).pooler_output[0])
        else:
            values.append(model(input_ids=ids).text_embeds[0])
    return [value.float().numpy() for value in values]


def picture_values(model, folder):
    processor = CLIPImageProcessorPil.from_pretrained(str(folder))
    pixels = torch.from_numpy(np.asarray(processor(Image.open(PICTURE).convert("RGB"), return_tensors="np")["pixel_values"], np.float32))
    if hasattr(model, "get_image_features"):
        return [model.get_image_features(pixel_values=pixels).pooler_output[0].float().numpy()]
    return [model(pixel_values=pixels).image_embeds[0].float().numpy()]


def transformers_values(folder, kind=CLIPModel):
    """What transformers makes of a folder, as far as its class has towers."""
    with torch.inference_mode():
        model = kind.from_pretrained(str(folder), dtype=torch.float32).eval()
        texts = text_values(model, folder) if "Vision" not in kind.__name__ else None
        pictures = picture_values(model, folder) if "Text" not in kind.__name__ else None
    return {"texts": texts, "pictures": pictures}


def open_clip_values(model):
    tokenizer = open_clip.SimpleTokenizer(context_length=model.context_length)
    transform = image_transform_v2(PreprocessCfg(size=32), is_train=False)
    with torch.inference_mode():
        texts = [model.encode_text(tokenizer([text]))[0].float().numpy() for text in TEXTS]
        return {"texts": texts, "pictures": [model.encode_image(transform(Image.open(PICTURE))[None])[0].float().numpy()]}


# --- rows: a function that fills a folder and returns the right values, or the name that a refusal must hold


def row(name):
    def add(make):
        rows[name] = make
        return make

    return add


def config(**changes):
    shape = {"num_hidden_layers": 2, "num_attention_heads": 2, "hidden_act": "quick_gelu"}
    text = {**shape, "hidden_size": 32, "intermediate_size": 64, "vocab_size": 814, "eos_token_id": 813, "bos_token_id": 812}
    vision = {**shape, "hidden_size": 48, "intermediate_size": 96, "image_size": 32, "patch_size": 8}
    return CLIPConfig(text_config={**text, **changes.get("text", {})}, vision_config={**vision, **changes.get("vision", {})}, projection_dim=24)


def base(folder, kind=CLIPModel, seed=7, **changes):
    """A seeded model of transformers in `folder`; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = config(**changes)
    part = whole if kind is CLIPModel else whole.text_config if "Text" in kind.__name__ else whole.vision_config
    if kind is not CLIPModel:
        part.projection_dim = 24
    model = kind(part).eval()
    seed_weights(model, seed)
    model.save_pretrained(str(folder))
    write_tokenizer(folder, MERGES, 77)
    write_preprocessor(folder, 32)
    return model


def edit(folder, change):
    """Changes the tensors of a folder's model.safetensors."""
    state = load_file(folder / "model.safetensors")
    state = change(state) or state
    save_file({name: value.contiguous().clone() for name, value in state.items()}, folder / "model.safetensors", metadata={"format": "pt"})


def edit_config(folder, **fields):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def equal_after(name, change, after=None):
    """A checkpoint that is changed in a way that leaves what it means."""

    @row(name)
    def _(folder):
        base(folder)
        values = transformers_values(folder)
        edit(folder, change)
        if after:
            after(folder)
        return values


def refused_after(name, change, tensor):
    @row(name)
    def _(folder):
        base(folder)
        edit(folder, change)
        return tensor


def with_tensor(name, *shape, dtype=torch.float32):
    return lambda state: state.update({name: torch.ones(shape, dtype=dtype) * 0.1})


def prefixed(prefix):
    return lambda state: {prefix + name: value for name, value in state.items()}


equal_after("HF as saved", lambda state: None)
equal_after("HF + position_ids", lambda state: state.update({f"{tower}.embeddings.position_ids": torch.arange(5)[None] for tower in ("text_model", "vision_model")}))
equal_after("HF under torch.compile (_orig_mod.)", prefixed("_orig_mod."))
equal_after("HF, one tower under torch.compile", lambda state: {name.replace("text_model.", "text_model._orig_mod."): value for name, value in state.items()})
equal_after("HF under DataParallel (module.)", prefixed("module."))
equal_after("HF under Lightning (model.)", prefixed("model."))
equal_after("HF under a wrapper (module._orig_mod.clip.)", prefixed("module._orig_mod.clip."))
equal_after("HF in bf16-exact f32 with logit_scale as a list", lambda state: state.update(logit_scale=state["logit_scale"].reshape(1)))


@row("HF, __metadata__ null")
def _(folder):
    base(folder)
    path = folder / "model.safetensors"
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.dumps({**json.loads(data[8 : 8 + length]), "__metadata__": None}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + data[8 + length :])
    return transformers_values(folder)


@row("HF, NaN and Infinity in config.json")
def _(folder):
    base(folder)
    edit_config(folder, initializer_factor=math.nan, some_limit=math.inf, other=-math.inf)
    return transformers_values(folder)


@row("HF as pytorch_model.bin with an optimizer beside")
def _(folder):
    base(folder)
    values = transformers_values(folder)
    state = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    moments = {0: {"step": torch.ones(()), "exp_avg": torch.ones(3), "exp_avg_sq": torch.ones(3)}}
    torch.save({"state_dict": state, "optimizer": {"state": moments}, "epoch": 3}, folder / "pytorch_model.bin")
    return values


@row("HF in shards")
def _(folder):
    model = base(folder)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(str(folder), max_shard_size="100KB")
    return transformers_values(folder)


@row("sentence-transformers' folder")
def _(folder):
    base(folder / "0_CLIPModel")
    write_json(folder / "modules.json", [{"idx": 0, "name": "0", "path": "0_CLIPModel", "type": "sentence_transformers.models.CLIPModel"}])
    return transformers_values(folder / "0_CLIPModel")


@row("sentence-transformers' folder with a Dense behind")
def _(folder):
    base(folder / "0_CLIPModel")
    write_json(
        folder / "modules.json",
        [{"idx": 0, "path": "0_CLIPModel", "type": "sentence_transformers.models.CLIPModel"}, {"idx": 1, "path": "1_Dense", "type": "sentence_transformers.models.Dense"}])
    return "Dense"


@row("HF, processor_config.json of transformers 5 beside an old preprocessor_config.json")
def _(folder):
    base(folder)
    old = json.loads((folder / "preprocessor_config.json").read_text())
    write_json(folder / "processor_config.json", {"processor_class": "CLIPProcessor", "image_processor": {**old, "resample": 0, "image_mean": [0.1, 0.2, 0.3]}})
    return transformers_values(folder)


@row("HF, processor_config.json that nests no image processor")
def _(folder):
    base(folder)
    write_json(folder / "processor_config.json", {"processor_class": "CLIPProcessor"})
    return transformers_values(folder)


@row("HF text encoder alone")
def _(folder):
    base(folder, CLIPTextModelWithProjection)
    return transformers_values(folder, CLIPTextModelWithProjection)


@row("HF text encoder alone, preprocessing of another size beside")
def _(folder):
    base(folder, CLIPTextModelWithProjection)
    write_preprocessor(folder, 336)
    return transformers_values(folder, CLIPTextModelWithProjection)


@row("HF image encoder alone")
def _(folder):
    base(folder, CLIPVisionModelWithProjection)
    return transformers_values(folder, CLIPVisionModelWithProjection)


@row("HF config of the text encoder beside whole weights")
def _(folder):
    base(folder)
    whole = json.loads((folder / "config.json").read_text())
    write_json(folder / "config.json", {**whole["text_config"], "projection_dim": 24, "architectures": ["CLIPTextModelWithProjection"]})
    return transformers_values(folder, CLIPTextModelWithProjection)


@row("HF, config.json and open_clip_config.json")
def _(folder):
    base(folder)
    write_json(folder / "open_clip_config.json", {"model_cfg": open_clip_config(), "preprocess_cfg": {"mean": [0.5] * 3}})
    return transformers_values(folder)


def layer(tower, number):
    """Tensors of one more layer."""

    def change(state):
        own = f"{tower}.encoder.layers.0."
        more = {name.replace(".0.", f".{number}.", 1): value for name, value in state.items() if name.startswith(own)}
        state.update(more)

    return change


def without(*names):
    return lambda state: {name: value for name, value in state.items() if name not in names}


def renamed(old, new):
    return lambda state: {name.replace(old, new): value for name, value in state.items()}


refused_after("HF + lora_A, lora_B that were not merged", lambda state: state.update({f"{LAYER}.self_attn.q_proj.lora_{half}.weight": torch.ones(shape) for half, shape in (("A", (4, 32)), ("B", (32, 4)))}), f"{LAYER}.self_attn.q_proj.lora_A.weight")
refused_after("HF + a third text layer", layer("text_model", 2), "text_model.encoder.layers.2.")
refused_after("HF + a third image layer", layer("vision_model", 2), "vision_model.encoder.layers.2.")
refused_after("HF + layer 7 after a gap", layer("vision_model", 7), "vision_model.encoder.layers.7.")
refused_after("HF + LayerScale", with_tensor("vision_model.encoder.layers.0.layer_scale1.lambda1", 48), "layer_scale1.lambda1")
refused_after("HF + registers", with_tensor("vision_model.embeddings.register_tokens", 1, 4, 48), "vision_model.embeddings.register_tokens")
refused_after("HF + a gate", with_tensor(f"{LAYER}.gate", 1), f"{LAYER}.gate")
refused_after("HF + a gate outside the towers", with_tensor("adapter_gate", 1), "adapter_gate")
refused_after("HF + query and key norms", with_tensor(f"{LAYER}.self_attn.q_norm.weight", 16), f"{LAYER}.self_attn.q_norm.weight")
refused_after("HF + a bias of the projection", with_tensor("visual_projection.bias", 24), "visual_projection.bias")
refused_after("HF + a second position table", with_tensor("text_model.embeddings.position_embedding_res.weight", 77, 32), "position_embedding_res")
refused_after("HF + a learnt prompt", with_tensor("prompt_learner.ctx", 4, 32), "prompt_learner.ctx")
refused_after("HF + a classifier", with_tensor("classifier.weight", 10, 48), "classifier.weight")
refused_after("HF + half-precision leftovers", with_tensor("vision_model.head.probe", 1, 1, 48, dtype=torch.float16), "vision_model.head.probe")
refused_after("HF without a bias", without(f"{LAYER}.mlp.fc1.bias"), f"{LAYER}.mlp.fc1.bias")
refused_after("HF without a layer", lambda state: {name: value for name, value in state.items() if "vision_model.encoder.layers.1." not in name}, "vision_model.encoder.layers.1.")
refused_after("HF, a norm renamed", renamed("final_layer_norm", "ln_final"), "text_model.ln_final.")
refused_after("HF, fc1 renamed", renamed("layers.0.mlp.fc1", "layers.0.mlp.w1"), "mlp.w1")
refused_after("HF without the picture's projection", without("visual_projection.weight"), "visual_projection.weight")


@row("HF CLIPVisionModel, no joint space")
def _(folder):
    base(folder, CLIPVisionModel)
    return "visual_projection.weight"


@row("HF CLIPTextModel, no joint space")
def _(folder):
    base(folder, CLIPTextModel)
    return "text_projection.weight"


@row("HF, auto_map with an architecture of its own")
def _(folder):
    base(folder)
    edit_config(folder, auto_map={"AutoConfig": "configuration_evaclip.CLIPConfig", "AutoModel": "modeling_evaclip.CLIPModel"})
    return "modeling_evaclip.CLIPModel"


# --- adapters, made by peft


def adapter(name, expected=None, edit_folder=None, kind=peft.LoraConfig, dtype=torch.float32, **options):
    """An adapter beside the weights that it was made for; `expected` is what a refusal names, None for equal."""

    @row(f"peft {name}")
    def _(folder):
        model = base(folder)
        torch.manual_seed(3)
        adapted = peft.get_peft_model(copy.deepcopy(model), kind(**options)).eval()
        generator = torch.Generator().manual_seed(5)
        with torch.no_grad():
            for key, value in adapted.named_parameters():
                if value.requires_grad and value.numel() and value.is_floating_point():
                    value.add_(torch.randn(value.shape, generator=generator) * 0.05)
        adapted.to(dtype) if dtype != torch.float32 else None
        adapted.save_pretrained(str(folder))
        (folder / "README.md").unlink(missing_ok=True)
        if edit_folder:
            edit_folder(folder)
        if expected:
            return expected
        loaded = peft.PeftModel.from_pretrained(CLIPModel.from_pretrained(str(base_copy(folder))), str(folder)).eval()
        with torch.inference_mode():
            whole = loaded.get_base_model()
            return {"texts": text_values(whole, folder), "pictures": picture_values(whole, folder)}


def base_copy(folder):
    """The folder without its adapter, which transformers would load by itself."""
    other = folder.parent / (folder.name + " base")
    other.mkdir()
    for file in folder.iterdir():
        if not file.name.startswith("adapter"):
            (other / file.name).write_bytes(file.read_bytes())
    return other


ATTENTION = ["q_proj", "v_proj"]
adapter("LoRA on q_proj, v_proj", r=4, lora_alpha=8, target_modules=ATTENTION)
adapter("LoRA on k_proj, out_proj, fc1, fc2, alpha 3", r=2, lora_alpha=3, target_modules=["k_proj", "out_proj", "fc1", "fc2"])
adapter("LoRA, rslora", r=4, lora_alpha=8, use_rslora=True, target_modules=ATTENTION)
adapter("LoRA, fan_in_fan_out", r=4, lora_alpha=8, fan_in_fan_out=True, target_modules=["fc1"])
adapter("LoRA, rank_pattern and alpha_pattern", r=4, lora_alpha=8, rank_pattern={"layers.1.self_attn.q_proj": 2}, alpha_pattern={"v_proj": 5}, target_modules=ATTENTION)
adapter("LoRA, all-linear", r=2, lora_alpha=4, target_modules="all-linear")
adapter("LoRA, target by expression", r=2, lora_alpha=4, target_modules=r"text_model\..*\.(q|k)_proj")
adapter("LoRA on the projections", r=2, lora_alpha=4, target_modules=["visual_projection", "text_projection"])
adapter("LoRA, layers_to_transform", r=2, lora_alpha=4, target_modules=ATTENTION, layers_to_transform=[1], layers_pattern="layers")
adapter("LoRA, biases too", r=4, lora_alpha=8, bias="all", target_modules=ATTENTION)
adapter("LoRA, modules_to_save", r=4, lora_alpha=8, target_modules=ATTENTION, modules_to_save=["visual_projection"])
adapter("LoRA, dropout, gaussian start", r=4, lora_alpha=8, lora_dropout=0.3, init_lora_weights="gaussian", target_modules=ATTENTION)
adapter("LoRA in bf16", dtype=torch.bfloat16, r=4, lora_alpha=8, target_modules=ATTENTION)
adapter("DoRA", "use_dora", r=4, use_dora=True, target_modules=ATTENTION)
adapter("LoRA with biases of its own", "lora_bias", r=4, lora_bias=True, target_modules=ATTENTION)
adapter("LoRA, PiSSA start", "init_lora_weights", r=4, init_lora_weights="pissa", target_modules=ATTENTION)
adapter("LoRA on the token embedding", "lora_embedding_A", r=4, target_modules=["token_embedding"])
adapter("LoRA on the patches", "patch_embedding", r=4, target_modules=["patch_embedding"])
adapter("LoRA, rank by expression", "rank_pattern", r=4, rank_pattern={"^text_model.*q_proj": 2}, target_modules=ATTENTION)
adapter("LoHa", "LOHA", kind=peft.LoHaConfig, r=4, target_modules=ATTENTION)
adapter("LoKr", "LOKR", kind=peft.LoKrConfig, r=4, target_modules=ATTENTION)
adapter("IA3", "IA3", kind=peft.IA3Config, target_modules=["k_proj", "v_proj", "fc2"], feedforward_modules=["fc2"])
adapter("OFT", "OFT", kind=peft.OFTConfig, r=0, oft_block_size=4, target_modules=ATTENTION)
adapter("VeRA", "VERA", kind=peft.VeraConfig, r=4, target_modules=["fc1"])
adapter("LoRA without its configuration", "adapter_model.safetensors", lambda folder: (folder / "adapter_config.json").unlink(), r=4, target_modules=ATTENTION)
adapter("LoRA without its weights", "adapter_config.json", lambda folder: (folder / "adapter_model.safetensors").unlink(), r=4, target_modules=ATTENTION)


def edit_adapter(change):
    def edit_folder(folder):
        state = load_file(folder / "adapter_model.safetensors")
        save_file(change(state), folder / "adapter_model.safetensors", metadata={"format": "pt"})

    return edit_folder


adapter("LoRA of a larger model", "layers.5.self_attn.q_proj", edit_adapter(lambda state: {name.replace("layers.1.", "layers.5."): value for name, value in state.items()}), r=4, target_modules=ATTENTION)
adapter("LoRA without a lora_B", "lora_A", edit_adapter(lambda state: {name: value for name, value in state.items() if "layers.1.self_attn.v_proj.lora_B" not in name}), r=4, target_modules=ATTENTION)
adapter("LoRA on modules that it doesn't name", "target_modules", edit_adapter(lambda state: {name.replace("v_proj", "k_proj"): value for name, value in state.items()}), r=4, target_modules=ATTENTION)


@row("peft LoRA as adapter_model.bin")
def _(folder):
    values = rows["peft LoRA on q_proj, v_proj"](folder)
    torch.save(load_file(folder / "adapter_model.safetensors"), folder / "adapter_model.bin")
    (folder / "adapter_model.safetensors").unlink()
    return values


@row("peft LoRA without a base model")
def _(folder):
    rows["peft LoRA on q_proj, v_proj"](folder)
    for file in folder.iterdir():
        if not file.name.startswith("adapter"):
            file.unlink()
    return "adapter"


# --- open_clip


def open_clip_config(**changes):
    vision = {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8}
    text = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
    return {"embed_dim": 24, "vision_cfg": {**vision, **changes.get("vision", {})}, "text_cfg": {**text, **changes.get("text", {})}, **changes.get("top", {})}


def open_clip_model(seed=11, custom=False, **changes):
    model = (open_clip.CustomTextCLIP if custom else open_clip.CLIP)(**open_clip_config(**changes)).eval()
    seed_open_clip(model, seed)
    return model


def open_clip_row(name, change=None, expected=None, custom=False, configured=None, **changes):
    """An open_clip folder whose tensors are changed; `configured` changes what its configuration says."""

    @row(f"open_clip {name}")
    def _(folder):
        folder.mkdir(parents=True)
        model = open_clip_model(custom=custom, **changes)
        state = dict(model.state_dict())
        state = (change(state) if change else None) or state
        cfg = open_clip_config(**changes)
        if configured:
            configured(cfg)
        if custom:
            cfg["custom_text"] = True
        write_json(folder / "open_clip_config.json", {"model_cfg": cfg, "preprocess_cfg": {}})
        save_file({key: value.contiguous().clone() for key, value in state.items()}, folder / "open_clip_model.safetensors", metadata={"format": "pt"})
        return expected or open_clip_values(model)


SCALES = {"vision": {"ls_init_value": 0.1}, "text": {"ls_init_value": 0.1}}
open_clip_row("as saved")
open_clip_row("CustomTextCLIP", custom=True)
open_clip_row("+ attn_mask", lambda state: state.update(attn_mask=torch.zeros(77, 77)))
open_clip_row("under torch.compile", prefixed("_orig_mod."))
open_clip_row("with LayerScale", **SCALES)
open_clip_row("LayerScale that the configuration doesn't set", None, "ls_1.gamma", configured=lambda cfg: cfg["vision_cfg"].pop("ls_init_value"), **SCALES)
open_clip_row("LayerScale that the weights don't have", None, "ls_1.gamma", configured=lambda cfg: cfg["text_cfg"].update(ls_init_value=0.1))
open_clip_row("an unknown field of model_cfg", None, "residual_gate", configured=lambda cfg: cfg.update(residual_gate=True))
open_clip_row("an unknown field of vision_cfg", None, "num_registers", configured=lambda cfg: cfg["vision_cfg"].update(num_registers=4))
open_clip_row("an unknown field of text_cfg", None, "rope", configured=lambda cfg: cfg["text_cfg"].update(rope=True))
open_clip_row("an unknown kind of block", None, "block_type", configured=lambda cfg: cfg["text_cfg"].update(block_type="custom"))
open_clip_row("fewer image layers in the configuration", None, "visual.transformer.resblocks.1.", configured=lambda cfg: cfg["vision_cfg"].update(layers=1))
open_clip_row("fewer text layers in the configuration", None, "transformer.resblocks.1.", configured=lambda cfg: cfg["text_cfg"].update(layers=1))
open_clip_row("+ registers", with_tensor("visual.register_tokens", 4, 64), "visual.register_tokens")
open_clip_row("+ lora", with_tensor("visual.transformer.resblocks.0.mlp.c_fc.lora_A", 4, 64), "lora_A")
open_clip_row("without ln_post", without("visual.ln_post.bias"), "visual.ln_post.bias")


@row("open_clip, peft's adapter beside it")
def _(folder):
    rows["open_clip as saved"](folder)
    write_json(folder / "adapter_config.json", {"peft_type": "LORA", "r": 4})
    return "adapter_config.json"


# --- OpenAI's .pt


def openai_row(name, change=None, expected=None, reference=None):
    @row(f"OpenAI .pt {name}")
    def _(folder):
        folder.mkdir(parents=True)
        changes = {"top": {"quick_gelu": True}, "vision": {"head_width": 64}, "text": {"width": 64, "heads": 1}}
        model = open_clip_model(13, **changes)
        state = dict(model.state_dict())
        state = (change(state) if change else None) or state
        if reference:
            reference(model, state)
        torch.save({key: value.clone() for key, value in state.items()}, folder / "model.pt")
        return expected or open_clip_values(model)


def long_clip(state):
    generator = torch.Generator().manual_seed(17)
    state["positional_embedding_res"] = torch.randn(77, 64, generator=generator) * 0.3


def long_clip_reference(model, state):
    with torch.no_grad():
        model.positional_embedding[20:] = state["positional_embedding_res"][20:]


openai_row("as saved")
openai_row("+ its constants", lambda state: state.update({name: torch.tensor(value) for name, value in (("input_resolution", 32), ("context_length", 77), ("vocab_size", 49408))}))
openai_row("with Long-CLIP's two position tables", long_clip, None, long_clip_reference)
openai_row("with Long-CLIP's second table of another size", lambda state: state.update(positional_embedding_res=torch.ones(30, 64)), "positional_embedding_res")
openai_row("+ LayerScale", with_tensor("visual.transformer.resblocks.0.ls_1.gamma", 64), "ls_1.gamma")
openai_row("+ a bias of the patches", with_tensor("visual.conv1.bias", 64), "visual.conv1.bias")
openai_row("+ a text layer after a gap", with_tensor("transformer.resblocks.5.ln_1.weight", 64), "transformer.resblocks.5.ln_1.weight")
openai_row("without ln_final", without("ln_final.weight"), "ln_final.weight")


# --- exports: what transformers makes of the folder that `clip` writes


def export_row(name, source, kind=CLIPModel, expected=None, parts=None, pack=None):
    """`source` names the row whose model is exported, by way of a packed file where `parts` or `pack` say so."""

    @row(f"export of {name}")
    def _(folder):
        values = rows[source](folder)
        single = folder / "model.pt"
        model = single if single.exists() else folder
        if parts or pack:
            run("pack", model, "-o", folder.parent / "packed.clip", "--dtype", pack or "f32", *([parts] if parts else []))
            model = folder.parent / "packed.clip"
        exported = folder.parent / (folder.name + "-exported")
        done = run("export", model, "-o", exported, check=False)
        if expected:
            refused = done.returncode == 1 and expected in done.stderr and not exported.exists()
            return (f"refused, naming {expected}" if refused else f"exit {done.returncode}: {done.stderr[:200]}", refused)
        if done.returncode:
            return (f"exit {done.returncode}: {done.stderr[:200]}", False)
        found = transformers_values(exported, kind)
        worst = max(
            float(np.abs(ours - theirs).max() / np.abs(theirs).max())
            for part in ("texts", "pictures") if found[part] is not None
            for ours, theirs in zip(found[part], values[part]))
        return (f"equal in transformers, {worst:.1e}", worst < (1e-2 if pack else 1e-5))


def run(*arguments, check=True):
    return subprocess.run([CLIP, *map(str, arguments)], capture_output=True, text=True, check=check)


export_row("HF as saved", "HF as saved")
export_row("HF by way of f32", "HF as saved", pack="f32")
export_row("HF by way of f16", "HF as saved", pack="f16")
export_row("HF's text encoder", "HF as saved", CLIPTextModelWithProjection, parts="--texts-only")
export_row("HF's image encoder", "HF as saved", CLIPVisionModelWithProjection, parts="--images-only")
export_row("HF with processor_config.json", "HF, processor_config.json of transformers 5 beside an old preprocessor_config.json")
export_row("HF with a LoRA adapter", "peft LoRA, rslora")
export_row("open_clip, which crops otherwise", "open_clip as saved", expected="halves to even")
export_row("OpenAI's .pt, which crops otherwise", "OpenAI .pt as saved", expected="halves to even")
export_row("open_clip's text encoder", "open_clip with LayerScale", CLIPTextModelWithProjection, parts="--texts-only")
export_row("Long-CLIP's text encoder", "OpenAI .pt with Long-CLIP's two position tables", CLIPTextModelWithProjection, parts="--texts-only")


# --- running them


def embed(clip, model, kind, inputs):
    command = [clip, f"embed-{kind}", "--no-normalize", "--format", "jsonl", "--model", str(model), "--", *map(str, inputs)]
    done = subprocess.run(command, capture_output=True, text=True)
    values = [np.array(json.loads(line)["embedding"], np.float32) for line in done.stdout.splitlines()]
    return done.returncode, values, done.stderr.strip()


def judge(clip, model, expected):
    """What happened, and whether it is right."""
    if isinstance(expected, tuple):
        return expected
    if isinstance(expected, str):
        for kind, inputs in (("text", TEXTS), ("image", [PICTURE])):
            code, values, errors = embed(clip, model, kind, inputs)
            if code != 1 or values or expected not in errors.replace(str(model), ""):
                return f"exit {code}, {len(values)} embeddings: {errors[:200]}", False
        return f"refused, naming {expected}", True
    worst = 0.0
    for kind, inputs, right in (("text", TEXTS, expected["texts"]), ("image", [PICTURE], expected["pictures"])):
        if right is None:
            continue
        code, values, errors = embed(clip, model, kind, inputs)
        if code or len(values) != len(right):
            return f"exit {code}: {errors[:200]}", False
        for ours, theirs in zip(values, right):
            worst = max(worst, float(np.abs(ours - theirs).max() / np.abs(theirs).max()))
    return f"equal, {worst:.1e}", worst < 1e-5


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", default=str(ROOT / ".build" / "release" / "clip"))
    parser.add_argument("--list", action="store_true")
    parser.add_argument("rows", nargs="*", metavar="ROW")
    arguments = parser.parse_args()
    names = [name for name in rows if not arguments.rows or any(part in name for part in arguments.rows)]
    if arguments.list:
        print(*names, sep="\n")
        return
    global CLIP
    CLIP = arguments.clip
    torch.set_num_threads(2)
    failed, width = [], max(map(len, names), default=0)
    for index, name in enumerate(names):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / f"m{index}"
            expected = rows[name](folder)
            single = folder / "model.pt"
            answer, is_right = judge(arguments.clip, single if single.exists() else folder, expected)
        print(f"{'ok   ' if is_right else 'FAILS'} {name:{width}}  {answer}", flush=True)
        failed += [] if is_right else [name]
    print(f"failed: {', '.join(failed)}" if failed else f"all {len(names)} checkpoints are equal or refused by name")
    sys.exit(bool(failed))


main()
