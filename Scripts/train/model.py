"""The parts that learn: a text transformer in CLIP's form, the tower's upper stages, the projection, and a table of concepts."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from tower import Upper

CONFIG = {
    "image_size": 256,  # larger than in training: the published tower names more photographs so
    "projection_dim": 256,
    "text": {"hidden_size": 192, "num_hidden_layers": 3, "num_attention_heads": 3, "intermediate_size": 768},
    "context": 24,
    "vocab": 8192,
}


class Block(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        for layer, scale in ((self.qkv, 0.7), (self.out, 0.7), (self.fc1, 1.0), (self.fc2, 0.5)):
            nn.init.normal_(layer.weight, std=scale / math.sqrt(layer.weight.shape[1]))
            nn.init.zeros_(layer.bias)
        nn.init.normal_(self.qkv.weight[: 2 * width], std=0.3 / math.sqrt(width))  # attention that begins even

    def forward(self, x, mask):
        batch, length, width = x.shape
        q, k, v = (
            self.qkv(self.norm1(x))
            .view(batch, length, 3, self.heads, width // self.heads)
            .permute(2, 0, 3, 1, 4)
            .reshape(3, batch * self.heads, length, width // self.heads)
            .unbind(0)
        )
        # Spelt out: on a CPU the fused attention's backward pass costs several times as much for a few dozen tokens.
        scores = torch.bmm(q * (width // self.heads) ** -0.5, k.transpose(1, 2)).float() + mask
        attended = torch.bmm(torch.softmax(scores, 2).to(v.dtype), v)
        attended = attended.view(batch, self.heads, length, -1).transpose(1, 2).reshape(batch, length, width)
        x = x + self.out(attended)
        # x · sigmoid(1.702 x), the quick GELU, as one operation.
        return x + self.fc2(F.silu(1.702 * self.fc1(self.norm2(x))) / 1.702)


class Text(nn.Module):
    """`centre` takes out what all texts share; at export it folds into the last layer norm exactly."""

    def __init__(self, config):
        super().__init__()
        width = config["text"]["hidden_size"]
        self.tokens = nn.Embedding(config["vocab"], width)
        self.positions = nn.Parameter(torch.randn(config["context"], width) * 0.01)
        nn.init.normal_(self.tokens.weight, std=0.02)
        self.blocks = nn.ModuleList(
            Block(width, config["text"]["num_attention_heads"], config["text"]["intermediate_size"])
            for _ in range(config["text"]["num_hidden_layers"])
        )
        self.final, self.centre = nn.LayerNorm(width), nn.BatchNorm1d(width, affine=False)
        self.project = nn.Linear(width, config["projection_dim"], bias=False)

    def ends(self, ids, lengths):
        """ids [batch, longest], ended and padded by the end token; lengths count up to the first end token."""
        x = self.tokens(ids) + self.positions[: ids.shape[1]]
        mask = torch.full((ids.shape[1],) * 2, -math.inf).triu(1)
        for block in self.blocks:
            x = block(x, mask)
        return x[torch.arange(len(ids)), lengths - 1].float()

    def forward(self, ids, lengths):
        if not self.training:
            ends = self.ends(ids, lengths)
        else:  # the short ones first, so that few pads are reckoned with
            order = lengths.argsort()
            short = order[: len(order) * 3 // 4]
            rest = order[len(order) * 3 // 4 :]
            parts = [self.ends(ids[part, : lengths[part].max()], lengths[part]) for part in (short, rest)]
            ends = torch.cat(parts)[order.argsort()]
        return self.project(self.centre(self.final(ends)).float())


class Towers(nn.Module):
    def __init__(self, config, classifier, mean, concepts):
        """classifier: the pretrained model; mean: of its features; concepts: rows of the table that drawings and names are sorted by"""
        super().__init__()
        self.config, self.text, self.upper = config, Text(config), Upper(classifier)
        # The projection begins as the directions in which the classes differ most.
        rows = classifier.classifier.weight.detach()
        _, spread, directions = torch.linalg.svd(rows - rows.mean(0), full_matrices=False)
        n = config["projection_dim"]
        self.register_buffer("mean", mean)
        self.project = nn.Linear(len(mean), n)
        self.project.weight.data = directions[:n] * spread[:n, None] ** 0.5
        self.project.bias.data.zero_()
        self.scale = nn.Parameter(torch.tensor(math.log(14.0)))
        self.prototypes = nn.Parameter(torch.randn(concepts, n) * 0.05)
        self.prototype_scale = nn.Parameter(torch.tensor(math.log(14.0)))

    def image(self, features):
        return F.normalize(self.project(features - self.mean).float(), dim=1)
