"""The engines that `clip` is measured beside: float32, sixteen bits, and int8, each with its best settings.

`make_engine` gives a function that encodes one batch; bench_peers.py and bench_folder.py call it in a process of its own.
What has to be converted (ONNX, int8, GGUF) is kept in the model's folder.

  Scripts/.venv/bin/python Scripts/bench/peers.py MODEL [CLIP]

says how near every engine's embeddings, and those of the program CLIP, come to torch's in float32.
"""

import json
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fixtures"))

F32 = ("torch", "torch-compiled", "open_clip", "onnxruntime", "openvino")
# ONNX Runtime: its dynamic quantisation, per channel. OpenVINO: NNCF's post-training quantisation of weights and
# activations with the settings for transformers.
# clip.cpp: its 8-bit weights.
INT8 = ("onnxruntime-int8", "openvino-int8", "clip.cpp-q8_0")
# What their users get in bfloat16 and float16, OpenVINO by its defaults. ONNX Runtime has no such arithmetic on a CPU.
SIXTEEN = ("openvino-default", "torch-autocast", "torch-bf16", "torch-bf16-compiled", "clip.cpp-f16")
ALL = (*F32, *SIXTEEN, *INT8)
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
    if name.startswith("torch") or name == "open_clip":
        return torch_engine(name, folder, tower)
    if name.startswith("clip.cpp"):
        return clip_cpp_engine(clip_cpp_file(folder, name.removeprefix("clip.cpp-")), tower, threads)
    shape = make_batches(folder, what, batch, image_side(folder))[0].shape
    if name == "onnxruntime":
        return onnx_engine(exported(folder, tower), shape, threads)
    if name == "onnxruntime-int8":
        return onnx_engine(quantised(folder, tower), shape, threads)
    path = openvino_quantised(folder, tower) if name == "openvino-int8" else exported(folder, tower)
    return openvino_engine(path, shape, threads, precision=None if name == "openvino-default" else "f32")


def image_side(folder):
    return json.loads((folder / "config.json").read_text())["vision_config"]["image_size"]


def torch_engine(name, folder, tower):
    import torch

    model = open_clip_model(folder) if name == "open_clip" else encoder(folder, tower)
    call = model
    if name == "open_clip":
        call = model.encode_image if tower == "image" else model.encode_text
    if name.startswith("torch-bf16"):
        model.to(torch.bfloat16)
    if name.endswith("-compiled"):
        call = torch.compile(model)

    def run(array):
        inputs = torch.from_numpy(array)
        if name.startswith("torch-bf16") and inputs.is_floating_point():
            inputs = inputs.to(torch.bfloat16)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=name == "torch-autocast"):
            return call(inputs).float().numpy()

    return run


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


def openvino_engine(path, shape, threads, precision="f32"):
    """precision: None leaves it to OpenVINO, which takes bfloat16 where the CPU has it."""
    import openvino

    core = openvino.Core()
    model = core.read_model(path)
    model.reshape(list(shape))
    settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
    if precision:
        settings["INFERENCE_PRECISION_HINT"] = precision
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


def clip_cpp_file(folder, kind):
    """The model as clip.cpp reads it, with weights of the kind f16 or q8_0."""
    path = folder / "peers" / f"clip.cpp-{kind}.gguf"
    if not path.exists():
        from family_models import write_gguf
        from transformers import CLIPModel

        path.parent.mkdir(exist_ok=True)
        ids = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
        write_gguf(path, CLIPModel.from_pretrained(folder), kind, sorted(ids, key=ids.get))
    return path


def clip_cpp_engine(path, tower, threads):
    """One input after another: the wheel's library has no batches."""
    import ctypes

    import numpy
    from clip_cpp import clip as library

    model = library.Clip(str(path))
    vector = (ctypes.c_float * model.vec_dim)()

    def image(pixels):
        side = pixels.shape[-1]
        # Rows of red, green and blue, as its own preprocessing leaves them.
        data = numpy.ascontiguousarray(pixels.transpose(1, 2, 0), numpy.float32)
        picture = library.ClipImageF32(side, side, data.ctypes.data_as(ctypes.POINTER(ctypes.c_float)))
        return library.clip_image_encode(model.ctx, threads, ctypes.byref(picture), vector, False)

    def text(ids):
        numbers = (ctypes.c_int32 * len(ids))(*ids.tolist())
        return library.clip_text_encode(
            model.ctx, threads, ctypes.byref(library.ClipTokens(numbers, len(ids))), vector, False)  # fmt: skip

    encode = image if tower == "image" else text

    def run(array):
        rows = []
        for one in array:
            if not encode(one):
                raise RuntimeError("clip.cpp encoded nothing")
            rows.append(numpy.array(vector, numpy.float32))
        return numpy.stack(rows)

    return run


def check(folder, program=None):
    """Prints how near every engine's embeddings are to torch's: they must compute the same thing."""
    import concurrent.futures
    import multiprocessing

    import numpy

    def show(what, name, found, expected):
        lengths = numpy.linalg.norm(found, axis=1) * numpy.linalg.norm(expected, axis=1)
        cosines = (found * expected).sum(axis=1) / lengths
        print(f"{folder.name} {what} {name}: cosine, mean {cosines.mean():.7f}, least {cosines.min():.7f}", flush=True)

    # Each in a process of its own, as when they are measured: clip.cpp errs on pictures where a model was freed before.
    with concurrent.futures.ProcessPoolExecutor(
        1, mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=1
    ) as processes:
        for what in ("image", "text-unpadded"):
            batch = make_batches(folder, what, 8, image_side(folder))[0].copy()
            texts = prompts(folder, "text")[0][:8]
            if what == "image" and program:
                batch = own_pixels(folder, program)
            expected = processes.submit(embedded, "torch", folder, what, batch).result()
            for name in ALL[2:]:
                if (name, what) != ("open_clip", "text-unpadded"):
                    show(what, name, processes.submit(embedded, name, folder, what, batch).result(), expected)
            for path in sorted(folder.glob("packed-*.clip")) if program else ():
                inputs = [str(folder / "pictures")] if what == "image" else texts
                command = "embed-image" if what == "image" else "embed-text"
                show(what, f"clip {path.stem.removeprefix('packed-')}", own_array(program, command, path, inputs), expected)


def embedded(name, folder, what, batch):
    import torch

    with torch.inference_mode():
        return make_engine(name, folder, what, len(batch), 1)(batch)


def own_pixels(folder, program):
    """What `clip` hands to the encoder of the model's pictures: [pictures, 3, S, S]."""
    return own_array(program, "preprocess", folder, [str(folder / "pictures")])


def own_array(program, command, model, inputs):
    """The rows that `clip` writes in NumPy's format."""
    import io
    import subprocess

    import numpy

    options = ["--model", str(model), "--format", "npy", *([] if command == "preprocess" else ["--no-normalize"])]
    done = subprocess.run([program, command, *options, "--", *inputs], capture_output=True, check=True)
    return numpy.load(io.BytesIO(done.stdout))


if __name__ == "__main__":
    check(Path(sys.argv[1]), *sys.argv[2:3])
