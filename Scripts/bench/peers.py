"""The engines that `clip` is measured beside, each with its best settings: float32 and int8.

`make_engine` gives a function that encodes one batch; bench_peers.py and bench_folder.py call it in a process of its own.
What has to be converted (ONNX, int8) is kept in the model's folder.
"""

import json
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fixtures"))

F32 = ("torch", "torch-compiled", "open_clip", "onnxruntime", "openvino")
# ONNX Runtime: its dynamic quantisation, per channel. OpenVINO: NNCF's post-training quantisation of weights and
# activations with the settings for transformers.
INT8 = ("onnxruntime-int8", "openvino-int8")
# How many of a thousand texts the peers take at once: faster for all of them than all in one batch.
CHUNK = 40
CONTEXT = 77
START, END = 49406, 49407


def words(folder):
    """The ids of words of letters that are one token each."""
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    names = {word.removesuffix("</w>"): index for word, index in vocabulary.items() if word.endswith("</w>")}
    return {word: index for word, index in sorted(names.items()) if word.isascii() and word.isalpha()}


def prompts(folder, what):
    """A thousand texts and their ids: prompts of seven words that begin with different words, or labels under one
    template."""
    ids = words(folder)
    known = [word for word in ids if len(word) > 3]
    random.Random(7).shuffle(known)
    if what == "labels":
        texts = [["a", "photo", "of", "a", known[label]] for label in range(1000)]
    else:
        texts = [[known[(label + 1000 * place) % len(known)] for place in range(7)] for label in range(1000)]
    return [" ".join(text) for text in texts], [[START, *(ids[word] for word in text), END] for text in texts]


def make_batches(folder, what, batch, side):
    """What one call encodes: arrays of pixels or of ids, all of one shape."""
    import numpy

    if what == "image":
        random_pixels = numpy.random.default_rng(3).random((batch, 3, side, side), numpy.float32)
        return [random_pixels * 2 - 1]
    _, ids = prompts(folder, what)
    width = len(ids[0]) if what == "text-unpadded" else CONTEXT
    padded = numpy.array([text + [END] * (width - len(text)) for text in ids[:batch]])
    size = min(batch, CHUNK)
    return [padded[start : start + size] for start in range(0, batch, size)]


def make_engine(name, folder, what, batch, threads):
    """A function that encodes a batch as `make_batches` makes it."""
    tower = "image" if what == "image" else "text"
    if name in ("torch", "torch-compiled", "open_clip"):
        return torch_engine(name, folder, tower, what, batch)
    shape = make_batches(folder, what, batch, image_side(folder))[0].shape
    if name == "onnxruntime":
        return onnx_engine(exported(folder, tower), shape, threads)
    if name == "onnxruntime-int8":
        return onnx_engine(quantised(folder, tower), shape, threads)
    path = openvino_quantised(folder, tower) if name == "openvino-int8" else exported(folder, tower)
    return openvino_engine(path, shape, threads)


def image_side(folder):
    return json.loads((folder / "config.json").read_text())["vision_config"]["image_size"]


def torch_engine(name, folder, tower, what, batch):
    import torch

    model = open_clip_model(folder) if name == "open_clip" else encoder(folder, tower)
    if name == "open_clip":
        call = model.encode_image if tower == "image" else model.encode_text
    else:
        call = torch.compile(model) if name == "torch-compiled" else model
    return lambda array: call(torch.from_numpy(array)).numpy()


def encoder(folder, tower):
    """One tower of transformers' CLIP with its projection."""
    import torch
    import torchvision_cpu  # noqa: F401
    from transformers import CLIPModel

    model = CLIPModel.from_pretrained(folder, dtype=torch.float32).eval()
    parts = (model.vision_model, model.visual_projection) if tower == "image" else (
        model.text_model, model.text_projection)  # fmt: skip

    class Encoder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.tower, self.projection = parts

        def forward(self, inputs):
            return self.projection(self.tower(inputs).pooler_output)

    return Encoder().eval()


def open_clip_model(folder):
    """open_clip's model of the same shape with the same weights."""
    import torch
    import torchvision_cpu  # noqa: F401
    import open_clip
    from safetensors.torch import load_file

    config = json.loads((folder / "config.json").read_text())
    vision, text = config["vision_config"], config["text_config"]
    model = open_clip.CLIP(
        embed_dim=config["projection_dim"],
        vision_cfg={
            "image_size": vision["image_size"],
            "layers": vision["num_hidden_layers"],
            "width": vision["hidden_size"],
            "head_width": vision["hidden_size"] // vision["num_attention_heads"],
            "patch_size": vision["patch_size"],
        },
        text_cfg={
            "context_length": text["max_position_embeddings"],
            "vocab_size": text["vocab_size"],
            "width": text["hidden_size"],
            "heads": text["num_attention_heads"],
            "layers": text["num_hidden_layers"],
        },
        quick_gelu=vision["hidden_act"] == "quick_gelu",
    )
    tensors = {key: value.float() for key, value in load_file(folder / "model.safetensors").items()}
    names = {
        "class_embedding": "vision_model.embeddings.class_embedding",
        "positional_embedding": "vision_model.embeddings.position_embedding.weight",
        "conv1.weight": "vision_model.embeddings.patch_embedding.weight",
        "ln_pre.": "vision_model.pre_layrnorm.",
        "ln_post.": "vision_model.post_layernorm.",
    }
    layer = {"ln_1.": "layer_norm1.", "ln_2.": "layer_norm2.", "mlp.c_fc.": "mlp.fc1.", "mlp.c_proj.": "mlp.fc2.",
             "attn.out_proj.": "self_attn.out_proj."}  # fmt: skip

    def source(key):
        if key == "logit_scale":
            return tensors[key]
        if key == "text_projection":
            return tensors["text_projection.weight"].T
        if key == "visual.proj":
            return tensors["visual_projection.weight"].T
        tower = "vision_model" if key.startswith("visual.") else "text_model"
        name = key.removeprefix("visual.")
        if name.startswith("transformer.resblocks."):
            _, _, index, rest = name.split(".", 3)
            prefix = f"{tower}.encoder.layers.{index}."
            if rest.startswith("attn.in_proj_"):
                kind = rest.removeprefix("attn.in_proj_")
                return torch.cat([tensors[f"{prefix}self_attn.{part}_proj.{kind}"] for part in "qkv"])
            for ours, theirs in layer.items():
                if rest.startswith(ours):
                    return tensors[prefix + rest.replace(ours, theirs, 1)]
        if tower == "text_model":
            if name == "positional_embedding":
                return tensors["text_model.embeddings.position_embedding.weight"]
            if name == "token_embedding.weight":
                return tensors["text_model.embeddings.token_embedding.weight"]
            return tensors[name.replace("ln_final.", "text_model.final_layer_norm.")]
        for ours, theirs in names.items():
            if name.startswith(ours):
                return tensors[theirs + name.removeprefix(ours)]
        raise KeyError(key)

    model.load_state_dict({key: source(key).reshape(value.shape) for key, value in model.state_dict().items()})
    return model.eval()


def exported(folder, tower):
    """The tower as ONNX, any batch, texts of any length."""
    path = folder / "peers" / f"{tower}.onnx"
    if not path.exists():
        import torch

        path.parent.mkdir(exist_ok=True)
        model = encoder(folder, tower)
        if tower == "image":
            side = image_side(folder)
            example, dynamic = torch.rand(2, 3, side, side), {0: torch.export.Dim("batch")}
        else:
            example = torch.tensor([[START, 320, 1125, 539, END], [START, 320, 1929, 539, END]])
            dynamic = {0: torch.export.Dim("batch"), 1: torch.export.Dim("tokens", max=CONTEXT)}
        torch.onnx.export(model, (example,), str(path), input_names=["input"], output_names=["output"], dynamo=True,
                          dynamic_shapes=(dynamic,))  # fmt: skip
    return path


def quantised(folder, tower):
    path = folder / "peers" / f"{tower}-int8.onnx"
    if not path.exists():
        from onnxruntime.quantization import QuantType, quantize_dynamic

        quantize_dynamic(exported(folder, tower), path, per_channel=True, weight_type=QuantType.QInt8,
                         op_types_to_quantize=["MatMul", "Gemm"])  # fmt: skip
    return path


def onnx_engine(path, shape, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    for name, size in zip(("batch", "tokens"), shape):
        options.add_free_dimension_override_by_name(name, size)
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda array: session.run(None, {"input": array})[0]


def openvino_engine(path, shape, threads):
    import openvino

    core = openvino.Core()
    model = core.read_model(path)
    model.reshape(list(shape))
    # float32, as everyone else in the table: by default it would use bfloat16 where the CPU has it.
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    return lambda array: request.infer([array])[0]


def openvino_quantised(folder, tower):
    path = folder / "peers" / f"{tower}-int8.xml"
    if not path.exists():
        import nncf
        import numpy
        import openvino

        if tower == "image":
            side, pixels = image_side(folder), numpy.random.default_rng(4)
            samples = [pixels.random((1, 3, side, side), numpy.float32) * 2 - 1 for _ in range(16)]
        else:
            samples = [numpy.array([ids]) for ids in prompts(folder, "text")[1][:16]]
        model = nncf.quantize(openvino.Core().read_model(exported(folder, tower)), nncf.Dataset(samples),
                              subset_size=16, model_type=nncf.ModelType.TRANSFORMER)  # fmt: skip
        openvino.save_model(model, path, compress_to_fp16=False)
    return path


def check(folder):
    """Prints how near every engine's embeddings are to torch's: they must compute the same thing."""
    import numpy
    import torch

    with torch.inference_mode():
        for what in ("image", "text"):
            batch = make_batches(folder, what, 2, image_side(folder))[0]
            expected = make_engine("torch", folder, what, 2, 1)(batch)
            for name in (*F32[2:], *INT8):
                found = make_engine(name, folder, what, 2, 1)(batch)
                lengths = numpy.linalg.norm(found, axis=1) * numpy.linalg.norm(expected, axis=1)
                print(folder.name, what, name, "cosine", min((found * expected).sum(axis=1) / lengths), flush=True)


if __name__ == "__main__":
    import sys

    check(Path(sys.argv[1]))
