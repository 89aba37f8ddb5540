#!/usr/bin/env python3
"""The documentation site, from the catalogues `Sources/*/*.docc` and the modules of a debug build, by the toolchain's docc.

  build.py [FOLDER]

Writes a static site (.build/docs by default) with the three libraries in one. Every warning of docc is an error. The code of the articles
and of the tutorial is compiled: the blocks fenced `swift` of an article as one file, each step of a tutorial by itself.
Needs a debug build, the toolchain and Python's standard library.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "Scripts/release"))
from interface import LIBRARIES, symbol_graph  # noqa: E402

MODULES = ROOT / ".build/debug/Modules"


def code(module):
    """(where from, source) of everything that is compiled."""
    catalogue = ROOT / f"Sources/{module}/{module}.docc"
    for article in sorted(catalogue.glob("*.md")):
        blocks = re.findall(r"^```swift\n(.*?)^```$", article.read_text(), re.MULTILINE | re.DOTALL)
        if blocks:
            yield article, "\n".join(blocks)
    for step in sorted(catalogue.glob("Resources/*.swift")):
        yield step, step.read_text()


def compile_code(folder):
    """Compiles every example against the libraries; the number of those that don't."""
    failures = 0
    for module in LIBRARIES:
        for origin, source in code(module):
            work = folder / "code" / origin.stem
            work.mkdir(parents=True)
            (work / "main.swift").write_text(source)
            done = subprocess.run(
                ["swiftc", "-typecheck", "-swift-version", "6", "-I", MODULES, work / "main.swift"], capture_output=True, text=True)
            if done.returncode or "warning:" in done.stderr:
                failures += 1
                print(f"docs/build.py: the code of {origin.relative_to(ROOT)} doesn't compile:\n{done.stderr}", file=sys.stderr)
    return failures


def archive(module, folder, shared):
    """`shared` is the graph of CLIPSystem, whose error every library exports again: it is documented in each."""
    graphs = folder / "graphs" / module
    graphs.mkdir(parents=True)
    graph = symbol_graph(module, graphs)
    graph["symbols"] += shared["symbols"]
    graph["relationships"] += shared["relationships"]
    (graphs / f"{module}.symbols.json").write_text(json.dumps(graph))
    output = folder / f"{module}.doccarchive"
    done = subprocess.run(
        ["docc", "convert", ROOT / f"Sources/{module}/{module}.docc", "--additional-symbol-graph-dir", graphs, "--output-path", output,
         "--fallback-display-name", module, "--fallback-bundle-identifier", module, "--warnings-as-errors"])
    return output if done.returncode == 0 else None


def main():
    site = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / ".build/docs").resolve()
    work = site.parent / (site.name + "-parts")
    for folder in (site, work):
        shutil.rmtree(folder, ignore_errors=True)
    work.mkdir(parents=True)
    failures = compile_code(work)
    shared = symbol_graph("CLIPSystem", work)
    archives = [archive(module, work, shared) for module in LIBRARIES]
    if failures or None in archives:
        return 1
    subprocess.run(["docc", "merge", *archives, "--synthesized-landing-page-name", "clip", "--output-path", site], check=True)
    shutil.rmtree(work)
    print(f"docs/build.py: {site}: {sum(1 for _ in site.rglob('*.json'))} pages of data")
    return 0


if __name__ == "__main__":
    sys.exit(main())
