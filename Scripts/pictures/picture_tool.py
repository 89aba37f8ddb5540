"""Builds PictureTool.swift with the module CLIPPictures, and talks to it."""
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOL = Path(__file__).with_name("PictureTool.swift")
SOURCES = [TOOL, ROOT / "Package.swift"] + [
    source for room in ("Formats/CLIPPictures", "Compute", "System") for source in (ROOT / "Sources" / room).rglob("*.swift")]


def build():
    """The program's path. It is built again when a source is newer."""
    program = ROOT / ".build/picture-tool"
    program.parent.mkdir(exist_ok=True)
    if not program.exists() or any(source.stat().st_mtime > program.stat().st_mtime for source in SOURCES):
        if subprocess.run([str(ROOT / "Scripts/pictures/compile.sh"), str(program), str(TOOL)]).returncode:
            raise SystemExit("the picture tool can't be built")
    return program


class PictureTool:
    """A running tool. `tool("time", path, "-")` gives the fields of its answer; a refusal raises `Refused`."""

    def __init__(self, program=None):
        self.process = subprocess.Popen(
            [str(program or build())], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, errors="replace")

    def __call__(self, *fields):
        print(*fields, sep="\t", file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the tool ended with status {self.process.wait()} at {fields}")
        word, _, rest = answer.strip().partition(" ")
        if word != "ok":
            raise Refused(rest)
        return rest.split()

    def peak_memory(self):
        """The most memory that was resident so far, in bytes (Linux)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * int(status.split("VmHWM:")[1].split()[0])

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Refused(Exception):
    """The picture was not decoded; the message says why."""
