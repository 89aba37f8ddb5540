#!/usr/bin/env python3
"""Compiles the kernels for arm64 with the host's own toolchain, without any library of the other architecture, and counts what
their loops became (count_instructions.py).

Swift's Embedded mode has the standard library for bare processors: enough for the kernels, which use nothing else. Settings of
targets are Package.swift's. Fails when something doesn't compile, when a hot loop has fewer products per instruction than it
should, or when it keeps sums on the stack.

usage: kernels.py [--table] [FOLDER]
    --table   every loop that multiplies
    FOLDER    takes the objects (else they are thrown away)
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import count_instructions

PACKAGE = pathlib.Path(__file__).resolve().parents[2]
# Modules in the order of their dependencies, and what a loop of each must reach: products per instruction by kind.
MODULES = {
    "CLIPKernels": {},
    "CLIPKernelsBaseline": {"float": 2.4, "half": 2.4, "widening": 3},
    "CLIPKernelsDotProduct": {"int8": 8},
    "CLIPKernelsI8MM": {"int8": 8},
}


def settings(target):
    """The compiler options and features that the manifest gives a target."""
    options = []
    for setting in target["settings"]:
        kind, value = next(iter(setting["kind"].items()))
        if kind == "unsafeFlags":
            options += value["_0"]
        elif kind == "enableExperimentalFeature":
            options += ["-enable-experimental-feature", value["_0"]]
    return options


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", action="store_true")
    parser.add_argument("folder", nargs="?")
    arguments = parser.parse_args()
    manifest = json.loads(subprocess.run(
        ["swift", "package", "--package-path", PACKAGE, "dump-package"], check=True, capture_output=True, text=True).stdout)
    targets = {target["name"]: target for target in manifest["targets"]}
    failures = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(arguments.folder or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for module, least in MODULES.items():
            target = targets[module]
            sources = sorted((PACKAGE / target["path"]).rglob("*.swift"))
            output = folder / f"{module}.o"
            subprocess.run(
                ["swiftc", "-target", "aarch64-none-none-elf", "-enable-experimental-feature", "Embedded", "-swift-version", "6",
                 "-parse-as-library", "-package-name", manifest["name"], "-module-name", module, "-I", folder,
                 "-emit-module-path", folder / f"{module}.swiftmodule", *settings(target), *sources]
                # One object; and no code of the generic module, which is compiled where it is used.
                + (["-num-threads", "0", "-c", "-o", output] if least else ["-emit-module"]), check=True)
            if least:
                failures += count_instructions.report(output, least, all_loops=arguments.table)
    for failure in failures:
        print(f"kernels: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
