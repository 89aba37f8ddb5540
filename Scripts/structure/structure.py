#!/usr/bin/env python3
"""Measures the house: cycles between folders and modules, and the figures that say how it is built.

  structure.py [--cycles] [--arrows] [--build FOLDER]

Without an option: a table of figures, then the cycles. --cycles: the cycles alone, exit code 1 if there is one (`.ci/run`
asks so). --arrows: every arrow between folders with the uses that make it. --build: the debug build whose index is read
(.build/debug). Python's standard library and the toolchain's libIndexStore, nothing else.

A folder's name is its path below Sources; the files that lie directly in a module are its folder "·". Folder A points at folder
B when a file of A uses what a file of B declares. Members that B declares in an extension count like types.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import index_store as index

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("Sources", "Models")
ADAPTER = re.compile(r"\{ \(\) (async )?throws\(\w+\) in try")
TABLES = re.compile(r"(Table|Tables|CLIPMerges|KnownModelRows)\.swift$")


def room(path, module):
    """The folder of a file, by the folder of its module: Sources/CLIP/Encoders/A.swift is CLIP/Encoders."""
    parts = path.parts[1:-1] if path.parts[0] == "Sources" else path.parts[:-1]
    return "/".join(parts) if len(parts) > depth_of_module[module] else "/".join(parts) + "/·"


def components(graph):
    """Strongly connected components of two nodes and more (Tarjan, 1972), without recursion."""
    number, low, stack, on_stack, found = {}, {}, [], set(), []
    for start in graph:
        if start in number:
            continue
        work = [(start, iter(sorted(graph[start])))]
        number[start] = low[start] = len(number)
        stack.append(start), on_stack.add(start)
        while work:
            node, following = work[-1]
            for other in following:
                if other not in number:
                    number[other] = low[other] = len(number)
                    stack.append(other), on_stack.add(other)
                    work.append((other, iter(sorted(graph.get(other, ())))))
                    break
                if other in on_stack:
                    low[node] = min(low[node], number[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == number[node]:
                    component = []
                    while True:
                        other = stack.pop()
                        on_stack.discard(other)
                        component.append(other)
                        if other == node:
                            break
                    if len(component) > 1:
                        found.append(sorted(component))
    return found


def arrows(files):
    """{(folder, folder): ["file:line name", …]} of uses that leave a folder, and the same between modules."""
    home = {}
    for path, (module, occurrences) in files.items():
        for occurrence in occurrences:
            if occurrence.roles & (index.DEFINITION | index.DECLARATION) and occurrence.symbol.kind not in (
                index.MODULE, index.PARAMETER, index.EXTENSION
            ):
                home.setdefault(occurrence.symbol.usr, (path, module))
    between_folders, between_modules = defaultdict(list), defaultdict(list)
    for path, (module, occurrences) in files.items():
        for occurrence in occurrences:
            if not occurrence.roles & index.REFERENCE or occurrence.symbol.usr not in home:
                continue
            other, other_module = home[occurrence.symbol.usr]
            use = f"{path}:{occurrence.line} {occurrence.symbol.name}"
            if module != other_module:
                between_modules[module, other_module].append(use)
            here, there = room(path, module), room(other, other_module)
            if here != there:
                between_folders[here, there].append(use)
    return between_folders, between_modules


def graph_of(pairs):
    graph = defaultdict(set)
    for here, there in pairs:
        graph[here].add(there)
        graph[there]
    return graph


def public_symbols():
    """{module: symbols} that a documentation page would have, of the library products."""
    manifest = json.loads(subprocess.check_output(["swift", "package", "describe", "--type", "json"], cwd=ROOT))
    triple = json.loads(subprocess.check_output(["swiftc", "-print-target-info"]))["target"]["triple"]
    counts = {}
    for product in manifest["products"]:
        if "library" not in product["type"]:
            continue
        for module in product["targets"]:
            with tempfile.TemporaryDirectory() as folder:
                subprocess.run(
                    ["swift", "symbolgraph-extract", "-module-name", module, "-I", options.build / "Modules", "-target", triple,
                     "-minimum-access-level", "public", "-skip-synthesized-members", "-output-dir", folder], check=True, capture_output=True)
                counts[module] = len(json.loads((Path(folder) / f"{module}.symbols.json").read_text(encoding="utf-8"))["symbols"])
    return counts


def figures(files):
    """[(name, figure)]"""
    lines = {path: (ROOT / path).read_text(encoding="utf-8").count("\n") for path in files}
    sizes = sorted(lines.values())
    errors = {}
    for path, (module, occurrences) in files.items():
        for occurrence in occurrences:
            if occurrence.symbol.usr == "s:s5ErrorP":
                for base in occurrence.bases:
                    errors[base.name] = path
    command = sum(count for path, count in lines.items() if files[path][0] in ("CLIPCommand", "clip"))
    adapters = sum(len(ADAPTER.findall((ROOT / path).read_text(encoding="utf-8"))) for path in files)
    return [
        ("files", len(sizes)),
        ("lines", sum(sizes)),
        ("lines of tables", sum(count for path, count in lines.items() if TABLES.search(path.name))),
        ("median, 90th percentile, largest file", f"{statistics.median(sizes):.0f}, {sizes[len(sizes) * 9 // 10]}, {sizes[-1]}"),
        ("public symbols", ", ".join(f"{count} in {module}" for module, count in public_symbols().items())),
        ("error types", f"{len(errors)}: {', '.join(sorted(errors))}"),
        ("adapter closures", adapters),
        ("lines of the command", command),
    ]


parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--cycles", action="store_true")
parser.add_argument("--arrows", action="store_true")
parser.add_argument("--build", type=Path, default=ROOT / ".build/debug")
options = parser.parse_args()

everything = index.read(options.build / "index/store", ROOT)
sources = {path: row for path, row in everything.items() if path.parts[0] in SOURCES}
# Steps of a tutorial are resources of the documentation: Scripts/docs/build.py compiles them.
files = [path for folder in SOURCES for path in (ROOT / folder).rglob("*.swift") if ".docc/" not in str(path)]
missing = [path for path in files if path.relative_to(ROOT) not in sources]
if missing:
    sys.exit(f"structure.py: {missing[0].relative_to(ROOT)} and {len(missing) - 1} more stand in no index: build them first")
roots = defaultdict(set)
for path, (module, _) in sources.items():
    roots[module].add(path.parts[1:-1] if path.parts[0] == "Sources" else path.parts[:-1])
depth_of_module = {module: len(os.path.commonprefix(sorted(found))) for module, found in roots.items()}

folders, modules = arrows(sources)
if options.arrows:
    for (here, there), uses in sorted(folders.items()):
        print(f"{here} → {there}: {len(uses)} uses, {', '.join(sorted(set(uses))[:4])}")
    sys.exit(0)
if not options.cycles:
    for name, figure in figures(sources):
        print(f"{name}: {figure}")

cycles = components(graph_of(modules)) + components(graph_of(folders))
for cycle in cycles:
    print(f"cycle of {len(cycle)}: {', '.join(cycle)}")
    inside = [(len(uses), pair, uses) for pair, uses in folders.items() if set(pair) <= set(cycle)]
    for count, (here, there), uses in sorted(inside)[:12]:
        print(f"    {here} → {there}: {count} uses, first {sorted(uses)[0]}")
print(f"cycles between folders or modules: {len(cycles)}")
sys.exit(1 if cycles else 0)
