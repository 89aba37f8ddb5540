#!/usr/bin/env python3
"""Counts what the inner loops of compiled kernels are made of, for arm64: products per instruction, and spills.

A product is one multiplication of two numbers that a sum takes up: a vector instruction does several. A spill is an access to
the stack inside the loop: a sum or a factor that no register was left for. Of every function the innermost loops that
multiply are shown, richest first.

usage: count_instructions.py [--all] [--least KIND=NUMBER …] OBJECT…
    --all              loops of every kind, not only each kind's largest of a function
    --least KIND=N     fail if the richest loop of a kind has fewer products per instruction, or spills
"""
import argparse
import collections
import re
import shutil
import subprocess
import sys

# The products that an instruction does, and what kind of numbers they are of, by mnemonic and the target's lanes.
KINDS = [
    (re.compile(r"^fml[as]$"), {"4s": 4, "2s": 2, "2d": 2}, "float"),
    (re.compile(r"^(sdot|udot|usdot|sudot)$"), {"4s": 16, "2s": 8}, "int8"),
    (re.compile(r"^(smmla|ummla|usmmla)$"), {"4s": 32}, "int8"),
    (re.compile(r"^[su]ml(al|sl)2?$"), {"4s": 4, "8h": 8, "2d": 2}, "widening"),
    (re.compile(r"^[su]mull2?$"), {"4s": 4, "8h": 8, "2d": 2}, "widening"),
    (re.compile(r"^ml[as]$"), {"4s": 4, "8h": 8}, "integer"),
    (re.compile(r"^s?q?r?d?mulh?$"), {"4s": 4, "8h": 8}, "integer"),
]
# Older tools show an instruction byte by byte, newer ones as one word.
LINE = re.compile(r"^\s*([0-9a-f]+):\s+(?:(?:[0-9a-f]{2} )+|[0-9a-f]{8} )\s*\t?(\S+)\s*(.*)$")
NAME = re.compile(r"^[0-9a-f]+ <(.+)>:$")
# Branches to a place in the same function.
BRANCH = re.compile(r"^(b|b\.\w+|cbn?z|tbn?z)$")


def functions(path):
    """Each function's name and its instructions: address, mnemonic, operands."""
    tool = shutil.which("llvm-objdump") or sys.exit("count_instructions: llvm-objdump (of the Swift toolchain) is missing")
    text = subprocess.run(
        [tool, "-d", "--mattr=+dotprod,+i8mm", path], capture_output=True, text=True, check=True).stdout
    name, code = None, []
    for line in text.splitlines():
        # A mark of code among data is no function.
        if (head := NAME.match(line)) and not head[1].startswith("$x"):
            if code:
                yield name, code
            name, code = head[1], []
        elif match := LINE.match(line):
            code.append((int(match[1], 16), match[2], match[3]))
    if code:
        yield name, code


def innermost_loops(code):
    """The instructions of every loop without another one inside."""
    places = {address: index for index, (address, _, _) in enumerate(code)}
    loops = []
    for index, (_, mnemonic, operands) in enumerate(code):
        if BRANCH.match(mnemonic) and (target := re.search(r"0x([0-9a-f]+)", operands.split("<")[0])):
            start = places.get(int(target[1], 16))
            if start is not None and start <= index:
                loops.append((start, index))
    for start, end in loops:
        if not any((a, b) != (start, end) and start <= a and b <= end for a, b in loops):
            yield code[start:end + 1]


def products(mnemonic, operands):
    for pattern, lanes, kind in KINDS:
        if pattern.match(mnemonic) and (shape := re.match(r"v\d+\.(\w+)", operands)):
            return kind, lanes.get(shape[1], 0)
    return None, 0


def measure(loop):
    counts = collections.Counter()
    multiplications = 0
    for _, mnemonic, operands in loop:
        kind, count = products(mnemonic, operands)
        if count:
            counts[kind] += count
            multiplications += 1
    if not counts:
        return None
    # A prologue's or a caller's stack is outside a loop: inside, the stack holds what registers didn't.
    spills = sum(1 for _, m, operands in loop if re.match(r"^(ld|st)", m) and re.search(r"\[sp\b", operands))
    kind = counts.most_common(1)[0][0]
    if kind == "float" and any(m.startswith("fcvtl") for _, m, _ in loop):
        kind = "half"
    return kind, sum(counts.values()) / len(loop), multiplications, len(loop), spills


def report(path, least, all_loops=False):
    """Prints what the loops of an object are made of.

    Returns: what is wrong, by the products per instruction that the richest loop of each kind in `least` must have, without a
    spill.
    """
    richest = {}
    demangle = shutil.which("swift-demangle")
    print(f"{path}\n{'products/instruction':>21} {'kind':>9} {'multiply':>8} {'all':>5} {'spills':>6}  function")
    for name, code in functions(path):
        found = sorted((m for loop in innermost_loops(code) if (m := measure(loop))), key=lambda m: -m[1])
        if not all_loops:
            found = list({m[0]: m for m in reversed(found)}.values())
        if found and demangle:
            name = subprocess.run([demangle, "-simplified", "-compact", name], capture_output=True, text=True).stdout.strip()
        for kind, ratio, multiplications, length, spills in found:
            print(f"{ratio:21.2f} {kind:>9} {multiplications:8} {length:5} {spills:6}  {name[:110]}")
            richest[kind] = max(richest.get(kind, (0, 0, "")), (ratio, spills, name))
    problems = []
    for kind, number in least.items():
        ratio, spills, name = richest.get(kind, (0, 0, "no function"))
        if ratio < number:
            problems.append(f"{path}: {kind}: {ratio:.2f} products per instruction, expected {number}")
        if spills:
            problems.append(f"{path}: {kind}: {spills} spills in {name}")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--least", action="append", default=[], metavar="KIND=NUMBER")
    parser.add_argument("objects", nargs="+")
    options = parser.parse_args()
    least = {kind: float(number) for kind, number in (text.split("=") for text in options.least)}
    problems = [problem for path in options.objects for problem in report(path, least, options.all)]
    for problem in problems:
        print(f"count_instructions: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
