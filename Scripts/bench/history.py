#!/usr/bin/env python3
"""Measures what `clip bench` does and appends it, a line, to a file that is kept: how fast each version was on each machine.

  history.py [--clip .build/release/clip] [--seconds 5] [--file Scripts/bench/history.jsonl] [--model MODEL …] [--processor-time]

A line has the version, the commit, the day, the processor and a figure for each of: pictures and texts, one at a time and 32 at once, on one
thread, with the embedded model and with those that --model names. It then says how the figures compare with the last line of the same processor, model
and clock. Compare versions on a quiet machine, or in processor time (--processor-time, which needs a C compiler): what else runs changes that little.
Python's standard library alone.
"""

import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def processor():
    try:
        return re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)[1]
    except (OSError, TypeError):
        return platform.processor() or platform.machine()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clip", type=Path, default=ROOT / ".build/release/clip")
    parser.add_argument("--seconds", default="5")
    parser.add_argument("--file", type=Path, default=ROOT / "Scripts/bench/history.jsonl")
    parser.add_argument("--model", action="append", default=[])
    parser.add_argument("--processor-time", action="store_true")
    options = parser.parse_args()
    clock, environment = "processor" if options.processor_time else "wall", dict(os.environ)
    if options.processor_time:
        library = Path(tempfile.gettempdir()) / "clip-processor-clock.so"
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, ROOT / "Scripts/bench/processor_clock.c"], check=True)
        environment["LD_PRELOAD"] = str(library)
    before = [json.loads(line) for line in options.file.read_text().splitlines()] if options.file.exists() else []
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    version = subprocess.run([options.clip, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    for model in ["embedded", *options.model]:
        line = {"version": version, "commit": commit, "day": datetime.date.today().isoformat(), "processor": processor(), "model": model,
                "clock": clock}
        for what in ("image", "text"):
            for batch in (1, 32):
                command = [options.clip, "bench", "--what", what, "--batch", str(batch), "--threads", "1", "--seconds", options.seconds,
                           "--model", model, "--json"]
                answer = json.loads(
                    subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.splitlines()[0])
                line[f"{what}_{batch}"] = round(answer["items_per_second"], 1)
                line["instruction_set"], line["dtype"] = answer["isa"], answer["dtype"]
        last = next((old for old in reversed(before) if all(old[key] == line[key] for key in ("processor", "model", "clock"))), None)
        for key in ("image_1", "image_32", "text_1", "text_32"):
            change = f", {line[key] / last[key]:.2f} of {last['commit']}'s" if last else ""
            print(f"{model}: {key}: {line[key]} a second{change}")
        with options.file.open("a") as file:
            file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
