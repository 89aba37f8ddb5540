#!/usr/bin/env python3
"""Measures `clip bench` beside PyTorch, ONNX Runtime, OpenVINO and open_clip: items per second, interleaved in one run.

  Scripts/setup_venv.sh --peers
  swift build -c release
  Scripts/.venv/bin/python Scripts/bench/bench_peers.py --models B32 --what image text labels --batch 1 32 1000

Every engine runs in a process of its own with the threads asked for; in each round each of them runs for `--seconds`
in turn, and the medians of the rounds are compared, so that a machine whose speed drifts treats all alike.

  image           random pixels, fitted already
  text            prompts of seven words that all differ, padded to 77 tokens as the peers' own pipelines pad them
  text-unpadded   the same, the peers handed the bare ids
  labels          "a photo of a …" with as many labels as the batch, padded for the peers

`clip` gets texts, and is timed with its tokenizer; the peers get ids. A batch of 1000 goes to the peers in parts of 40.
"f32 / best" is the faster of f32 and f16 over the fastest float32 peer, "int16 / best" int16 over the fastest that computes
in bfloat16 or float16, as its users get it, "int8 / best" int8 over the fastest int8 peer. clip.cpp encodes one after another.
`peers.py` says what cosine to float32 each of them leaves.

A model is a folder in `--root`, made there (Scripts/fixtures/make_seeded_model.py) and converted for the peers when it is
missing: minutes, once. `--prepare` does that alone. A row then takes about rounds × engines × seconds, and half a minute
to start the engines.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import peers
from history import processor

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WHAT = ("image", "text", "text-unpadded", "labels")
SHAPES = {"B32": "B/32", "B16": "B/16", "L14": "L/14", "L336": "L/14@336", "H14": "H/14"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["B32"], help=f"folders in --root: {', '.join(SHAPES)}")
    parser.add_argument("--root", type=Path, default=Path(tempfile.gettempdir()) / "seeded")
    parser.add_argument("--clip", default=str(ROOT / ".build" / "release" / "clip"))
    parser.add_argument("--what", nargs="+", default=["image"], choices=WHAT)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 32])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--peers", nargs="*", default=[*peers.ALL], choices=peers.ALL)
    parser.add_argument("--dtype", nargs="+", default=["f32", "f16", "int16", "int8"], help="what clip is measured with")
    parser.add_argument("--isa", help="the instruction set that clip computes with: avx2, avx512")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--out", type=Path, help="also append the table's rows to this Markdown file")
    parser.add_argument("--json", type=Path, help="also append each row's medians to this file, one object a line")
    parser.add_argument("--prepare", action="store_true", help="make what is missing, measure nothing")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        return serve(arguments)
    models = [prepared(arguments, name) for name in arguments.models]
    if arguments.prepare:
        return None
    names = [*arguments.peers, *(f"clip {dtype}" for dtype in arguments.dtype)]
    show(arguments, f"\n{processor()}, {platform.system()}; items per second, medians of {arguments.rounds} rounds\n")
    show(arguments, f"| model | what | batch | threads | {' | '.join(names)} | f32 / best | int16 / best | int8 / best |")
    show(arguments, "|" + "---|" * (7 + len(names)))
    for model in models:
        for what in arguments.what:
            for batch in arguments.batch:
                for threads in arguments.threads:
                    measure(arguments, model, what, batch, threads)


def show(arguments, line):
    print(line, flush=True)
    if arguments.out:
        with arguments.out.open("a") as file:
            file.write(line + "\n")


def prepared(arguments, name):
    """The model's folder with everything in it that the engines asked for need."""
    folder = arguments.root / name
    if not (folder / "model.safetensors").exists():
        run_quietly(sys.executable, HERE.parent / "fixtures" / "make_seeded_model.py", "--shape", SHAPES[name], "--out", folder)
    for dtype in arguments.dtype:
        if not packed(folder, dtype).exists():
            run_quietly(arguments.clip, "pack", folder, "-o", packed(folder, dtype), "--dtype", dtype)
    for tower in sorted({"image" if what == "image" else "text" for what in arguments.what}):
        wanted = {peer.split("-")[0] for peer in arguments.peers}
        if wanted & {"onnxruntime", "openvino"}:
            convert(folder, tower, "exported")
        if "onnxruntime-int8" in arguments.peers:
            convert(folder, tower, "quantised")
        if "openvino-int8" in arguments.peers:
            convert(folder, tower, "openvino_quantised")
    for peer in arguments.peers:
        if peer.startswith("clip.cpp-"):
            convert(folder, peer.removeprefix("clip.cpp-"), "clip_cpp_file")
    for what in ("text", "labels"):
        folder.joinpath(f"{what}.txt").write_text("\n".join(peers.prompts(folder, what)[0]) + "\n", encoding="utf-8")
    return folder


def convert(folder, part, function):
    """In a process of its own: what a conversion leaves in memory must not weigh on what is measured."""
    code = f"import sys, pathlib, peers; peers.{function}(pathlib.Path(sys.argv[1]), sys.argv[2])"
    run_quietly(sys.executable, "-c", code, folder, part, cwd=HERE)


def run_quietly(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if done.returncode:
        sys.exit(f"bench_peers: {' '.join(map(str, command))} failed:\n{done.stderr}")


def packed(folder, dtype):
    return folder / f"packed-{dtype}.clip"


def measure(arguments, model, what, batch, threads):
    # open_clip takes texts of its whole context alone.
    names = [name for name in arguments.peers if (name, what) != ("open_clip", "text-unpadded")]
    workers = {name: start(name, model, what, batch, threads) for name in names}
    speeds = {name: [] for name in [*workers, *(f"clip {dtype}" for dtype in arguments.dtype)]}
    try:
        for worker in workers.values():
            ask(worker, 0.1)
        for _ in range(arguments.rounds):
            for name, worker in workers.items():
                speeds[name].append(ask(worker, arguments.seconds))
            for dtype in arguments.dtype:
                speeds[f"clip {dtype}"].append(bench(arguments, model, dtype, what, batch, threads))
    finally:
        for worker in workers.values():
            worker.kill()
            worker.wait()
    medians = {name: statistics.median(values) for name, values in speeds.items()}
    floats = ratio(medians, ("clip f32", "clip f16"), peers.F32)
    sixteen = ratio(medians, ("clip int16",), peers.SIXTEEN)
    bytes_ = ratio(medians, ("clip int8",), peers.INT8)
    columns = [*arguments.peers, *(f"clip {dtype}" for dtype in arguments.dtype)]
    cells = " | ".join(f"{medians[name]:.1f}" if name in medians else "–" for name in columns)
    show(arguments, f"| {model.name} | {what} | {batch} | {threads} | {cells} | {floats} | {sixteen} | {bytes_} |")
    if arguments.json:
        row = {"cpu": processor(), "model": model.name, "what": what, "batch": batch, "threads": threads}
        with arguments.json.open("a") as file:
            file.write(json.dumps({**row, "isa": arguments.isa, "items_per_second": medians}) + "\n")


def ratio(medians, ours, theirs):
    best = [max((medians[name] for name in names if name in medians), default=0) for names in (ours, theirs)]
    return f"{best[0] / best[1]:.2f}" if all(best) else "–"


def bench(arguments, model, dtype, what, batch, threads):
    command = [arguments.clip, "bench", "--model", str(packed(model, dtype)), "--batch", str(batch),
               "--threads", str(threads), "--seconds", str(arguments.seconds), "--json"]  # fmt: skip
    if what == "image":
        command += ["--what", "image"]
    else:
        command += ["--what", "text", "--file", str(model / ("labels.txt" if what == "labels" else "text.txt"))]
    environment = {**os.environ, "CLIP_ISA": arguments.isa or ""}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(f"bench_peers: {' '.join(command)} failed: {done.stderr}")
    return json.loads(done.stdout)["items_per_second"]


def start(name, model, what, batch, threads):
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1"}
    # A machine's set-up may pin an old OpenBLAS kernel; the peers should run as they come.
    for variable in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        environment.pop(variable, None)
    command = [sys.executable, __file__, "--root", str(model.parent), "--models", model.name, "--worker", name,
               "--what", what, "--batch", str(batch), "--threads", str(threads)]  # fmt: skip
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                            text=True, env=environment)  # fmt: skip


def ask(worker, seconds):
    worker.stdin.write(f"{seconds}\n")
    worker.stdin.flush()
    line = worker.stdout.readline()
    if not line:
        sys.exit(f"bench_peers: a peer ended; to see why: {' '.join(worker.args)}")
    return float(line)


def serve(arguments):
    """One peer: reads a number of seconds a line, encodes for that long, answers with items per second."""
    import torch

    # What libraries print must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    threads, batch, what = arguments.threads[0], arguments.batch[0], arguments.what[0]
    torch.set_num_threads(threads)
    folder = arguments.root / arguments.models[0]
    batches = peers.make_batches(folder, what, batch, peers.image_side(folder))
    run = peers.make_engine(arguments.worker, folder, what, batch, threads)
    with torch.inference_mode():
        for line in sys.stdin:
            limit = float(line)
            run(batches[0])
            count, index, begin = 0, 0, time.perf_counter()
            while (elapsed := time.perf_counter() - begin) < limit or count == 0:
                run(batches[index % len(batches)])
                count += len(batches[index % len(batches)])
                index += 1
            answers.write(f"{count / elapsed}\n")
            answers.flush()


main()
