#!/usr/bin/env python3
"""Times whole processes that embed a folder of photographs: `clip embed-image` beside Python pipelines.

  Scripts/.venv/bin/python Scripts/bench/bench_peers.py --prepare          # makes the model and what the engines need
  Scripts/.venv/bin/python Scripts/bench/bench_folder.py --models B32 [--engines onnxruntime openvino] [--threads 2]

The folder holds `--count` JPEGs of two megapixels, made of the example pictures when it is missing. A pipeline decodes,
resizes and crops with Pillow in a pool of as many workers as `clip` has threads, processes or threads (Pillow lets go of
the interpreter while it works), and encodes batches of 32 with an engine of as many threads, both at once; the best pool
counts. All write the embeddings to a NumPy file. Rounds are interleaved, medians are shown: wall seconds from start to
end, processor seconds, peak memory of the largest process.
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "Models" / "examples"
SIZES = ((1632, 1224), (1224, 1632), (1920, 1080))
MEAN, DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
BATCH = 32


def main():
    temporary = Path(tempfile.gettempdir())
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=temporary / "folder500")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--models", nargs="+", default=["B32"])
    parser.add_argument("--root", type=Path, default=temporary / "seeded")
    parser.add_argument("--clip", default=str(ROOT / ".build" / "release" / "clip"))
    parser.add_argument("--engines", nargs="+", default=["onnxruntime", "openvino"])
    parser.add_argument("--pools", nargs="+", default=["processes", "threads"], choices=("processes", "threads"))
    parser.add_argument("--dtype", nargs="+", default=["f32", "f16"])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        return embed_folder(arguments, *arguments.worker)
    if not arguments.folder.exists():
        make_folder(arguments.folder, arguments.count)
    for name in arguments.models:
        compare(arguments, name)


def compare(arguments, name):
    commands = {}
    with tempfile.TemporaryDirectory() as scratch:
        for dtype in arguments.dtype:
            commands[f"clip {dtype}"] = [
                arguments.clip, "embed-image", str(arguments.folder), "--threads", str(arguments.threads), "--quiet",
                "--model", str(arguments.root / name / f"packed-{dtype}.clip"), "--format", "npy",
                "-o", f"{scratch}/clip.npy"]  # fmt: skip
        for engine in arguments.engines:
            for pool in arguments.pools:
                commands[f"{engine}, {pool}"] = [
                    sys.executable, __file__, "--worker", engine, pool, "--folder", str(arguments.folder),
                    "--models", name, "--root", str(arguments.root), "--threads", str(arguments.threads)]  # fmt: skip
        runs = {label: [] for label in commands}
        for _ in range(arguments.rounds):
            for label, command in commands.items():
                runs[label].append(run(command, scratch))
    count = len(list(arguments.folder.iterdir()))
    best = min(statistics.median(r[0] for r in results) for label, results in runs.items() if "clip" not in label)
    print(f"\n{name}, {count} pictures, {arguments.threads} threads\n")
    print("| pipeline | wall s | pictures/s | processor s | peak MB | best pipeline / this |\n|---|---|---|---|---|---|")
    for label, results in runs.items():
        wall, processor, memory = (statistics.median(result[index] for result in results) for index in range(3))
        print(f"| {label} | {wall:.2f} | {count / wall:.1f} | {processor:.1f} | {memory:.0f} | {best / wall:.2f} |")


def run(command, folder):
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment, cwd=folder)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"bench_folder: {' '.join(command)} failed with status {status}")
    # The usage of a process includes that of the workers that it waited for.
    return time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def make_folder(folder, count):
    from PIL import Image

    folder.mkdir(parents=True)
    sources = sorted(path for path in EXAMPLES.iterdir() if path.suffix in (".png", ".jpg"))
    numbers = random.Random(5)
    for index in range(count):
        picture = Image.open(sources[index % len(sources)]).convert("RGB")
        left, top = numbers.random() * picture.width / 10, numbers.random() * picture.height / 10
        picture.resize(SIZES[index % 3], Image.BICUBIC, box=(left, top, picture.width, picture.height)).save(
            folder / f"{index:04}.jpg", quality=90)  # fmt: skip


def prepare(path):
    """The pixels of CLIP's preprocessing before normalising: 8-bit, 224 × 224."""
    import numpy
    from PIL import Image

    picture = Image.open(path).convert("RGB")
    scale = 224 / min(picture.size)
    picture = picture.resize([max(224, int(side * scale)) for side in picture.size], Image.BICUBIC)
    left, top = (picture.width - 224) // 2, (picture.height - 224) // 2
    return numpy.asarray(picture.crop((left, top, left + 224, top + 224)))


def embed_folder(arguments, engine, pool):
    import concurrent.futures
    import multiprocessing

    import numpy

    # Before the engine starts threads of its own, which a fork would not take along.
    if pool == "processes":
        workers = concurrent.futures.ProcessPoolExecutor(arguments.threads, multiprocessing.get_context("fork"))
    else:
        workers = concurrent.futures.ThreadPoolExecutor(arguments.threads)
    paths = sorted(arguments.folder.iterdir())
    ahead = [workers.submit(prepare, path) for path in paths[: 2 * BATCH]]
    import peers

    if engine == "torch":
        import torch

        torch.set_num_threads(arguments.threads)
        torch.inference_mode().__enter__()
    encode = peers.make_engine(
        engine, arguments.root / arguments.models[0], "image", min(BATCH, len(paths)), arguments.threads)  # fmt: skip
    factor = (1 / (255 * numpy.array(DEVIATION))).astype(numpy.float32)
    offset = (numpy.array(MEAN) / numpy.array(DEVIATION)).astype(numpy.float32)
    embeddings = []
    for start in range(0, len(paths), BATCH):
        squares = numpy.stack([future.result() for future in ahead[:BATCH]])
        following = paths[start + 2 * BATCH : start + 3 * BATCH]
        ahead = ahead[BATCH:] + [workers.submit(prepare, path) for path in following]
        pixels = (squares * factor - offset).transpose(0, 3, 1, 2)
        count = len(pixels)
        # The engines are compiled for one shape.
        if count < min(BATCH, len(paths)):
            pixels = numpy.concatenate([pixels, numpy.zeros((BATCH - count, *pixels.shape[1:]), numpy.float32)])
        found = encode(numpy.ascontiguousarray(pixels))[:count]
        embeddings.append(found / numpy.linalg.norm(found, axis=1, keepdims=True))
    numpy.save("embeddings.npy", numpy.concatenate(embeddings))
    workers.shutdown()


if __name__ == "__main__":
    main()
