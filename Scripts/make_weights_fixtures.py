#!/usr/bin/env python3
"""Makes the PyTorch and GGUF files in Tests/CLIPWeightsTests/Fixtures, and what they hold, by torch and the gguf package.

  Scripts/.venv/bin/python Scripts/make_weights_fixtures.py
"""

import json
from collections import OrderedDict
from pathlib import Path

import gguf
import numpy as np
import torch

FOLDER = Path(__file__).resolve().parent.parent / "Tests" / "CLIPWeightsTests" / "Fixtures"
expected = {}


def numbers(*shape, seed):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def expect(file, tensors):
    expected[file] = {
        name: {"shape": list(value.shape), "values": [float(number) for number in np.asarray(value, np.float32).ravel()]}
        for name, value in tensors.items()
    }


def pytorch():
    base = numbers(4, 6, seed=1)
    state = OrderedDict(
        single=base,
        half=numbers(3, 5, seed=2).half(),
        brain=numbers(7, seed=3).bfloat16(),
        double=numbers(2, 2, seed=4).double(),
        turned=numbers(3, 4, seed=5).T,
        part=base[1:3, 2:5],
        scalar=torch.tensor(2.5),
        empty=torch.zeros(0, 3),
        parameter=torch.nn.Parameter(numbers(2, 3, seed=6)),
    )
    floats = {name: value.detach().float().numpy() for name, value in state.items()}
    state["whole"] = torch.arange(5)
    torch.save(state, FOLDER / "state.pt")
    expect("state.pt", floats)

    wrapped = {"state_dict": {"module.a": base}, "epoch": 3, "optimizer": {"state": {0: {"step": torch.ones(())}}}}
    torch.save(wrapped, FOLDER / "checkpoint.pt", pickle_protocol=4)
    expect("checkpoint.pt", {"a": base})
    torch.save({"a": base}, FOLDER / "legacy.pt", _use_new_zipfile_serialization=False)

    module = TwoLayers()
    with torch.no_grad():
        for index, parameter in enumerate(module.parameters()):
            parameter.copy_(numbers(*parameter.shape, seed=10 + index))
    module.first.half()
    script = torch.jit.script(module)
    script.save(str(FOLDER / "script.pt"))
    expect("script.pt", {name: value.float() for name, value in script.state_dict().items() if value.is_floating_point()})


class TwoLayers(torch.nn.Module):
    """Two linear layers, a gain and a constant."""

    def __init__(self):
        super().__init__()
        self.first, self.second = torch.nn.Linear(3, 2), torch.nn.Sequential(torch.nn.Linear(3, 2))
        self.gain = torch.nn.Parameter(torch.ones(3))
        self.register_buffer("context_length", torch.tensor(77))

    def forward(self, values):
        return self.first(values) + self.second(values * self.gain)


def ggml():
    writer = gguf.GGUFWriter(str(FOLDER / "types.gguf"), "clip")
    writer.add_bool("clip.use_gelu", True)
    writer.add_float32("clip.text.attention.layer_norm_epsilon", 1e-5)
    writer.add_uint32("clip.text.context_length", 77)
    writer.add_array("clip.vision.image_mean", [0.5, 0.25, 0.125])
    writer.add_array("tokenizer.ggml.tokens", ["a", "é", ""])
    values = {}
    for index, kind in enumerate(("F32", "F16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "BF16")):
        data = numbers(3, 64, seed=20 + index).numpy()
        quantisation = gguf.GGMLQuantizationType[kind]
        stored = data if kind == "F32" else data.astype(np.float16) if kind == "F16" else gguf.quantize(data, quantisation)
        writer.add_tensor(kind.lower(), stored, raw_dtype=None if kind in ("F32", "F16") else quantisation)
        values[kind.lower()] = data if kind == "F32" else gguf.dequantize(stored, quantisation)
    expect("types.gguf", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    FOLDER.mkdir(exist_ok=True)
    pytorch()
    ggml()
    (FOLDER / "expected.json").write_text(json.dumps(expected))
    (FOLDER / "README.md").write_text(
        "# Fixtures\n\nMade by `Scripts/make_weights_fixtures.py` (seeded random numbers; MIT licence, as the repository).\n\n"
        "| file | what |\n|---|---|\n"
        "| `state.pt` | a state_dict of every floating-point type, with a turned and a cut view, by `torch.save` |\n"
        "| `checkpoint.pt` | a training checkpoint around one, pickle protocol 4 |\n"
        "| `script.pt` | a TorchScript archive |\n"
        "| `legacy.pt` | the form before PyTorch 1.6, which is refused |\n"
        "| `types.gguf` | a tensor of each GGUF type, by the gguf package |\n"
        "| `expected.json` | shapes and numbers as torch and gguf read them |\n"
    )


main()
