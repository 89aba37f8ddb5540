#!/usr/bin/env python3
"""Which lines the tests reach, by folder, and the files that they reach least.

  coverage.py [--least N] [-- OPTIONS OF SWIFT TEST…]

Builds and runs the tests with the compiler's counters, in a build of its own (.build/coverage), and reads what they counted.
Programs that tests start count too, unless a signal ends them. Modules for another architecture than this machine's are empty here.
"""

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Where lines are not reached for a reason.
REASONS = {
    "Sources/Command/CLIPPullCommand": "what a signal ends",
    "Sources/Compute/CLIPKernelsI8MM": "arm64 alone",
    "Sources/Compute/CLIPKernelsDotProduct": "arm64 alone",
    "Sources/System/CLIPSystem": "failures of the system, which Scripts/faults brings about",
}

# Where files may not grow, programs can't write what they counted, and say so.
SKIPPED = ["A file that may not grow leaves what stood there", "A model that doesn't fit is not exported, and leaves nothing",
           "A full disk is a clear error and leaves what was there"]  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--least", type=int, default=20, help="how many of the files reached least are named")
    parser.add_argument("options", nargs="*", help="options of swift test, after --")
    options = parser.parse_args()
    base = ["swift", "test", "--scratch-path", str(ROOT / ".build/coverage")]
    done = subprocess.run([*base, "--enable-code-coverage", *(word for test in SKIPPED for word in ("--skip", test)), *options.options], cwd=ROOT)
    if done.returncode:
        return done.returncode
    path = subprocess.run([*base, "--show-codecov-path"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    folders, files = defaultdict(lambda: [0, 0]), []
    for file in json.loads(Path(path).read_text())["data"][0]["files"]:
        name = Path(file["filename"])
        if not name.is_relative_to(ROOT / "Sources"):
            continue
        lines = file["summary"]["lines"]
        relative = str(name.relative_to(ROOT))
        folder = "/".join(relative.split("/")[:3 if relative.split("/")[1] in ("Command", "Compute", "Formats", "System") else 2])
        folders[folder][0] += lines["covered"]
        folders[folder][1] += lines["count"]
        files.append((lines["percent"], lines["count"] - lines["covered"], relative))
    print("| folder | lines | reached | what is not |\n|---|---|---|---|")
    for folder, (covered, count) in sorted(folders.items()):
        print(f"| `{folder}` | {count} | {100 * covered / max(count, 1):.1f} % | {REASONS.get(folder, '')} |")
    covered, count = (sum(values[i] for values in folders.values()) for i in (0, 1))
    print(f"| all | {count} | {100 * covered / max(count, 1):.1f} % | |")
    print("\nLeast of all, files with more than ten lines not reached:")
    for percent, missing, name in sorted(file for file in files if file[1] > 10)[:options.least]:
        print(f"  {percent:5.1f} %  {missing:4} lines  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
