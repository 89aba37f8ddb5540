#!/usr/bin/env python3
"""What users of this version can rely on, as text, beside what is there now.

  interface.py [--update] [--clip PROGRAM]

Reads the public declarations of the three libraries from the modules of a debug build, commands and options from the completions that
`clip` prints, and the fields of its records from the commands of Scripts/structure/compare_commands.py over the fixtures; compares them
with Scripts/release/interface/*.txt, a line each. What has come in addition is fine. What is gone or has changed breaks those who use it:
once the version is released (its section in CHANGELOG.md has a date) it must be named in backquotes under "Unreleased" there; before
that, --update is enough. Fails too where CHANGELOG.md or README.md name another version than the program. Exit status 1 if anything
fails. Needs the toolchain and Python's standard library.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BASELINE = ROOT / "Scripts/release/interface"
LIBRARIES = ["CLIP", "PictureCollections", "CLIPHub"]
sys.path.insert(0, str(ROOT / "Scripts/structure"))
sys.dont_write_bytecode = True


def symbol_graph(module, folder, modules=ROOT / ".build/debug/Modules", options=()):
    """The public symbols of a module of a debug build."""
    machine = subprocess.run(["swiftc", "-print-target-info"], capture_output=True, text=True, check=True).stdout
    subprocess.run(
        ["swift-symbolgraph-extract", "-module-name", module, "-I", modules, "-target", json.loads(machine)["target"]["triple"],
         "-minimum-access-level", "public", "-skip-synthesized-members", "-output-dir", folder, *options], check=True)
    return json.loads((Path(folder) / f"{module}.symbols.json").read_text())


def declarations(graph):
    """A line a symbol: where it stands, and how it is declared; a line a conformance."""
    names = {symbol["identifier"]["precise"]: ".".join(symbol["pathComponents"]) for symbol in graph["symbols"]}
    lines = set()
    for symbol in graph["symbols"]:
        declaration = re.sub(r"\s+", " ", "".join(part["spelling"] for part in symbol["declarationFragments"])).strip()
        lines.add(f"{'.'.join(symbol['pathComponents'])} | {declaration}")
    for relation in graph["relationships"]:
        if relation["kind"] == "conformsTo" and relation["source"] in names:
            protocol = names.get(relation["target"], relation.get("targetFallback", ""))
            # Which of these the compiler writes down depends on its version.
            if protocol and not re.search(r"Copyable|Escapable|SendableMetatype|BitwiseCopyable", protocol):
                lines.add(f"{names[relation['source']]} | conforms to {protocol}")
    return lines


def libraries():
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        # The error of all three, which each exports again.
        shared = declarations(symbol_graph("CLIPSystem", folder))
        for module in LIBRARIES:
            found[module] = declarations(symbol_graph(module, folder)) | (shared if module == "CLIP" else set())
    return found


def command_line(program):
    """A line an option and a choice, of fish's completions, which are lines alike."""
    script = subprocess.run([program, "--generate-completion-script", "fish"], capture_output=True, text=True, check=True).stdout
    lines = set()
    for line in script.splitlines():
        command = re.search(r"-n '?__clip_in (\S+?)'? ", line)
        name, short = re.search(r" -l (\S+)", line), re.search(r" -s (\S+)", line)
        if not command or not name:
            continue
        option = f"clip {command[1]} --{name[1]}"
        lines.add(option + (" with a value" if re.search(r" -[xr] ", line) else ""))
        if short:
            lines.add(f"clip {command[1]} -{short[1]}")
        choices = re.search(r" -x -a '([^'(]*)'", line)
        lines |= {f"{option} {choice}" for choice in (choices[1].split() if choices else [])}
    for name in re.findall(r"^complete -c clip -n __fish_use_subcommand -a (\S+)", script, re.MULTILINE):
        helped = subprocess.run([program, "help", name], capture_output=True, text=True, check=True).stdout
        lines.add(re.search(r"^USAGE: (.*)", helped, re.MULTILINE)[1])
    return lines


def fields(value, place):
    kind = {dict: "object", list: "array", str: "string", bool: "boolean", int: "number", float: "number"}.get(type(value))
    if kind and place.count("."):
        yield f"{place} {kind}"
    if isinstance(value, dict):
        for name, member in value.items():
            yield from fields(member, f"{place}.{name}")
    elif isinstance(value, list):
        for member in value[:50]:
            yield from fields(member, place + "[]")


def records(program):
    import compare_commands

    lines = set()
    with tempfile.TemporaryDirectory() as folder:
        for line, (_, output, _), _ in compare_commands.run(program, Path(folder) / "run"):
            command = line.split()[0]
            for text in output.decode(errors="replace").splitlines():
                try:
                    record = json.loads(text)
                except ValueError:
                    continue
                if isinstance(record, dict):
                    lines |= set(fields(record, f"clip {command}: "))
    return {line.replace(": .", ": ") for line in lines}


def subject(line):
    """What a line is about, as a change log names it."""
    return line.split(" | ")[0] if " | " in line else line


def breaking(before, now):
    """What is gone, and what is new where nothing may be: a case of an enumeration that was there."""
    gone = before - now
    enumerations = {subject(line) for line in before if " | enum " in line}
    new = {line for line in now - before if " | case " in line and subject(line).split("(")[0].rpartition(".")[0] in enumerations}
    return sorted(gone | new)


def changelog():
    """The version that comes, whether it is released, and what is said of what comes after it."""
    text = (ROOT / "CHANGELOG.md").read_text()
    heads = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - (.+)$", text, re.MULTILINE)
    unreleased = re.search(r"^## \[Unreleased\]\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL)
    if not heads or not unreleased:
        sys.exit("interface.py: CHANGELOG.md has no section of a version, or none called [Unreleased]")
    return heads[0][0], bool(re.match(r"\d{4}-\d\d-\d\d$", heads[0][1])), unreleased[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--update", action="store_true", help="write the baseline anew")
    parser.add_argument("--clip", type=Path, default=ROOT / ".build/debug/clip")
    options = parser.parse_args()
    program = str(options.clip.resolve())

    version = (ROOT / "Sources/System/CLIPSystem/Version.swift").read_text().split('"')[1]
    latest, is_released, notes = changelog()
    failures = []
    if latest != version:
        failures.append(f"CHANGELOG.md has {latest} on top, Version.swift says {version}")
    readme = re.search(r'from: "([^"]+)"', (ROOT / "README.md").read_text())
    if not readme or readme[1] != version:
        failures.append(f'README.md says from: "{readme and readme[1]}", Version.swift says {version}')

    now = {**libraries(), "command-line": command_line(program), "records": records(program)}
    for name, lines in now.items():
        path = BASELINE / f"{name}.txt"
        before = set(path.read_text().splitlines()) if path.exists() else set()
        broken = breaking(before, lines)
        unnamed = [line for line in broken if f"`{subject(line)}`" not in notes]
        print(f"{name}: {len(lines)} lines, {len(lines - before)} new, {len(broken)} gone or changed")
        if is_released and unnamed:
            failures += [f"{name}: breaks users, and CHANGELOG.md doesn't say so under Unreleased: {line}" for line in unnamed]
        elif broken and not is_released and not options.update:
            failures += [f"{name}: gone or changed before the first release (--update if it is meant): {line}" for line in broken]
        elif options.update:
            path.write_text("".join(line + "\n" for line in sorted(lines)))
    for failure in failures:
        print(f"interface.py: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
