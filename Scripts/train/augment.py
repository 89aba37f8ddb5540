"""Batched augmentation of the picture bank: every drawing is shown in many styles, so that style stops being a cue.

The order: restyle (strokes, flat colours, silhouettes, hues), place by a random affine map, paint a background, degrade.
"""

import torch
import torch.nn.functional as F

MEAN, STD = 0.5, 0.5


def luminance(rgb):
    return (rgb * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)


def chance(n, p):
    return (torch.rand(n, 1, 1, 1) < p).float()


def edges(rgb, alpha, size):
    """How much colour or coverage changes within a window: 0 … 1."""
    stack = torch.cat([rgb * alpha, alpha], 1)
    pad = size // 2
    spread = F.max_pool2d(stack, size, 1, pad) + F.max_pool2d(-stack, size, 1, pad)
    return spread.amax(1, keepdim=True)


def restyle(rgb, alpha, mono, fixed_hue):
    """rgb, alpha in 0 … 1 [n, 3 | 1, h, w]; mono marks black-only art; fixed_hue marks captions that name a colour."""
    n = len(rgb)
    free = 1 - fixed_hue[:, None, None, None].float()
    single = mono[:, None, None, None].float()

    # Stroke width of line art; black art gets a colour of its own more often than not.
    pick = torch.rand(n)
    thick = ((pick < 0.3) & mono).nonzero()[:, 0]
    if len(thick):
        alpha[thick] = F.max_pool2d(alpha[thick], 3, 1, 1)
    ink = torch.rand(n, 3, 1, 1) * chance(n, 0.6)
    rgb = rgb * (1 - single) + (ink.expand_as(rgb)) * single

    # Colours: a random mixture of the channels, their order, their contrast; grey; inverted; flat.
    mix = torch.eye(3)[torch.stack([torch.randperm(3) for _ in range(n)])]
    turn = chance(n, 0.3)[..., 0] * free[..., 0] * (1 - single[..., 0])
    matrix = turn * mix + (1 - turn) * torch.eye(3)
    rgb = torch.einsum("nij,njhw->nihw", matrix, rgb)
    grey = chance(n, 0.15) * free * (1 - single)
    rgb = rgb * (1 - grey) + luminance(rgb) * grey
    inverted = chance(n, 0.04) * free * (1 - single)
    rgb = rgb * (1 - inverted) + (1 - rgb) * inverted
    levels = torch.randint(2, 5, (n, 1, 1, 1)).float()
    flat = chance(n, 0.15) * free
    rgb = rgb * (1 - flat) + (rgb * levels).round() / levels * flat
    gamma = torch.exp((torch.rand(n, 1, 1, 1) - 0.5) * 0.9)
    rgb = rgb.clamp(1e-3, 1) ** gamma

    # Strokes: dark (or light) outlines over the colours, over flat paper, or alone; and plain silhouettes.
    outlined = ((torch.rand(n) < 0.4) & ~mono).nonzero()[:, 0]
    if len(outlined):
        m = len(outlined)
        colour, cover = rgb[outlined], alpha[outlined]
        narrow, wide = edges(colour, cover, 3), edges(colour, cover, 5)
        line = torch.where(torch.rand(m, 1, 1, 1) < 0.5, narrow, wide)
        line = ((line - 0.12 - 0.25 * torch.rand(m, 1, 1, 1)) * 5).clamp(0, 1)
        ink = torch.rand(m, 3, 1, 1) * 0.3 * chance(m, 0.4)
        ink = torch.where(torch.rand(m, 1, 1, 1) < 0.1, 1 - ink, ink)
        kind = torch.rand(m, 1, 1, 1)
        fixed = fixed_hue[outlined][:, None, None, None]
        paper = torch.where((kind < 0.3) & ~fixed, torch.ones_like(colour), colour)
        rgb[outlined] = paper * (1 - line) + ink * line
        alone = ((kind < 0.15) & ~fixed).float()
        alpha[outlined] = torch.maximum(cover * (1 - alone), line)
    shadow = chance(n, 0.05) * free * (1 - single)
    rgb = rgb * (1 - shadow) + torch.rand(n, 3, 1, 1) * shadow
    return rgb, alpha


def place(premultiplied, side, flip, calm=1.0):
    """A random affine map of [n, 4, h, w] on to side x side; flip marks drawings that may be mirrored."""
    n = len(premultiplied)
    grow = torch.exp(torch.rand(n) * 0.6 * calm - 0.05)  # the drawing fills 1/grow of the picture
    wild = torch.rand(n) < 0.08
    angle = (torch.rand(n) - 0.5) * torch.where(wild, 1.4, 0.3) * calm
    stretch = torch.exp((torch.rand(n) - 0.5) * 0.35 * calm)
    shear = (torch.rand(n) - 0.5) * 0.2 * calm
    mirror = torch.where((torch.rand(n) < 0.5) & flip, -1.0, 1.0)
    c, s = torch.cos(angle), torch.sin(angle)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = c * grow * stretch * mirror, (-s + shear) * grow
    theta[:, 1, 0], theta[:, 1, 1] = s * grow * mirror, c * grow / stretch
    theta[:, :, 2] = (torch.rand(n, 2) - 0.5) * 1.3 * (grow - 0.85).clamp(min=0.05)[:, None]
    return F.grid_sample(
        premultiplied, F.affine_grid(theta, (n, 4, side, side), align_corners=False), align_corners=False
    )


def backgrounds(n, side, rgb, alpha):
    """White most often; else flat, graded, cloudy or made of the batch's own blurred pictures."""
    kind = torch.rand(n)
    out = torch.ones(n, 3, side, side)
    flat = ((kind > 0.58) & (kind < 0.78)).nonzero()[:, 0]
    if len(flat):
        out[flat] = torch.rand(len(flat), 3, 1, 1) ** 0.6
    cloudy = (kind >= 0.78).nonzero()[:, 0]
    if len(cloudy):
        coarse = (
            torch.rand(len(cloudy), 3, 1, 1)
            + (torch.rand(len(cloudy), 3, 4, 4) - 0.5) * torch.rand(len(cloudy), 1, 1, 1) * 1.2
        )
        fine = (torch.rand(len(cloudy), 3, 16, 16) - 0.5) * torch.rand(len(cloudy), 1, 1, 1) * 0.5
        out[cloudy] = F.interpolate(coarse, (side, side), mode="bilinear") + F.interpolate(
            fine, (side, side), mode="bilinear"
        )
    other = (kind >= 0.95).nonzero()[:, 0]
    if len(other):
        donors = torch.randint(0, n, (len(other),))
        scene = rgb[donors] + (1 - alpha[donors]) * out[other]
        out[other] = F.interpolate(F.avg_pool2d(scene, 8), (side, side), mode="bilinear")
    return out.clamp(0, 1)


def present(bank, mono, fixed_hue, flip, side, strength=1.0):
    """One training presentation of uint8 RGBA drawings [n, h, w, 4]: normalised pixels [n, 3, side, side]. A share `strength` of them
    is restyled, the rest only moved about on white."""
    hard = torch.rand(len(bank)) < strength
    if hard.all():
        return restyled(bank, mono, fixed_hue, flip, side)
    out = torch.empty(len(bank), 3, side, side)
    easy = (~hard).nonzero()[:, 0]
    x = bank[easy].permute(0, 3, 1, 2).float() / 255
    x = place(torch.cat([x[:, :3] * x[:, 3:], x[:, 3:]], 1), side, flip[easy], calm=0.5)
    out[easy] = ((x[:, :3] + 1 - x[:, 3:]).clamp(0, 1) - MEAN) / STD
    hard = hard.nonzero()[:, 0]
    if len(hard):
        out[hard] = restyled(bank[hard], mono[hard], fixed_hue[hard], flip[hard], side)
    return out


def restyled(bank, mono, fixed_hue, flip, side):
    x = bank.permute(0, 3, 1, 2).float() / 255
    rgb, alpha = restyle(x[:, :3], x[:, 3:].clone(), mono, fixed_hue)
    x = place(torch.cat([rgb * alpha, alpha], 1), side, flip)
    n, rgb, alpha = len(x), x[:, :3], x[:, 3:].clamp(0, 1)
    behind = backgrounds(n, side, rgb, alpha)

    # Ink that the background swallows is turned over.
    drawn = (rgb.sum((2, 3)) / alpha.sum((2, 3)).clamp(min=1)).mean(1)
    around = behind.mean((1, 2, 3))
    lost = ((drawn - around).abs() < 0.25) & mono
    rgb = torch.where(
        lost[:, None, None, None], torch.where(around > 0.5, 0.05, 0.95)[:, None, None, None] * alpha, rgb
    )
    x = rgb + (1 - alpha) * behind

    x = (
        (x - 0.5) * torch.exp((torch.rand(n, 1, 1, 1) - 0.5) * 0.5)
        + 0.5
        + (torch.rand(n, 1, 1, 1) - 0.5) * 0.2 * chance(n, 0.5)
    )
    blurred = (torch.rand(n) < 0.12).nonzero()[:, 0]
    if len(blurred):
        x[blurred] = F.avg_pool2d(x[blurred], 3, 1, 1, count_include_pad=False)
    noisy = (torch.rand(n) < 0.1).nonzero()[:, 0]
    if len(noisy):
        x[noisy] += torch.randn_like(x[noisy]) * 0.12 * torch.rand(len(noisy), 1, 1, 1)
    return (x.clamp(0, 1) - MEAN) / STD
