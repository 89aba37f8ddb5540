#!/usr/bin/env python3
"""Makes a folder of small pictures with every option of the common encoders that changes the bit stream.

    Scripts/.venv/bin/python Scripts/pictures/make_picture_set.py FOLDER

Uses Pillow, and where they are installed ImageMagick (convert), libjpeg-turbo (cjpeg, jpegtran), libwebp (cwebp,
img2webp) and libtiff (tiffcp). compare_pictures.py then holds the decoders to Pillow over the folder. The pictures are
synthetic and the same on every run.
"""
import itertools
import shutil
import struct
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image


def scene(width, height, seed=1):
    """Smooth colours, hard edges, fine texture and noise: something for every part of an encoder."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    picture = np.empty((height, width, 3))
    for channel in range(3):
        a, b, c = random.uniform(0.02, 0.15, 3)
        picture[..., channel] = 128 + 70 * np.sin(a * x + c) * np.cos(b * y) + 40 * np.sin(0.9 * x * b + y * a)
    picture[(x - width / 3) ** 2 + (y - height / 2) ** 2 < (min(width, height) / 4) ** 2] = (230, 40, 30)
    picture[height // 2:, : width // 4] += random.normal(0, 30, (height - height // 2, width // 4, 3))
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def alpha(width, height):
    """Opaque, clear, and every level between."""
    y, x = np.mgrid[0:height, 0:width]
    return Image.fromarray(np.clip(320 - 2.5 * np.hypot(x - width / 2, y - height / 2), 0, 255).astype(np.uint8))


def with_alpha(picture):
    picture = picture.convert("RGBA")
    picture.putalpha(alpha(*picture.size))
    return picture


def grey16(width, height):
    return Image.fromarray((np.arange(width * height).reshape(height, width) * 977 % 65536).astype(np.uint16))


def raw_tiff(samples, bits, photometric, planar, order, extra=(), predictor=1):
    """An uncompressed TIFF of `[height, width, channels]` samples, for what no program at hand writes."""
    height, width, channels = samples.shape
    if predictor == 2:
        samples = np.concatenate([samples[:, :1], samples[:, 1:] - samples[:, :-1]], axis=1)
    if bits < 8:
        packed = np.unpackbits(samples.astype(np.uint8)[..., None], axis=-1)[..., -bits:]
        planes = [np.packbits(packed.reshape(height, -1), axis=1).tobytes()]
    else:
        samples = samples.astype(f"{order}u{bits // 8}")
        planes = [samples[..., index].tobytes() for index in range(channels)] if planar else [samples.tobytes()]
    if predictor == 2:
        planes = [zlib.compress(plane) for plane in planes]
    entries = {256: [width], 257: [height], 258: [bits] * channels, 259: [8 if predictor == 2 else 1],
               262: [photometric], 273: [0] * len(planes), 277: [channels], 278: [height],
               279: [len(plane) for plane in planes], 284: [2 if planar else 1], 317: [predictor], 338: list(extra)}
    entries = {tag: values for tag, values in entries.items() if values}
    position = 8
    entries[273] = [position + sum(map(len, planes[:index])) for index in range(len(planes))]
    data = b"".join(planes)
    start = position + len(data)
    spill, directory = b"", struct.pack(order + "H", len(entries))
    for tag, values in sorted(entries.items()):
        value = struct.pack(f"{order}{len(values)}I", *values)
        if len(value) > 4:
            place = start + 2 + 12 * len(entries) + 4 + len(spill)
            spill, value = spill + value, struct.pack(order + "I", place)
        directory += struct.pack(order + "HHI", tag, 4, len(values)) + value
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "I", start) + data + directory + bytes(4) + spill


SIZES = [(61, 47), (32, 33), (130, 97)]
SMALL = [(1, 1), (7, 5), (2, 17), (16, 3)]


class Set:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.sources = self.folder / ".sources"
        self.jobs = []
        self.count = 0

    def path(self, format, name, extension):
        folder = self.folder / format
        folder.mkdir(parents=True, exist_ok=True)
        self.count += 1
        return folder / f"{self.count:04}_{name.replace('/', '-').replace(' ', '_').replace(':', '-')[:90]}.{extension}"

    def source(self, name, picture, extension="png"):
        """A picture that command-line encoders read."""
        self.sources.mkdir(parents=True, exist_ok=True)
        path = self.sources / f"{name}.{extension}"
        if not path.exists():
            picture.save(path)
        return str(path)

    def truth(self, path, samples, bits, is_inverted, has_alpha):
        """Notes what a file holds, for those that other programs misread."""
        levels = samples >> 8 if bits == 16 else samples * 255 // (2 ** bits - 1)
        alphas = levels[..., -1:] if has_alpha else np.full(levels.shape[:2] + (1,), 255)
        colours = levels[..., :3] if levels.shape[2] > 2 else np.repeat(levels[..., :1], 3, axis=2)
        rgba = np.concatenate([255 - colours if is_inverted else colours, alphas], axis=2).astype(np.uint8)
        target = self.folder / ".truth" / path.parent.name / (path.name + ".png")
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rgba).save(target)

    def save(self, format, name, picture, extension, **options):
        """By Pillow; what it refuses to write is left out."""
        path = self.path(format, "pillow_" + name, extension)
        try:
            picture.save(path, **options)
        except (OSError, ValueError, KeyError, SystemError, TypeError) as error:
            path.unlink(missing_ok=True)
            print(f"left out {path.name}: {error}", file=sys.stderr)

    def run(self, format, extension, tool, *arguments, name=None):
        """By a command; `OUT` among the arguments stands for the file, which else goes last."""
        if not shutil.which(tool):
            return
        words = [str(word) for word in arguments]
        name = name or "_".join(word.lstrip("-") for word in words if "/" not in word and word != "OUT")
        path = self.path(format, f"{tool}_{name}", extension)
        command = [tool] + ([word.replace("OUT", str(path)) for word in words] if any("OUT" in word for word in words)
                            else words + [str(path)])
        self.jobs.append((command, path))

    def finish(self):
        def work(job):
            command, path = job
            result = subprocess.run(command, capture_output=True, text=True, errors="replace")
            if result.returncode or not path.exists() or path.stat().st_size == 0:
                path.unlink(missing_ok=True)
                lines = result.stderr.strip().splitlines()
                print(f"left out {path.name}: {lines[-1] if lines else result.returncode}", file=sys.stderr)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(work, self.jobs))
        self.jobs = []


def jpeg(made):
    for (quality, sampling, progressive), size in zip(
            itertools.product([1, 10, 30, 50, 75, 90, 95, 100], ["4:4:4", "4:2:2", "4:2:0"], [False, True]),
            itertools.cycle(SIZES)):
        made.save("jpeg", f"q{quality}_{sampling}_{'prog' if progressive else 'seq'}", scene(*size), "jpg",
                  quality=quality, subsampling=sampling, progressive=progressive, optimize=quality == 30)
    for size in SMALL + [(8, 8), (9, 8), (16, 16), (17, 16), (3, 3), (5, 2), (300, 1), (1, 300)]:
        for sampling in ["4:4:4", "4:2:2", "4:2:0"]:
            made.save("jpeg", f"{size[0]}x{size[1]}_{sampling}", scene(*size), "jpg", subsampling=sampling)
    picture = scene(61, 47)
    for mode, progressive in itertools.product(["L", "CMYK", "YCbCr", "1"], [False, True]):
        made.save("jpeg", f"{mode}_{progressive}", picture.convert(mode), "jpg", progressive=progressive, quality=80)
    for blocks in [1, 2, 7]:
        made.save("jpeg", f"restart_blocks{blocks}", picture, "jpg", restart_marker_blocks=blocks)
        made.save("jpeg", f"restart_rows{blocks}", picture, "jpg", restart_marker_rows=blocks, progressive=True)
    made.save("jpeg", "rgb", picture, "jpg", keep_rgb=True)
    made.save("jpeg", "smooth", picture, "jpg", smooth=40)
    made.save("jpeg", "tables", picture, "jpg", qtables=[[min(255, 1 + i * 3) for i in range(64)], [99] * 64])
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        made.save("jpeg", f"orientation{orientation}", picture, "jpg", exif=exif)

    ppm = made.source("scene", picture, "ppm")
    pgm = made.source("grey", picture.convert("L"), "pgm")
    samplings = ["1x1", "2x1", "1x2", "2x2", "4x1", "1x4", "4x2", "2x4", "4x4", "2x2,2x1,1x2", "2x2,1x1,2x2",
                 "1x1,2x2,2x2", "2x1,1x1,2x1", "4x1,2x1,1x1", "3x1", "1x3", "3x3", "3x2", "1x1,1x2,1x2"]
    for sampling in samplings:
        for coding in [[], ["-progressive"], ["-arithmetic"], ["-progressive", "-arithmetic"]]:
            made.run("jpeg", "jpg", "cjpeg", "-sample", sampling, *coding, "-outfile", "OUT", ppm)
    for options in [
            *(["-dct", method, "-quality", q] for method in ["int", "fast", "float"] for q in ["40", "98"]),
            *(["-restart", count] for count in ["1", "1B", "3B", "2", "65535B"]),
            *(["-restart", count, "-arithmetic"] for count in ["1", "1B", "3B"]),
            *(["-smooth", str(level)] for level in [1, 50, 100]), ["-rgb"], ["-rgb", "-progressive"],
            ["-rgb", "-sample", "1x1", "-arithmetic"], ["-grayscale"], ["-grayscale", "-arithmetic"],
            ["-grayscale", "-sample", "2x2"], ["-optimize"], ["-optimize", "-quality", "5"],
            ["-quality", "1", "-baseline"], ["-quality", "1"], ["-quality", "0"], ["-quality", "100"],
            ["-quality", "90,20,60", "-qslots", "0,1,2"], ["-quality", "10", "-progressive", "-restart", "1"]]:
        made.run("jpeg", "jpg", "cjpeg", *options, "-outfile", "OUT", ppm)
    made.run("jpeg", "jpg", "cjpeg", "-progressive", "-outfile", "OUT", pgm, name="grey_progressive")
    scans = {"spectral": "0 1 2: 0 0 0 0; 0: 1 5 0 0; 1: 1 63 0 0; 2: 1 63 0 0; 0: 6 63 0 0;",
             "bits": "0: 0 0 0 4; 1: 0 0 0 3; 2: 0 0 0 2; 0: 0 0 4 3; 0: 0 0 3 2; 1: 0 0 3 2; 0: 0 0 2 1; 1: 0 0 2 1;"
                     "2: 0 0 2 1; 0: 0 0 1 0; 1: 0 0 1 0; 2: 0 0 1 0; 0: 1 63 0 3; 0: 1 63 3 2; 0: 1 63 2 1;"
                     "0: 1 63 1 0; 1: 1 63 0 1; 1: 1 63 1 0; 2: 1 63 0 0;",
             "apart": "0; 1; 2;", "pairs": "0 1; 2;", "reverse": "2; 1; 0;", "luma_last": "1 2; 0;"}
    for name, text in scans.items():
        script = made.sources / f"{name}.scans"
        script.write_text(text)
        for coding in [[], ["-arithmetic"], ["-sample", "1x1"], ["-restart", "1"]]:
            made.run("jpeg", "jpg", "cjpeg", "-scans", script, *coding, "-outfile", "OUT", ppm,
                     name=f"scans_{name}_{'_'.join(coding)}")
    made.finish()
    whole = made.source("whole", scene(130, 97), "jpg")
    for options in [["-rotate", "90"], ["-rotate", "180"], ["-flip", "horizontal"], ["-flip", "vertical"], ["-transpose"],
                    ["-transverse"], ["-crop", "64x48+16+16"], ["-wipe", "32x32+16+16"], ["-grayscale"],
                    ["-progressive"], ["-arithmetic"], ["-progressive", "-arithmetic"], ["-restart", "1"], ["-optimize"],
                    ["-trim", "-rotate", "90"], ["-perfect", "-crop", "32x32+0+0"]]:
        made.run("jpeg", "jpg", "jpegtran", *options, "-outfile", "OUT", whole)
    for options in [["-colorspace", "CMYK"], ["-colorspace", "Gray"], ["-interlace", "Plane"], ["-sampling-factor", "4:1:1"],
                    ["-sampling-factor", "4:4:0"], ["-sampling-factor", "4:1:0"], ["-define", "jpeg:dct-method=float"],
                    ["-define", "jpeg:optimize-coding=false"], ["-define", "jpeg:arithmetic-coding=true"],
                    ["-colorspace", "sRGB", "-set", "colorspace", "RGB"]]:
        for quality in [20, 92]:
            made.run("jpeg", "jpg", "convert", ppm, *options, "-quality", quality, "OUT")


def webp(made):
    picture, clear = scene(61, 47), with_alpha(scene(61, 47))
    png, png_alpha = made.source("scene", picture), made.source("clear", clear)
    large = made.source("large", scene(260, 197))
    for quality, method in itertools.product([0, 10, 35, 50, 75, 90, 100], range(7)):
        made.run("webp", "webp", "cwebp", "-q", quality, "-m", method, png, "-o", "OUT")
    for options in [
            *(["-preset", name] for name in ["default", "photo", "picture", "drawing", "icon", "text"]),
            *(["-lossless", "-z", level] for level in range(10)),
            *(["-lossless", "-q", q, "-m", m] for q, m in [(0, 0), (30, 3), (75, 4), (100, 6)]),
            *(["-near_lossless", level] for level in [0, 20, 40, 60, 80, 100]),
            *(["-segments", count] for count in range(1, 5)), *(["-sns", level] for level in [0, 50, 100]),
            *(["-f", level] for level in [0, 1, 30, 60, 100]),
            *(["-sharpness", level, "-f", 60] for level in range(8)),
            *(["-sharpness", level, "-f", 60, "-nostrong"] for level in range(8)),
            *(["-partition_limit", level] for level in [0, 50, 100]), *(["-pass", count] for count in [1, 6, 10]),
            ["-size", "900"], ["-psnr", "38"], ["-af"], ["-jpeg_like"], ["-sharp_yuv"], ["-pre", "1"], ["-pre", "2"],
            ["-crop", "3", "5", "40", "31"], ["-resize", "33", "0"], ["-mt"], ["-low_memory"], ["-hint", "graph"],
            ["-hint", "photo", "-lossless"], ["-qrange", "10", "30"], ["-noalpha"]]:
        made.run("webp", "webp", "cwebp", *options, png, "-o", "OUT")
        made.run("webp", "webp", "cwebp", *options, large, "-o", "OUT")
    for options in [
            *(["-alpha_q", q] for q in [0, 25, 50, 99, 100]),
            *(["-alpha_method", m, "-alpha_filter", f] for m in [0, 1] for f in ["none", "fast", "best"]),
            ["-exact", "-lossless"], ["-exact"], ["-blend_alpha", "0xff8000"], ["-alpha_cleanup"], ["-noalpha"],
            *(["-lossless", "-z", level] for level in range(0, 10, 3)), ["-lossless", "-alpha_q", "30"],
            *(["-near_lossless", level] for level in [0, 60])]:
        made.run("webp", "webp", "cwebp", *options, png_alpha, "-o", "OUT")
    for size in SMALL + [(17, 16), (15, 33), (300, 1), (1, 300), (256, 3)]:
        for options in [{"quality": 80}, {"lossless": True}, {"quality": 30, "method": 6}]:
            made.save("webp", f"{size[0]}x{size[1]}_{len(options)}", scene(*size), "webp", **options)
            made.save("webp", f"{size[0]}x{size[1]}_{len(options)}_alpha", with_alpha(scene(*size)), "webp", **options)
    colours = [picture.quantize(count).convert("RGB") for count in [1, 2, 3, 4, 5, 16, 17, 256]]
    for index, few in enumerate(colours):
        made.save("webp", f"colours_{index}", few, "webp", lossless=True)
    made.save("webp", "grey", picture.convert("L"), "webp", lossless=True)
    frames = [scene(40, 30, seed) for seed in range(3)]
    for options in [{"lossless": True}, {"quality": 60}, {"allow_mixed": True}, {"minimize_size": True},
                    {"kmin": 1, "kmax": 2}, {"background": (10, 20, 30, 128)}]:
        made.save("webp", f"animated_{next(iter(options))}", frames[0], "webp", save_all=True,
                  append_images=frames[1:], duration=80, **options)
        made.save("webp", f"animated_clear_{next(iter(options))}", with_alpha(frames[0]), "webp", save_all=True,
                  append_images=[with_alpha(frame) for frame in frames[1:]], **options)
    paths = [made.source(f"frame{index}", frame) for index, frame in enumerate(frames)]
    for options in [["-lossy"], ["-lossless"], ["-mixed"], ["-min_size"], ["-lossy", "-q", "20", "-m", "0"],
                    ["-near_lossless", "40"], ["-kmin", "1", "-kmax", "2"], ["-sharp_yuv"]]:
        made.run("webp", "webp", "img2webp", *options, *paths, "-o", "OUT")


def png(made):
    picture, clear = scene(61, 47), with_alpha(scene(61, 47))
    for mode in ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I"]:
        for size in SMALL + [(61, 47), (257, 2)]:
            base = with_alpha(scene(*size))
            image = grey16(*size) if mode == "I;16" else grey16(*size).convert("I") if mode == "I" else (
                base.convert("RGB").quantize(200) if mode == "P" else base.convert(mode))
            made.save("png", f"{mode}_{size[0]}x{size[1]}", image, "png")
    for bits, colours in [(1, 2), (2, 4), (4, 16), (8, 100)]:
        few = picture.quantize(colours)
        made.save("png", f"P{bits}", few, "png", bits=bits)
        made.save("png", f"P{bits}_clear", few, "png", bits=bits, transparency=colours - 1)
        made.save("png", f"P{bits}_alpha", few, "png", bits=bits, transparency=bytes(range(0, 256, 256 // colours)))
    made.save("png", "L_clear", picture.convert("L"), "png", transparency=picture.convert("L").getpixel((3, 3)))
    made.save("png", "RGB_clear", picture, "png", transparency=picture.getpixel((30, 25)))
    for level, strategy in itertools.product([0, 1, 6, 9], range(5)):
        made.save("png", f"level{level}_strategy{strategy}", clear, "png", compress_level=level, compress_type=strategy)
    made.save("png", "animated", picture, "png", save_all=True, append_images=[scene(61, 47, 5)], duration=50)
    made.save("png", "animated_default", picture, "png", save_all=True, default_image=True,
              append_images=[scene(61, 47, 5)])
    exif = Image.Exif()
    exif[0x0112] = 6
    made.save("png", "orientation", picture, "png", exif=exif)
    source, source_alpha = made.source("scene", picture), made.source("clear", clear)
    for filter, strategy, level in itertools.product(range(6), range(5), [1, 9]):
        made.run("png", "png", "convert", source, "-define", f"png:compression-filter={filter}", "-define",
                 f"png:compression-strategy={strategy}", "-define", f"png:compression-level={level}", "OUT",
                 name=f"filter{filter}_strategy{strategy}_level{level}")
    for (type, depths), interlace in itertools.product(
            [(0, [1, 2, 4, 8, 16]), (2, [8, 16]), (3, [1, 2, 4, 8]), (4, [8, 16]), (6, [8, 16])], ["None", "PNG"]):
        for depth, size in itertools.product(depths, ["61x47", "5x3", "1x9"]):
            made.run("png", "png", "convert", source_alpha, "-resize", size + "!", "-colors", min(2 ** depth, 256),
                     "-interlace", interlace, "-define", f"png:color-type={type}", "-define", f"png:bit-depth={depth}",
                     "OUT", name=f"type{type}_depth{depth}_{interlace}_{size}")
    for kind in ["png8", "png24", "png32", "png48", "png64", "png00"]:
        made.run("png", "png", "convert", source_alpha, f"{kind}:OUT", name=kind)


def gif(made):
    picture = scene(61, 47)
    for colours in [2, 3, 4, 5, 8, 16, 17, 64, 128, 256]:
        few = picture.quantize(colours)
        made.save("gif", f"colours{colours}", few, "gif", optimize=colours % 2 == 0)
        made.save("gif", f"colours{colours}_plain", few, "gif", interlace=False)
        made.save("gif", f"colours{colours}_clear", few, "gif", transparency=colours - 1)
    for size in SMALL + [(300, 7), (9, 9)]:
        made.save("gif", f"{size[0]}x{size[1]}", scene(*size).quantize(50), "gif")
        made.save("gif", f"{size[0]}x{size[1]}_L", scene(*size).convert("L"), "gif")
        made.save("gif", f"{size[0]}x{size[1]}_RGBA", with_alpha(scene(*size)), "gif")
    made.save("gif", "1", picture.convert("1"), "gif")
    for disposal in range(4):
        made.save("gif", f"animated{disposal}", picture.quantize(30), "gif", save_all=True, disposal=disposal,
                  append_images=[scene(61, 47, 4).quantize(30)], duration=50, loop=0)
    source, clear = made.source("scene", picture), made.source("clear", with_alpha(picture))
    for interlace, colours, dither in itertools.product(["None", "GIF"], [2, 7, 40, 256], ["None", "FloydSteinberg"]):
        made.run("gif", "gif", "convert", source, "-dither", dither, "-colors", colours, "-interlace", interlace, "OUT")
        made.run("gif", "gif", "convert", clear, "-dither", dither, "-colors", colours, "-interlace", interlace, "OUT")
    for layers in ["optimize", "optimize-plus", "coalesce", "optimize-transparency"]:
        made.run("gif", "gif", "convert", "-delay", 10, source, clear, "-layers", layers, "OUT", name=f"layers_{layers}")
    made.run("gif", "gif", "convert", source, "-page", "90x80+12+9", "OUT", name="page")
    made.run("gif", "gif", "convert", source, "-compress", "None", "OUT", name="uncompressed")


def bmp(made):
    for size, mode in itertools.product(SMALL + [(61, 47), (33, 4)], ["1", "L", "P", "RGB", "RGBA"]):
        base = with_alpha(scene(*size))
        made.save("bmp", f"{mode}_{size[0]}x{size[1]}", base.convert("RGB").quantize(90) if mode == "P" else base.convert(mode), "bmp")
        if mode != "RGBA":
            made.save("bmp", f"dib_{mode}_{size[0]}x{size[1]}", base.convert("RGB").quantize(90) if mode == "P" else base.convert(mode), "dib")
    source = made.source("clear", with_alpha(scene(61, 47)))
    opaque = made.source("scene", scene(61, 47))
    for version, kind in itertools.product(["bmp2", "bmp3", "bmp"], ["bilevel", "grayscale", "palette", "truecolor", "truecolorAlpha"]):
        made.run("bmp", "bmp", "convert", source, "-type", kind, f"{version}:OUT", name=f"{version}_{kind}")
    for colours, compress in itertools.product([2, 4, 16, 17, 256], ["None", "RLE"]):
        for version in ["bmp3", "bmp"]:
            made.run("bmp", "bmp", "convert", opaque, "-colors", colours, "-compress", compress, f"{version}:OUT",
                     name=f"{version}_colours{colours}_{compress}")
    for subtype in ["RGB555", "RGB565", "ARGB4444", "ARGB1555"]:
        made.run("bmp", "bmp", "convert", source, "-define", f"bmp:subtype={subtype}", "OUT", name=f"subtype_{subtype}")
    made.run("bmp", "bmp", "convert", source, "-define", "bmp3:alpha=true", "bmp3:OUT", name="bmp3_alpha")


def tiff(made):
    picture, clear = scene(61, 47), with_alpha(scene(61, 47))
    modes = {"1": picture.convert("1"), "L": picture.convert("L"), "LA": clear.convert("LA"), "P": picture.quantize(77),
             "RGB": picture, "RGBA": clear, "CMYK": picture.convert("CMYK"), "I;16": grey16(61, 47), "I;16B": None,
             "I": grey16(61, 47).convert("I"), "F": grey16(61, 47).convert("F"), "YCbCr": picture.convert("YCbCr"),
             "LAB": None}
    for (mode, image), compression in itertools.product(
            modes.items(), [None, "tiff_lzw", "packbits", "tiff_adobe_deflate", "tiff_deflate", "jpeg", "group3",
                            "group4", "tiff_ccitt", "zstd", "lzma", "webp", "tiff_raw_16"]):
        if image is not None:
            made.save("tiff", f"{mode}_{compression}", image, "tif", compression=compression)
    for mode in ["L", "RGB", "I;16", "1"]:
        made.save("tiff", f"big_{mode}", modes[mode], "tif", big_tiff=True)
        made.save("tiff", f"strips_{mode}", modes[mode], "tif", compression="tiff_lzw", strip_size=400)
    for orientation in range(1, 9):
        made.save("tiff", f"orientation{orientation}", picture, "tif", tiffinfo={274: orientation})
    made.save("tiff", "pages", picture, "tif", save_all=True, append_images=[scene(30, 30)])

    for channels, bits, planar, order, predictor in itertools.product([1, 2, 3, 4], [1, 2, 4, 8, 16], [0, 1], "<>", [1, 2]):
        if channels > 1 and bits < 8 or predictor == 2 and bits < 8 or planar and channels == 1:
            continue
        eight = np.array(clear.convert(["L", "LA", "RGB", "RGBA"][channels - 1])).reshape(47, 61, channels).astype(int)
        samples = eight * 257 + np.arange(61)[:, None] if bits == 16 else eight >> (8 - bits)
        for photometric in [0, 1] if channels < 3 else [2]:
            for extra in [(), (0,), (1,), (2,)] if channels % 2 == 0 else [()]:
                path = made.path("tiff", f"raw_{channels}x{bits}_planar{planar}_{'IM'[order == '>']}_predictor{predictor}"
                                 f"_photometric{photometric}_extra{''.join(map(str, extra))}", "tif")
                path.write_bytes(raw_tiff(samples % 65536, bits, photometric, planar, order, extra, predictor))
                # Deep grey is clipped in the comparison; a fourth sample that nothing is said of is opacity.
                if extra != (1,) and (channels, bits) != (1, 16):
                    made.truth(path, samples % 65536, bits, photometric == 0, extra == (2,) or channels == 4 and not extra)

    source, source_alpha = made.source("scene", picture), made.source("clear", clear)
    types = ["bilevel", "grayscale", "palette", "truecolor", "truecolorAlpha", "colorSeparation"]
    for kind, compress, endian in itertools.product(types, ["None", "LZW", "Zip", "RLE", "JPEG", "Group4", "Fax", "LZMA", "ZSTD"], ["LSB", "MSB"]):
        made.run("tiff", "tif", "convert", source_alpha, "-type", kind, "-compress", compress, "-endian", endian, "OUT",
                 name=f"{kind}_{compress}_{endian}")
    for depth, endian in itertools.product([1, 2, 4, 8, 16, 32], ["LSB", "MSB"]):
        for kind in ["grayscale", "truecolor", "grayscaleMatte", "truecolorMatte"]:
            made.run("tiff", "tif", "convert", source_alpha, "-type", kind, "-depth", depth, "-endian", endian,
                     "-define", "quantum:format=unsigned", "OUT", name=f"{kind}_depth{depth}_{endian}")
    for options in [["-interlace", "Plane"], ["-interlace", "Plane", "-depth", "16"], ["-define", "tiff:rows-per-strip=5"],
                    ["-define", "tiff:tile-geometry=32x16"], ["-define", "tiff:tile-geometry=32x16", "-compress", "LZW"],
                    ["-define", "tiff:fill-order=lsb"], ["-define", "tiff:fill-order=lsb", "-type", "bilevel"],
                    ["-define", "tiff:alpha=associated"], ["-define", "tiff:alpha=unassociated"],
                    ["-define", "tiff:alpha=unspecified"], ["-define", "quantum:polarity=min-is-white", "-type", "grayscale"],
                    ["-define", "quantum:polarity=min-is-white", "-type", "grayscale", "-depth", "16"],
                    ["-define", "quantum:polarity=min-is-white", "-type", "bilevel"],
                    ["-define", "quantum:format=floating-point", "-depth", "32", "-type", "grayscale"],
                    ["-define", "quantum:format=floating-point", "-depth", "16", "-type", "grayscale"],
                    ["-define", "quantum:format=floating-point", "-depth", "32"],
                    ["-define", "quantum:format=signed", "-type", "grayscale"], ["-colorspace", "CIELab"],
                    ["-colorspace", "YCbCr", "-compress", "JPEG"], ["-orient", "RightTop"]]:
        made.run("tiff", "tif", "convert", source_alpha, *options, "OUT")
        made.run("tiff", "tif", "convert", source, *options, "OUT")
    plain = {name: made.source(f"tiff_{name}", modes[name], "tif") for name in ["L", "RGB", "RGBA", "P", "1", "CMYK"]}
    plain["I16"] = made.source("tiff_I16", modes["I;16"], "tif")
    layouts = [["-s", "-r", "7"], ["-t", "-w", "32", "-l", "16"], ["-p", "separate"], ["-p", "separate", "-t", "-w", "16", "-l", "48"],
               ["-B"], ["-L", "-f", "lsb2msb"], ["-8", "-r", "11"]]
    for (mode, path), compression, layout in itertools.product(
            plain.items(), ["none", "lzw", "lzw:2", "zip", "zip:2", "packbits", "jpeg", "jpeg:r:90", "g4", "g3", "g3:2d"], layouts):
        if compression[0] == "g" and mode != "1" or compression[:4] == "jpeg" and mode not in ("L", "RGB"):
            continue
        made.run("tiff", "tif", "tiffcp", "-c", compression, *layout, path, "OUT",
                 name=f"{mode}_{compression}_{'_'.join(layout)}")


def pnm(made):
    for size, (mode, extension) in itertools.product(SMALL + [(61, 47)], [("1", "pbm"), ("L", "pgm"), ("RGB", "ppm"), ("I;16", "pgm"), ("F", "pfm")]):
        image = grey16(*size) if mode == "I;16" else scene(*size).convert("L").convert("F") if mode == "F" else scene(*size).convert(mode)
        made.save("pnm", f"{mode}_{size[0]}x{size[1]}", image, extension)
    source, clear = made.source("scene", scene(61, 47)), made.source("clear", with_alpha(scene(61, 47)))
    for extension, compress, depth in itertools.product(["pbm", "pgm", "ppm", "pnm"], ["None", "RLE"], [1, 2, 3, 4, 5, 8, 10, 12, 16]):
        made.run("pnm", extension, "convert", source, "-compress", compress, "-depth", depth, "OUT",
                 name=f"{compress}_depth{depth}")
    for kind, depth in itertools.product(["bilevel", "grayscale", "grayscaleMatte", "truecolor", "truecolorMatte"], [1, 2, 4, 8, 16]):
        made.run("pnm", "pam", "convert", clear, "-type", kind, "-depth", depth, "OUT", name=f"pam_{kind}_{depth}")


def tga(made):
    for size, mode, rle, orientation in itertools.product(SMALL[1:] + [(61, 47)], ["1", "L", "LA", "P", "RGB", "RGBA"], [False, True], [-1, 1]):
        base = with_alpha(scene(*size))
        made.save("tga", f"{mode}_{size[0]}x{size[1]}_{'rle' if rle else 'raw'}_{orientation}",
                  base.convert("RGB").quantize(60) if mode == "P" else base.convert(mode), "tga",
                  compression="tga_rle" if rle else None, orientation=orientation)
    source = made.source("clear", with_alpha(scene(61, 47)))
    for kind, compress in itertools.product(["bilevel", "grayscale", "palette", "truecolor", "truecolorMatte"], ["None", "RLE"]):
        made.run("tga", "tga", "convert", source, "-type", kind, "-compress", compress, "OUT")
    for orient in ["TopLeft", "TopRight", "BottomLeft", "BottomRight"]:
        made.run("tga", "tga", "convert", source, "-orient", orient, "OUT")


def ico(made):
    for size, format in itertools.product([1, 15, 16, 31, 32, 48, 64, 100, 255, 256], ["bmp", "png"]):
        for mode in ["RGB", "RGBA", "P", "L", "1"]:
            base = with_alpha(scene(size, size))
            made.save("ico", f"{mode}_{size}_{format}", base.convert("RGB").quantize(40) if mode == "P" else base.convert(mode),
                      "ico", bitmap_format=format, sizes=[(size, size)])
    made.save("ico", "many", with_alpha(scene(64, 64)), "ico", sizes=[(16, 16), (64, 64), (32, 32)])
    source = made.source("square", with_alpha(scene(48, 48)))
    for colours in [2, 16, 200]:
        made.run("ico", "ico", "convert", source, "-colors", colours, "OUT")
    made.run("ico", "ico", "convert", source, "-alpha", "off", "OUT")


def qoi(made):
    for size, mode in itertools.product(SMALL + SIZES, ["RGB", "RGBA"]):
        made.save("qoi", f"{mode}_{size[0]}x{size[1]}", with_alpha(scene(*size)).convert(mode), "qoi")
    for colours in [1, 2, 5, 40]:
        made.save("qoi", f"colours{colours}", scene(61, 47).quantize(colours).convert("RGB"), "qoi")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    made = Set(sys.argv[1])
    for family in [jpeg, webp, png, gif, bmp, tiff, pnm, tga, ico, qoi]:
        family(made)
        made.finish()
        folder = made.folder / family.__name__
        print(f"{family.__name__}: {sum(1 for _ in folder.iterdir()) if folder.exists() else 0} files")


if __name__ == "__main__":
    main()
