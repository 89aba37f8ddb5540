#!/usr/bin/env python3
"""Measures `clip bench` beside PyTorch, ONNX Runtime and OpenVINO: items per second, interleaved in one run.

  Scripts/setup_venv.sh --peers
  Scripts/.venv/bin/python Scripts/make_seeded_model.py --shape B/32 --out /tmp/b32
  Scripts/.venv/bin/python Scripts/bench_peers.py /tmp/b32 [--what image text] [--batch 1 32] [--threads 1 2]

Every engine runs in a process of its own with the threads asked for; in each round each of them runs for `--seconds`
in turn, and the medians of the rounds are compared, so that a machine whose speed drifts treats all alike. Pictures are
random pixels. Texts are short prompts: once padded to the context, as the peers' own pipelines run them, once as bare
ids (`text-unpadded`). The last column is our speed over that of the fastest peer.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PEERS = ("torch", "torch-compiled", "onnxruntime", "openvino")
PROMPT = [49406, 320, 1125, 539, 320, 1929, 49407]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="+", help="a Hugging Face folder")
    parser.add_argument("--clip", default=str(ROOT / ".build" / "release" / "clip"))
    parser.add_argument("--what", nargs="+", default=["image"], choices=("image", "text", "text-unpadded"))
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 32])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=PEERS)
    parser.add_argument("--dtype", nargs="+", default=["f32"], help="the weight types that clip is measured with")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--json", type=Path, help="also write the medians to this file")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        return serve(arguments)
    print(f"{cpu_name()}, {platform.system()}; items per second, medians of {arguments.rounds} rounds\n")
    names = [*arguments.peers, *(f"clip {dtype}" for dtype in arguments.dtype)]
    print(f"| model | what | batch | threads | {' | '.join(names)} | clip / best peer |")
    print(f"|{'---|' * (5 + len(names))}")
    rows = []
    for model in arguments.model:
        for what in arguments.what:
            for batch in arguments.batch:
                for threads in arguments.threads:
                    rows.append(measure(arguments, model, what, batch, threads))
    if arguments.json:
        arguments.json.write_text(json.dumps({"cpu": cpu_name(), "rows": rows}, indent=1))


def measure(arguments, model, what, batch, threads):
    workers = {name: start(name, model, what, batch, threads) for name in arguments.peers}
    packed = {dtype: pack(arguments.clip, model, dtype) for dtype in arguments.dtype}
    speeds = {name: [] for name in [*workers, *(f"clip {dtype}" for dtype in packed)]}
    try:
        for worker in workers.values():
            ask(worker, 0.1)
        for _ in range(arguments.rounds):
            for name, worker in workers.items():
                speeds[name].append(ask(worker, arguments.seconds))
            for dtype, file in packed.items():
                speeds[f"clip {dtype}"].append(bench(arguments, file, what, batch, threads))
    finally:
        for worker in workers.values():
            worker.kill()
    medians = {name: statistics.median(values) for name, values in speeds.items()}
    best = max((medians[name] for name in workers), default=float("nan"))
    ours = max(value for name, value in medians.items() if name.startswith("clip"))
    cells = " | ".join(f"{value:.1f}" for value in medians.values())
    print(f"| {model.name} | {what} | {batch} | {threads} | {cells} | {ours / best:.2f} |", flush=True)
    return {"model": model.name, "what": what, "batch": batch, "threads": threads, "items_per_second": medians}


def pack(clip, model, dtype):
    file = model / f"packed-{dtype}.clip"
    if not file.exists():
        subprocess.run([clip, "pack", str(model), "-o", str(file), "--dtype", dtype], check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip
    return file


def bench(arguments, file, what, batch, threads):
    command = [arguments.clip, "bench", "--model", str(file), "--what", what.split("-")[0], "--batch", str(batch),
               "--threads", str(threads), "--seconds", str(arguments.seconds), "--json"]  # fmt: skip
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return json.loads(output)["items_per_second"]


def start(name, model, what, batch, threads):
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1"}
    # A machine's set-up may pin an old OpenBLAS kernel; the peers should run as they come.
    for variable in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        environment.pop(variable, None)
    command = [sys.executable, __file__, str(model), "--worker", name, "--what", what, "--batch", str(batch),
               "--threads", str(threads)]  # fmt: skip
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def ask(worker, seconds):
    worker.stdin.write(f"{seconds}\n")
    worker.stdin.flush()
    line = worker.stdout.readline()
    if not line:
        sys.exit("bench_peers: a peer ended, see above")
    return float(line)


def serve(arguments):
    """One peer: reads a number of seconds a line, encodes for that long, answers with items per second."""
    import torch

    # What libraries print must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    torch.set_num_threads(arguments.threads[0])
    batch = arguments.batch[0]
    run = make_engine(arguments.worker, arguments.model[0], arguments.what[0], batch, arguments.threads[0])
    with torch.inference_mode():
        for line in sys.stdin:
            run()
            count, begin, limit = 0, time.perf_counter(), float(line)
            while (elapsed := time.perf_counter() - begin) < limit or count == 0:
                run()
                count += 1
            answers.write(f"{batch * count / elapsed}\n")
            answers.flush()


def make_engine(name, folder, what, batch, threads):
    import torch
    import torchvision_cpu  # noqa: F401
    from transformers import CLIPModel

    model = CLIPModel.from_pretrained(folder, dtype=torch.float32).eval()
    if what == "image":
        side = model.config.vision_config.image_size
        inputs = torch.rand(batch, 3, side, side) * 2 - 1
        encoder = make_encoder(model.vision_model, model.visual_projection)
    else:
        ids = PROMPT if what == "text-unpadded" else PROMPT + [49407] * (77 - len(PROMPT))
        inputs = torch.tensor([ids] * batch)
        encoder = make_encoder(model.text_model, model.text_projection)
    if name == "torch":
        return lambda: encoder(inputs)
    if name == "torch-compiled":
        compiled = torch.compile(encoder)
        return lambda: compiled(inputs)
    path = folder / f"{what}-{batch}.onnx"
    if not path.exists():
        torch.onnx.export(encoder, (inputs,), str(path), input_names=["input"], output_names=["output"], dynamo=True)
    if name == "onnxruntime":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        feed = {"input": inputs.numpy()}
        return lambda: session.run(None, feed)
    import openvino

    # float32, as everyone else in this table: by default it would use bfloat16 where the CPU has it.
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    request = openvino.compile_model(str(path), "CPU", settings).create_infer_request()
    array = inputs.numpy()
    return lambda: request.infer([array])


def make_encoder(tower, projection):
    import torch

    class Encoder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.tower, self.projection = tower, projection

        def forward(self, inputs):
            return self.projection(self.tower(inputs).pooler_output)

    return Encoder().eval()


def cpu_name():
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


main()
