#!/usr/bin/env python3
"""Presses Tab in real shells, and reads the manual pages with real programs.

  check_shell.py [--clip PROGRAM]

bash and zsh run at a pseudo-terminal, fish is asked for its completions; the pages go through lexgrog, man and mandoc -Tlint.
A program that is not there is named and left out. Exit status 1 if anything is not completed as it should be, or a page has a fault.
"""

import argparse
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What is typed before Tab, and what the line is afterwards; files are `two words.png` and `model.clip`.
LINES = [
    ("clip classi", "clip classify "),
    ("clip classify --labels-f", "clip classify --labels-file "),
    ("clip classify --labels-file=tw", r"clip classify --labels-file=two\ words.png "),
    ("clip classify tw", r"clip classify two\ words.png "),
    ("clip classify x --format=cs", "clip classify x --format=csv "),
    ("clip classify x --format cs", "clip classify x --format csv "),
    ("clip search index --minus-im", "clip search index --minus-image "),
    ("clip embed-text --model embe", "clip embed-text --model embedded "),
    ("clip embed-text --model=embe", "clip embed-text --model=embedded "),
    ("clip embed-text --model ViT-B-32:laion2b_s", "clip embed-text --model ViT-B-32:laion2b_s34b_b79k "),
    ("clip embed-text --model=ViT-B-32:laion2b_s", "clip embed-text --model=ViT-B-32:laion2b_s34b_b79k "),
    ("clip info model.c", "clip info model.clip "),
    ("clip pull ViT-B-32:laion2b_s", "clip pull ViT-B-32:laion2b_s34b_b79k "),
    ("clip help pac", "clip help pack "),
    ("clip --vers", "clip --version "),
    ("clip embed-image x --no-nor", "clip embed-image x --no-normalize "),
]


def typed(command, environment, folder, setup, lines):
    """What a shell makes of each line and Tab."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.execvpe(command[0], command, environment)
    answers = []

    def read(until, patience=15):
        seen, end = b"", time.monotonic() + patience
        while time.monotonic() < end and until not in seen:
            if select.select([terminal], [], [], 0.2)[0]:
                try:
                    seen += os.read(terminal, 65536)
                except OSError:
                    break
        return seen

    read(b"READY> ")
    os.write(terminal, setup.encode() + b"; echo SET''UP\n")
    read(b"SETUP", 60)
    read(b"READY> ")
    for line, _ in lines:
        os.write(terminal, line.encode() + b"\t")
        # Until the completion has stood still for a while; then the line is asked of the shell itself by quoting all of it.
        quiet, seen = time.monotonic(), b""
        while time.monotonic() - quiet < 1.2:
            if select.select([terminal], [], [], 0.1)[0]:
                seen += os.read(terminal, 65536)
                quiet = time.monotonic()
        text = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]|\x07|\x1b[=>]|\r", b"", seen).decode(errors="replace")
        while "\b" in text:
            text = re.sub(r"[^\b]\b|^\b", "", text, count=1)
        answers.append(text)
        os.write(terminal, b"\x03")
        read(b"READY> ")
    os.close(terminal)
    os.kill(process, 9)
    os.waitpid(process, 0)
    return answers


def check_completions(program, folder):
    environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "TERM": "dumb", "PS1": "READY> ", "HOME": folder,
                   "ZDOTDIR": folder, "INPUTRC": "/dev/null", "LC_ALL": "C.UTF-8"}
    failures = 0
    shells = {
        "bash": (["bash", "--norc", "--noprofile", "-i"], "bind 'set bell-style none'; source <(clip --generate-completion-script bash)"),
        "zsh": (["zsh", "-f", "-i"], "PS1='READY> '; unsetopt zle_bracketed_paste prompt_sp 2>/dev/null; source <(clip --generate-completion-script zsh)"),
    }
    for shell, (command, setup) in shells.items():
        if not shutil.which(shell):
            print(f"{shell}: not here, not tried")
            continue
        good = 0
        for (line, expected), answer in zip(LINES, typed(command, environment, folder, setup, LINES)):
            if expected.rstrip() in answer:
                good += 1
            else:
                failures += 1
                print(f"check_shell.py: {shell}: {line!r} became {answer!r}, expected {expected!r}", file=sys.stderr)
        print(f"{shell}: {good} of {len(LINES)} lines completed")
    if shutil.which("fish"):
        good = 0
        for line, expected in LINES:
            asked = subprocess.run(
                ["fish", "--no-config", "-c", f"clip --generate-completion-script fish | source; complete -C {line!r}"],
                cwd=folder, env=environment, capture_output=True, text=True)
            word = expected.rstrip().replace("\\ ", "\0").split(" ")[-1].replace("\0", " ")
            words = [row.split("\t")[0].replace("\\ ", " ") for row in asked.stdout.splitlines()]
            if word in words or word.split("=")[-1] in words:
                good += 1
            else:
                failures += 1
                print(f"check_shell.py: fish: {line!r} offers {words[:5]}, expected {word!r} {asked.stderr[:200]}", file=sys.stderr)
        print(f"fish: {good} of {len(LINES)} lines completed")
    else:
        print("fish: not here, not tried")
    return failures


def check_pages(program, folder):
    listed = subprocess.run([program, "help"], capture_output=True, text=True, check=True).stdout
    names = re.findall(r"^  ([a-z][a-z-]*)\s", listed.split("SUBCOMMANDS:")[1].split("EXAMPLES:")[0], re.MULTILINE)
    failures = 0
    for name in ["clip"] + names:
        page = Path(folder) / ("clip.1" if name == "clip" else f"clip-{name}.1")
        page.write_bytes(subprocess.run([program, "--generate-manual", name], capture_output=True, check=True).stdout)
        for tool in (["lexgrog"], ["man", "--warnings", "-l"], ["mandoc", "-T", "lint", "-W", "warning"]):
            if not shutil.which(tool[0]):
                continue
            done = subprocess.run([*tool, page], capture_output=True, text=True, env={**os.environ, "MANWIDTH": "80", "LC_ALL": "C.UTF-8"})
            if done.returncode or done.stderr or (tool[0] == "mandoc" and done.stdout):
                failures += 1
                print(f"check_shell.py: {tool[0]}: {page.name}: {(done.stderr or done.stdout)[:300]}", file=sys.stderr)
    print(f"{len(names) + 1} manual pages")
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clip", type=Path, default=ROOT / ".build/debug/clip")
    program = parser.parse_args().clip.resolve()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "two words.png").touch()
        (Path(folder) / "model.clip").touch()
        (Path(folder) / ".zshrc").touch()
        failures = check_completions(program, folder) + check_pages(program, folder)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
