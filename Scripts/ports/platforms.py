#!/usr/bin/env python3
"""Typechecks what is written for other systems than this one, with modules of a few declarations in place of theirs.

`canImport(Darwin)` holds wherever a module of that name is on the compiler's path: with those in stubs/ the package's modules
are compiled, in their order, as far as their interfaces and bodies are checked, and nothing is linked. The stubs declare what
the package takes of a system, by the system's public documentation: what is equal in this system's C library is taken
from there by name, so that what only this system has is missing.

usage: platforms.py [darwin | musl]…   (both)
"""
import json
import pathlib
import subprocess
import sys
import tempfile

ROOM = pathlib.Path(__file__).resolve().parent
PACKAGE = ROOM.parents[1]
# The modules of each system, those first that others import.
STUBS = {"darwin": ["DarwinTypes", "Darwin", "MachO", "CoreFoundation", "CoreServices", "CoreGraphics", "CoreVideo", "ImageIO"], "musl": ["MuslTypes", "Musl"]}


def run(arguments):
    result = subprocess.run(arguments, capture_output=True, text=True)
    if result.returncode:
        lines = [line for line in (result.stdout + result.stderr).splitlines() if ": error:" in line]
        print("\n".join(dict.fromkeys(lines)) or result.stderr, file=sys.stderr)
    return result.returncode == 0


def in_order(targets):
    """The library and program targets, each after those that it depends on."""
    done = []

    def add(name):
        if name in done or name not in targets:
            return
        for dependency in targets[name]["dependencies"]:
            add(dependency["byName"][0])
        done.append(name)

    for name in targets:
        add(name)
    return done


def main():
    systems = sys.argv[1:] or list(STUBS)
    manifest = json.loads(subprocess.run(
        ["swift", "package", "--package-path", PACKAGE, "dump-package"], check=True, capture_output=True, text=True).stdout)
    targets = {t["name"]: t for t in manifest["targets"] if t["type"] in ("regular", "executable") and "Tests" not in (t.get("path") or "")}
    failed = []
    for system in systems:
        missing = []
        with tempfile.TemporaryDirectory() as folder:
            common = ["swiftc", "-emit-module", "-swift-version", "6", "-I", folder, "-enable-experimental-feature", "BuiltinModule",
                      "-suppress-warnings", "-package-name", manifest["name"], "-wmo"]
            for stub in STUBS[system]:
                sources = sorted((ROOM / "stubs" / stub).glob("*.swift"))
                if stub in ("Darwin", "Musl"):
                    sources.append(ROOM / "stubs" / "Same.swift")
                if not run([*common, "-parse-as-library", "-module-name", stub, "-emit-module-path", f"{folder}/{stub}.swiftmodule", *sources]):
                    sys.exit(f"platforms: the stub {stub} doesn't compile")
            for name in in_order(targets):
                target = targets[name]
                path = PACKAGE / (target.get("path") or f"Sources/{name}")
                excluded = [path / e for e in target["exclude"]]
                sources = [s for s in sorted(path.rglob("*.swift")) if not any(s.is_relative_to(e) for e in excluded)
                           and not any(part.endswith(".docc") for part in s.parts)]
                flags = [flag for setting in target["settings"] for flag in setting["kind"].get("unsafeFlags", {}).get("_0", [])]
                # Of a target's options those of the C compiler: they say which instructions there are.
                flags = flags[flags.index("-Xcc"):] if "-Xcc" in flags else []
                if (path / "clip-small.clip").exists():
                    # What SwiftPM makes where a target has resources.
                    accessor = pathlib.Path(folder, "accessor.swift")
                    accessor.write_text("import Foundation\nextension Bundle { static var module: Bundle { .main } }\n")
                    sources.append(accessor)
                library = ["-parse-as-library"] if target["type"] == "regular" else []
                if any(d["byName"][0] in missing for d in target["dependencies"]):
                    missing.append(name)
                    continue
                if not run([*common, *library, *flags, "-module-name", name, "-emit-module-path", f"{folder}/{name}.swiftmodule",
                            *sources]):
                    missing.append(name)
        print(f"platforms: {system}: {len(targets)} modules, {len(missing)} of which don't compile")
        failed += [f"{name} for {system}" for name in missing]
    if failed:
        sys.exit("platforms: not compiled: " + ", ".join(failed))


if __name__ == "__main__":
    main()
