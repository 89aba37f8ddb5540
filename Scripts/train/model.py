"""The two towers, in the shapes of transformers' CLIPModel, lean enough to train on two cores."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F

CONFIG = {
    "image_size": 64,
    "patch_size": 8,
    "projection_dim": 256,
    "vision": {"hidden_size": 192, "num_hidden_layers": 6, "num_attention_heads": 3, "intermediate_size": 768},
    "text": {"hidden_size": 128, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 512},
    "context": 24,
    "vocab": 4096,
}


class Block(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x, causal=False):
        batch, length, width = x.shape
        q, k, v = (
            self.qkv(self.norm1(x))
            .view(batch, length, 3, self.heads, width // self.heads)
            .permute(2, 0, 3, 1, 4)
            .reshape(3, batch * self.heads, length, width // self.heads)
            .unbind(0)
        )
        # Spelt out: on a CPU the fused attention's backward pass costs several times as much for a few dozen tokens.
        scores = torch.bmm(q * (width // self.heads) ** -0.5, k.transpose(1, 2)).float()
        if causal:
            scores = scores + torch.full((length, length), -math.inf).triu(1)
        attended = torch.bmm(torch.softmax(scores, 2).to(v.dtype), v)
        attended = attended.view(batch, self.heads, length, -1).transpose(1, 2).reshape(batch, length, width)
        x = x + self.out(attended)
        # x · sigmoid(1.702 x), the quick GELU, as one operation.
        return x + self.fc2(F.silu(1.702 * self.fc1(self.norm2(x))) / 1.702)


def start(block):
    """Attention that begins even, so that the class token sees every patch, and branches that begin at a modest size."""
    width = block.out.weight.shape[0]
    for layer, scale in ((block.qkv, 0.7), (block.out, 0.7), (block.fc1, 1.0), (block.fc2, 0.5)):
        nn.init.normal_(layer.weight, std=scale / math.sqrt(layer.weight.shape[1]))
        nn.init.zeros_(layer.bias)
    nn.init.normal_(block.qkv.weight[: 2 * width], std=0.3 / math.sqrt(width))


def grid_positions(side, width):
    """Two-dimensional sines and cosines, the starting value of the learned position embedding."""
    place = torch.arange(side, dtype=torch.float32)
    speeds = torch.exp(-math.log(100.0) * torch.arange(width // 4) / (width // 4))
    waves = torch.cat([torch.sin(place[:, None] * speeds), torch.cos(place[:, None] * speeds)], 1)
    return torch.cat([waves[:, None].expand(side, side, -1), waves[None].expand(side, side, -1)], 2).reshape(
        side * side, width
    )


class Vision(nn.Module):
    """The picture tower. `centre` takes out what all pictures share, without which a small ViT spends its first tens of thousands of
    pictures with one embedding for everything; at export it folds into post_layernorm exactly."""

    def __init__(self, config):
        super().__init__()
        width, side = config["vision"]["hidden_size"], config["image_size"] // config["patch_size"]
        self.patch = config["patch_size"]
        self.embed = nn.Linear(3 * self.patch**2, width, bias=False)
        self.cls = nn.Parameter(torch.randn(width) * 0.02)
        self.positions = nn.Parameter(torch.cat([torch.zeros(1, width), grid_positions(side, width) * 0.3]))
        self.pre, self.post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.blocks = nn.ModuleList(
            Block(width, config["vision"]["num_attention_heads"], config["vision"]["intermediate_size"])
            for _ in range(config["vision"]["num_hidden_layers"])
        )
        self.centre = nn.BatchNorm1d(width, affine=False)
        self.project = nn.Linear(width, config["projection_dim"], bias=False)
        for block in self.blocks:
            start(block)

    @torch.no_grad()
    def whiten(self, pixels):
        """Starts the patch embedding as the whitening of real patches: edges weigh as much as flat colour from the first step on."""
        p = self.patch
        patches = pixels.unfold(2, p, p).unfold(3, p, p).permute(0, 2, 3, 1, 4, 5).reshape(-1, 3 * p * p)
        patches = patches[patches.var(1) > 1e-3]
        values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
        basis = (vectors * (values + 0.02 * values.mean()) ** -0.5).T.flip(0)
        self.embed.weight.copy_(basis[: len(self.embed.weight)])
        self.positions.mul_(1.5)

    def forward(self, pixels, keep=None):
        """pixels [batch, 3, side, side]; keep: how many patches each picture shows. The rest are dropped at random, empty ones
        first: a drawing on plain paper loses little and costs a third."""
        batch, p = pixels.shape[0], self.patch
        x = pixels.unfold(2, p, p).unfold(3, p, p).permute(0, 2, 3, 1, 4, 5).reshape(batch, -1, 3 * p * p)
        detail = x.var(2)
        x = self.embed(x) + self.positions[1:]
        if keep is not None and keep < x.shape[1]:
            luck = -torch.log(-torch.log(torch.rand_like(detail).clamp(1e-6, 1 - 1e-6)))
            chosen = (torch.log(detail + 0.003) + luck).topk(keep, 1).indices
            x = x.gather(1, chosen[..., None].expand(-1, -1, x.shape[2]))
        x = self.pre(torch.cat([(self.cls + self.positions[0]).to(x.dtype).expand(batch, 1, -1), x], 1))
        for block in self.blocks:
            x = block(x)
        return self.project(self.centre(self.post(x[:, 0]).float()))


class Text(nn.Module):
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
        for block in self.blocks:
            start(block)

    def forward(self, ids, lengths):
        """ids [batch, longest], ended and padded by the end token; lengths count up to the first end token."""
        x = self.tokens(ids) + self.positions[: ids.shape[1]]
        for block in self.blocks:
            x = block(x, causal=True)
        return self.project(self.centre(self.final(x[torch.arange(len(ids)), lengths - 1]).float()))


class Towers(nn.Module):
    def __init__(self, config=CONFIG, concepts=1):
        super().__init__()
        self.config, self.vision, self.text = config, Vision(config), Text(config)
        self.scale = nn.Parameter(torch.tensor(math.log(14.0)))
        self.prototypes = nn.Parameter(torch.randn(concepts, config["projection_dim"]) * 0.05)
        self.prototype_scale = nn.Parameter(torch.tensor(math.log(14.0)))
