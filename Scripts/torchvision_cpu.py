"""Imported before transformers: lets a CUDA build of torchvision be imported beside a CPU build of torch.

Indexes that carry no CPU build of torchvision give such a pair; torchvision then stops at import over two operators
that its compiled half would have declared. Nothing here calls them: declaring their names is enough.
"""

import importlib.util
import sys

import torch

if importlib.util.find_spec("torchvision"):
    try:
        import torchvision.extension  # noqa: F401
    except (ImportError, RuntimeError):
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            library.define(operator + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
