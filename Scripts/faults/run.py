#!/usr/bin/env python3
"""Makes system calls of `clip` fail, one at a time, and looks whether anything is lost, wrong, hung or left behind.

    Scripts/faults/run.py [--clip .build/debug/clip] [--quick] [--only index,pull…] [--calls openat,read…] [--points 6]

Each scenario (index, dedupe, undo, pack, export, pull) is run once as it should be, under strace: that gives the right end, and
the calls that can fail. Then it is run again and again with one fault each: an error (EIO, ENOSPC, EINTR, ESTALE, EMFILE)
in the Nth call of a kind, the same from the Nth on, a signal there, transfers that are cut short, or a limit of processes,
descriptors, file size or memory. A fault counts when it took place, and the program is held before its own code until
strace is there: what the loader does is not among them. After each fault:

  - no picture, record or file is lost or changed that the command does not say it changes,
  - exit status 0 means that nothing is missing: files and output are those of the right end,
  - otherwise an error line says why, and the program neither hung nor died of a signal,
  - no temporary file is left behind (but after SIGKILL, which leaves no time),
  - what was done to files can be taken back by the list of changes: each byte and name, whatever ended the command,
  - the same command without a fault then comes to the right end.

Needs strace, a C compiler and Linux. Nothing leaves the machine: `pull` speaks to a hub on the loopback.
"""

import argparse
import collections
import hashlib
import itertools
import json
import os
import pathlib
import queue
import random
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from http.server import ThreadingHTTPServer

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "oracle"))
from check_hub import COMMIT, REPOSITORY, File, Hub  # noqa: E402

GROUPS = {
    "openat": ["openat"], "read": ["read"], "pread": ["pread64"], "mmap": ["mmap"], "getdents64": ["getdents64"],
    "stat": ["fstat", "newfstatat", "statx"], "write": ["write", "pwrite64"], "fsync": ["fsync"],
    "rename": ["rename", "renameat2"], "link": ["link", "linkat", "symlink"], "unlink": ["unlink", "unlinkat"],
    "flock": ["flock"], "clone3": ["clone3"], "mkdir": ["mkdir"], "ftruncate": ["ftruncate"],
}
ERRORS = ["EIO", "ENOSPC", "EINTR", "ESTALE", "EMFILE"]
SIGNALLED = ["openat", "write", "fsync", "rename", "link", "unlink", "mkdir"]
# So long may a run take that has a fault in it, strace and other load counted.
BOUND = 60
# An account for limits of processes, which don't hold for root. Nobody else uses it.
ACCOUNT = 54321


def digest(data):
    return hashlib.sha256(data).hexdigest()


def tree(folder):
    """Every name under a folder: a file's hash, a link's goal, or None for a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = "-> " + os.readlink(path)
        else:
            found[name] = None if path.is_dir() else digest(path.read_bytes())
    return found


def records(path):
    """The entries of an index that hold, by Sources/PictureCollections/FORMAT.md: name -> (content, vector)."""
    data = path.read_bytes()
    if len(data) < 512:
        return {}
    kind, dimension = struct.unpack_from("<II", data, 12)
    width = 2 if kind == 1 else 4
    padded = lambda count: -(-count // 64) * 64
    live, position = {}, 512
    while position + 64 <= len(data):
        magic, kind, entries, vectors, removals, _, texts, first, place = struct.unpack_from("<IIIIIIQQQ", data, position)
        if magic != 0x47534C43 or place != position:
            break
        sizes = [-(-vectors // 16) * dimension * 16 * width, entries * 80, removals * 8, texts]
        starts = [position + 64]
        for size in sizes:
            starts.append(starts[-1] + padded(size))
        if starts[-1] > len(data):
            break
        for number in struct.unpack_from(f"<{removals}Q", data, starts[2]):
            live.pop(number, None)
        for entry in range(entries):
            at = starts[1] + entry * 80
            offset, length = struct.unpack_from("<QI", data, at + 48)
            name = data[starts[3] + offset : starts[3] + offset + length].decode()
            vector = b""
            if entry < vectors:
                base = starts[0] + entry // 16 * dimension * 16 * width + entry % 16 * width
                vector = b"".join(data[base + 16 * width * d :][:width] for d in range(dimension))
            live[first + entry] = (name, (data[at + 16 : at + 48].hex(), digest(vector)))
        position = starts[-1]
    return dict(live.values())


class Scenario:
    """A command, what it begins with, and what may be there when it has ended."""

    #: The program that the faults are made in, and whether those it starts are followed.
    program = "clip"
    commands = []

    def __init__(self, run, folder):
        self.run, self.folder, self.box, self.template = run, folder, folder / "box", folder / "template"
        (self.template / "tmp").mkdir(parents=True)
        self.prepare(self.template)
        self.restore()
        self.before = self.state()
        result = self.clean()
        assert result.returncode == 0, f"{self.name}: without a fault: {result.stderr.decode()}"
        self.after, self.output = self.state(), result.stdout
        self.restore()

    def restore(self):
        subprocess.run(["rm", "-rf", self.box], check=True)
        subprocess.run(["cp", "-a", self.template, self.box], check=True)
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", str(ACCOUNT), self.box], check=True)

    def make(self, template, arguments):
        """What is there beforehand, made as it would be later: on the same instruction set the same bits."""
        subprocess.run([self.run.clip, *arguments], cwd=template, env=self.environment(), check=True, capture_output=True)

    def environment(self):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING", "CLIP_", "XDG_"))}
        own = {"TMPDIR": str(self.box / "tmp"), "SWIFT_BACKTRACE": "enable=no", "HOME": str(self.box), "CLIP_THREADS": "2",
               # Whatever the processor is said to be, the same bits.
               "CLIP_ISA": "baseline"}
        return kept | own | self.variables()

    def variables(self):
        return {}

    def command(self):
        return [self.run.clip, *self.arguments]

    def clean(self):
        """The command, and what has to go before it, without a fault."""
        for arguments in self.commands + [self.arguments]:
            result = subprocess.run(
                [self.run.clip, *arguments], cwd=self.box, env=self.environment(), capture_output=True, timeout=BOUND
            )
            if result.returncode != 0:
                break
        return result

    def state(self):
        return tree(self.box)

    def problems(self, status):
        """What is wrong after a run with a fault."""
        raise NotImplementedError

    def undone(self):
        """What is wrong after what was done was taken back: on a copy, which changes nothing here."""
        return []

    def again(self):
        """What is wrong after the command was run once more, without a fault."""
        result = self.clean()
        if result.returncode != 0:
            return [f"run again, exit status {result.returncode}: {result.stderr.decode()[:200]}"]
        return [f"run again: {text}" for text in self.problems(0)]

    def compare(self, found, right, what):
        names = sorted(name for name in found.keys() | right.keys() if found.get(name, 0) != right.get(name, 0))
        return [f"{what}: {', '.join(names[:6])}"] if names else []


def pictures(folder, names):
    for name, source in names.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / "Models/examples" / source, path)


class Index(Scenario):
    name, arguments = "index", ["index", "photos", "--batch-size", "3", "-q"]
    files = {"a.png": "bed.png", "b.jpg": "dog.jpg", "one/c.png": "pear.png", "one/two/d.png": "owl.png",
             "three/e.png": "bus.png", "three/f.jpg": "cat.jpg", "g.png": "peach.png"}

    def prepare(self, template):
        pictures(template / "photos", self.files)

    def state(self):
        found = tree(self.box)
        index = self.box / "photos/.clip-index"
        found.pop("photos/.clip-index", None)
        self.records = records(index) if index.exists() else {}
        return found | {f"record {name}": value for name, value in self.records.items()}

    def split(self, state):
        files = {k: v for k, v in state.items() if not k.startswith("record ")}
        return files, {k[7:]: v for k, v in state.items() if k.startswith("record ")}

    def problems(self, status):
        files, now = self.split(self.state())
        old_files, old = self.split(self.before)
        right = self.split(self.after)[1]
        problems = self.compare(files, old_files, "files changed")
        if status == 0:
            return problems + self.compare(now, right, "exit status 0, records differ")
        kept = {name: value for name, value in old.items() if right.get(name) == value}
        lost = sorted(name for name in kept if now.get(name) != kept[name])
        wrong = sorted(name for name in now if now[name] not in (old.get(name), right.get(name)))
        return problems + [f"records {what}: {names}" for what, names in (("lost", lost), ("wrong", wrong)) if names]


class Update(Index):
    name = "index again"

    def prepare(self, template):
        super().prepare(template)
        self.make(template, self.arguments)
        photos = template / "photos"
        pictures(photos, {"new.png": "guitar.png", "three/new.jpg": "rocket.jpg", "b.jpg": "coffee.jpg"})
        (photos / "g.png").rename(photos / "moved.png")
        (photos / "a.png").unlink()


class Dedupe(Scenario):
    files = {"a.png": "bed.png", "copies/a.png": "bed.png", "copies/deep/a again.png": "bed.png", "b.jpg": "dog.jpg",
             "copies/b.jpg": "dog.jpg", "c.png": "owl.png", "d.png": "bus.png", "copies/d.png": "bus.png"}
    commands = [["index", "photos", "-q"]]

    def prepare(self, template):
        pictures(template / "photos", self.files)
        self.make(template, self.commands[0])

    def state(self):
        found = tree(self.box)
        found.pop("photos/.clip-index", None)
        return {name: content for name, content in found.items() if ".undo" not in name and not name.startswith("tmp/")}

    def undone(self):
        copy = self.folder / "copy"
        subprocess.run(["cp", "-a", self.box, copy], check=True)
        problems = self.take_back() + self.compare(self.state(), self.before, "after undo differs")
        problems += [f"after undo: {names}" for names in self.shared()]
        subprocess.run(["rm", "-rf", self.box], check=True)
        copy.rename(self.box)
        return problems

    def take_back(self):
        problems = []
        for path in sorted(self.box.glob("*.undo*.jsonl"), key=lambda path: (len(path.name), path.name), reverse=True):
            result = subprocess.run(
                [self.run.clip, "undo", path.name], cwd=self.box, env=self.environment(), capture_output=True, timeout=BOUND)
            if result.returncode:
                problems.append(f"undo: exit status {result.returncode}: {result.stderr.decode()[:200]}")
        return problems

    def shared(self):
        """Names of one file that were not names of one before."""
        return []

    def again(self):
        return super().again() + self.undone()


class Move(Dedupe):
    name, arguments = "dedupe --move-to", ["dedupe", "photos", "--exact", "--move-to", "aside", "-q"]

    def problems(self, status):
        now = self.state()
        if status == 0:
            return self.compare(now, self.after, "exit status 0, files differ")
        problems = []
        for name, content in self.before.items():
            if content and content not in (now.get(name), now.get(f"aside/{name}")):
                problems.append(f"lost: {name}")
        for name, content in now.items():
            if name not in self.before and (content, name) not in [(c, n) for n, c in self.after.items()]:
                problems.append(f"left behind: {name}")
        return problems


class MoveAcross(Move):
    """To another file system, where files are copied."""

    name = "dedupe --move-to across"

    def prepare(self, template):
        self.shelf = tempfile.TemporaryDirectory(prefix="clip-faults-", dir="/dev/shm")
        self.far = pathlib.Path(self.shelf.name)
        self.far.chmod(0o777)
        self.numbers = itertools.count(100)
        (template / "far").symlink_to(self.far)
        self.arguments = ["dedupe", "photos", "--exact", "--move-to", "far/aside", "--undo-list", "far.undo.jsonl", "-q"]
        super().prepare(template)

    def restore(self):
        super().restore()
        shutil.rmtree(self.far / "aside", ignore_errors=True)
        self.name_list()

    def state(self):
        return super().state() | {f"aside/{name}": content for name, content in tree(self.far / "aside").items()}

    def name_list(self):
        # None that is there is written over.
        self.arguments[6] = f"far.undo-{next(self.numbers)}.jsonl"

    def clean(self):
        self.name_list()
        return super().clean()

    def again(self):
        # A copy that could not be removed is in the way, until what was done is taken back.
        self.take_back()
        return super().again()

    def undone(self):
        copy = self.folder / "far copy"
        if (self.far / "aside").exists():
            subprocess.run(["cp", "-a", self.far / "aside", copy], check=True)
        problems = super().undone()
        shutil.rmtree(self.far / "aside", ignore_errors=True)
        if copy.exists():
            subprocess.run(["cp", "-a", copy, self.far / "aside"], check=True)
            shutil.rmtree(copy)
        return problems


class Undo(Dedupe):
    """Of moved files, with absolute paths that lead into the box."""

    name, arguments, action = "undo", ["undo", "aside.undo.jsonl", "-q"], ["--move-to", "aside"]
    commands = []

    def prepare(self, template):
        pictures(template / "photos", self.files)
        self.original = self.tree_of(template)
        for arguments in (["index", "photos", "-q"], ["dedupe", "photos", "--exact", *self.action, "-q"]):
            self.make(template, arguments)
        listed = template / self.arguments[1]
        listed.write_text(listed.read_text().replace(str(template), str(self.box)))

    def tree_of(self, folder):
        found = tree(folder / "photos")
        return {f"photos/{name}": content for name, content in found.items() if name != ".clip-index"}

    def problems(self, status):
        now = self.state()
        files = {name: content for name, content in now.items() if name.startswith("photos/")}
        if status == 0:
            return self.compare(files, self.original, "exit status 0, files differ")
        kept = {content for content in now.values()}
        return [f"lost: {name}" for name, content in self.original.items() if content and content not in kept]

    def undone(self):
        return []


class UndoLinks(Undo):
    name, arguments, action = "undo of links", ["undo", "clip.undo.jsonl", "-q"], ["--link"]


class Link(Dedupe):
    name, arguments = "dedupe --link", ["dedupe", "photos", "--exact", "--link", "-q"]

    def state(self):
        inodes = collections.defaultdict(list)
        for path in sorted((self.box / "photos").rglob("*")):
            if path.is_file():
                inodes[path.stat().st_ino].append(str(path.relative_to(self.box)))
        self.links = sorted(inodes.values())
        return super().state()

    def clean(self):
        result = super().clean()
        if not hasattr(self, "right"):
            self.state()
            self.right = self.links
        return result

    def shared(self):
        self.state()
        return [names for names in self.links if len(names) > 1]

    def problems(self, status):
        problems = self.compare(self.state(), self.before, "files differ")
        if status == 0 and self.links != self.right:
            problems.append(f"exit status 0, links differ: {self.links}")
        return problems


class Pack(Scenario):
    name, arguments = "pack", ["pack", "model", "-o", "out/model.clip", "--dtype", "f32", "-q"]

    def prepare(self, template):
        shutil.copytree(ROOT / "Tests/CLIPTests/Fixtures/models/quickgelu-f32", template / "model")
        (template / "out").mkdir()
        subprocess.run(
            [self.run.clip, *self.arguments, "--images-only"], cwd=template, check=True, capture_output=True)

    def problems(self, status):
        now = self.state()
        problems = self.compare(now, self.after, "differs")
        return problems and self.compare(now, self.before, "differs") if status else problems


class Export(Scenario):
    name, arguments = "export", ["export", "model.clip", "-o", "out", "-q"]

    def prepare(self, template):
        model = ROOT / "Tests/CLIPTests/Fixtures/models/quickgelu-f32"
        subprocess.run(
            [self.run.clip, "pack", model, "-o", template / "model.clip", "-q"], check=True, capture_output=True)

    def problems(self, status):
        now = self.state()
        problems = self.compare(now, self.after, "differs")
        return problems and self.compare(now, self.before, "differs") if status else problems

    def again(self):
        # A folder that is complete is not written again.
        return [] if self.state() == self.after else super().again()


class Pull(Scenario):
    name, arguments = "pull", ["pull", REPOSITORY, "-q"]
    # What isn't complete yet, and the folders that Foundation's networking makes for itself in a home.
    unfinished = re.compile(r"\.[0-9a-f]{8}\.incomplete$|\.lock$|^\.(cache|local)(/|$)")

    def prepare(self, template):
        pass

    def variables(self):
        return {"HF_ENDPOINT": self.run.hub, "HF_HUB_CACHE": "cache", "HF_HUB_DOWNLOAD_TIMEOUT": "5",
                "no_proxy": "127.0.0.1,localhost"}

    def problems(self, status):
        now = {name: content for name, content in self.state().items() if not self.unfinished.search(name)}
        right = {name: content for name, content in self.after.items() if not self.unfinished.search(name)}
        if status == 0:
            return self.compare(now, right, "exit status 0, the cache differs")
        # What is there must be right; it need not be everything.
        return [f"wrong or left behind: {name}" for name in now if now[name] != right.get(name, 0)]


class PullProgram(Pull):
    name, program = "pull (clip-pull)", "clip-pull"


SCENARIOS = [Index, Update, Move, MoveAcross, Link, Undo, UndoLinks, Pack, Export, Pull, PullProgram]
Fault = collections.namedtuple("Fault", "group what first rest")  # what: an error or a signal
Short = collections.namedtuple("Short", "group divisor")
Limit = collections.namedtuple("Limit", "group value")
LIMITS = {
    "NPROC": [0, 1, 2, 3, 4, 6], "NOFILE": [3, 4, 5, 6, 7, 8, 10, 12, 16], "FSIZE": [0, 1, 100, 4096, 65536],
    "AS": [40 << 20, 80 << 20, 120 << 20, 160 << 20, 240 << 20, 400 << 20, 1 << 30],
}


def describe(fault):
    if isinstance(fault, Fault):
        return f"{fault.group}: {fault.what} in call {fault.first}{' and all later ones' if fault.rest else ''}"
    if isinstance(fault, Short):
        return f"{fault.group} transfers a part, 1/{fault.divisor}"
    return f"RLIMIT_{fault.group} {fault.value}"


class Attempt:
    """One run of a scenario's command with a fault in it."""

    def __init__(self, scenario, fault):
        self.scenario, self.fault = scenario, fault
        self.log = scenario.folder / "strace.log"
        self.shortened = scenario.folder / "short.log"
        for path in (self.log, self.shortened):
            path.unlink(missing_ok=True)

    def run(self):
        scenario, fault = self.scenario, self.fault
        environment = scenario.environment()
        options = {}
        if isinstance(fault, Limit):
            kind = getattr(resource, f"RLIMIT_{fault.group}")
            options["preexec_fn"] = lambda: resource.setrlimit(kind, (fault.value, fault.value))
            if fault.group == "NPROC" and os.geteuid() == 0:
                options |= {"user": ACCOUNT, "extra_groups": []}
        else:
            environment |= {"LD_PRELOAD": scenario.run.preload, "STOP_PROGRAM": scenario.program}
        if isinstance(fault, Short):
            environment |= {
                "SHORT_CALLS": fault.group, "SHORT_DIVISOR": str(fault.divisor), "SHORT_LOG": str(self.shortened)}
        out, err = scenario.folder / "stdout", scenario.folder / "stderr"
        with open(out, "wb") as stdout, open(err, "wb") as stderr:
            process = subprocess.Popen(
                scenario.command(), cwd=scenario.box, env=environment, stdin=subprocess.DEVNULL, stdout=stdout,
                stderr=stderr, start_new_session=True, **options)
        self.hung = False
        try:
            tracer = None
            if not isinstance(fault, (Limit, Short)):
                tracer = self.trace(process)
            self.status = process.wait(BOUND)
            if tracer:
                # It ends with the last process that it watches.
                tracer.wait(10)
        except subprocess.TimeoutExpired:
            self.hung, self.status = True, None
        self.orphans = [] if self.hung else members(process.pid, wait=5)
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        if tracer:
            try:
                tracer.wait(5)
            except subprocess.TimeoutExpired:
                tracer.kill()
        self.output, self.errors = out.read_bytes(), err.read_text(errors="replace")

    def trace(self, process):
        """Attaches strace to the program, which has stopped itself, and lets it go on."""
        target, deadline = None, time.monotonic() + BOUND
        while target is None:
            if process.poll() is not None:
                return None
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(self.scenario.program, BOUND)
            target = next((pid for pid in members(process.pid) if stopped(pid, self.scenario.program)), None)
            time.sleep(0.002)
        command = ["strace", "-y", "-o", str(self.log), "-p", str(target)]
        # Of pull, clip alone: what it starts is another scenario.
        command += [] if self.scenario.name == "pull" else ["-f"]
        if self.fault is None:
            names = [name for names in GROUPS.values() for name in names]
            command += ["-e", "trace=" + ",".join(names), "-e", "signal=none"]
        else:
            names = ",".join(GROUPS[self.fault.group])
            way = "error" if self.fault.what.startswith("E") else "signal"
            command += ["-e", f"trace={names}", "-e", "signal=none", "-e",
                        f"inject={names}:{way}={self.fault.what}:when={self.fault.first}{'+' if self.fault.rest else ''}"]
        tracer = subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        line = tracer.stderr.readline()
        assert b"attached" in line, line
        threading.Thread(target=tracer.stderr.read, daemon=True).start()
        os.kill(target, signal.SIGCONT)
        return tracer

    @property
    def calls(self):
        """The calls that the fault took place in."""
        if isinstance(self.fault, Short):
            return ["(preloaded)"] if self.shortened.exists() and self.shortened.stat().st_size else []
        if isinstance(self.fault, Limit):
            return ["(limit)"]
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        if self.fault.what.startswith("SIG"):
            died = any(f"+++ killed by {self.fault.what}" in line for line in lines)
            return [line for line in lines if "+++" not in line and "---" not in line][-1:] if died else []
        return [line for line in lines if "(INJECTED)" in line]

    def problems(self):
        """What is wrong."""
        fault, scenario, problems = self.fault, self.scenario, []
        is_signal = isinstance(fault, Fault) and fault.what.startswith("SIG")
        is_kill = is_signal and fault.what == "SIGKILL"
        # Memory that isn't there may end a program, and so may what the limit of memory stands for.
        is_memory = getattr(fault, "group", "") == "AS" or any("MAP_ANONYMOUS" in call for call in self.calls)
        if self.hung:
            problems.append(f"hung: more than {BOUND} s")
        elif self.status < 0 and not is_signal and not is_memory:
            problems.append(f"died of {signal.Signals(-self.status).name}")
        if self.orphans:
            problems.append(f"processes are left: {self.orphans}")
        is_mute = isinstance(fault, Fault) and fault.group == "write" and fault.rest
        # Standard error is a file here: it grows beyond no limit either.
        is_mute |= isinstance(fault, Limit) and fault.group == "FSIZE" and fault.value < 100
        says_nothing = is_mute or any(re.search(r" write\(2<", call) for call in self.calls) or is_signal or is_memory
        if self.status and self.status > 0 and not re.search("clip: |Error: ", self.errors) and not says_nothing:
            problems.append(f"exit status {self.status} without an error line")
        if self.status == 0 and self.output != scenario.output:
            problems.append(f"exit status 0, the output differs: {self.output.decode(errors='replace')[:200]}")
        found = scenario.problems(self.status or 0 if not self.hung else 1)
        # A program that is killed has no time to clean up.
        problems += [text for text in found if not (is_kill and ".tmp" in text or "tmp/" in text and is_kill)]
        problems += scenario.undone()
        if is_kill or self.hung:
            for path in [*scenario.box.rglob("*.tmp"), *(scenario.box / "tmp").iterdir()]:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        return problems + scenario.again()


def members(session, wait=0):
    """The processes of a session, those that have ended left out; after `wait` seconds at most."""
    deadline = time.monotonic() + wait
    while True:
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    fields = pathlib.Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()
                except (FileNotFoundError, ProcessLookupError):
                    continue
                if int(fields[3]) == session and fields[0] not in "ZX":
                    found.append(int(entry))
        if not found or time.monotonic() >= deadline:
            return found
        time.sleep(0.05)


def stopped(pid, program):
    try:
        name, rest = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)
    except (FileNotFoundError, ProcessLookupError):
        return False
    return name.split("(", 1)[1] == program and rest.split()[0] == "T"


def plan(scenario, options):
    """The faults to make in a scenario, from a run without one."""
    attempt = Attempt(scenario, None)
    attempt.run()
    assert attempt.status == 0, attempt.errors
    ordinals = collections.defaultdict(lambda: collections.defaultdict(set))  # group -> ordinal -> whether it is ours
    counts = collections.Counter()
    for line in attempt.log.read_text(errors="replace").splitlines():
        match = re.match(r"(?:(\d+) +)?(\w+)\(", line)
        if not match:
            continue
        thread, call = match.groups()
        counts[thread, call] += 1
        group = next(group for group, calls in GROUPS.items() if call in calls)
        ordinals[group][counts[thread, call]].add(str(scenario.box) in line or "AT_FDCWD" not in line and "box" in line)
    scenario.restore()
    rng = random.Random(f"{options.seed} {scenario.name}")
    faults = []
    for group in GROUPS:
        if options.calls and group not in options.calls or not ordinals[group]:
            continue
        own = sorted(number for number, marks in ordinals[group].items() if True in marks)
        other = sorted(ordinals[group].keys() - set(own))
        points = spread(own, options.points) + spread(other, max(1, options.points // 3))
        for number in points:
            faults += [Fault(group, error, number, False) for error in options.errors]
            faults.append(Fault(group, rng.choice(["EIO", "ENOSPC", "ESTALE", "EMFILE"]), number, True))
        if group in SIGNALLED and not options.errors_only:
            faults += [Fault(group, rng.choice(["SIGKILL", "SIGKILL", "SIGTERM", "SIGINT"]), n, False) for n in points]
    if not options.errors_only:
        for group in ("read", "write"):
            if not options.calls or group in options.calls:
                faults += [Short(group, divisor) for divisor in (2, 3, 50, 1 << 20)]
        if scenario.name != "pull":
            for group, values in LIMITS.items():
                if not options.calls or group in options.calls:
                    faults += [Limit(group, value) for value in values]
    return faults


def spread(numbers, count):
    """At most `count` of the numbers, first and last among them."""
    if len(numbers) <= count:
        return numbers
    return sorted({numbers[round(i * (len(numbers) - 1) / max(1, count - 1))] for i in range(count)})


class Run:
    def __init__(self, options, folder):
        self.clip = str(pathlib.Path(options.clip).resolve())
        self.preload = str(folder / "preload.so")
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-O1", "-o", self.preload, str(HERE / "preload.c")], check=True)
        model = ROOT / "Tests/CLIPTests/Fixtures/models/quickgelu-f32"
        Hub.files = {path.name: File(path) for path in sorted(model.iterdir()) if path.is_file()}
        Hub.handle_error = lambda *_: None
        server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
        server.handle_error = lambda *_: None
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.hub = f"http://127.0.0.1:{server.server_port}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", default=str(ROOT / ".build/debug/clip"))
    parser.add_argument("--only", type=lambda text: text.split(","), help="scenarios, by the first letters of their names")
    parser.add_argument("--calls", type=lambda text: text.split(","), help="kinds of calls and limits")
    parser.add_argument("--errors", type=lambda text: text.split(","), default=ERRORS)
    parser.add_argument("--points", type=int, default=4, help="how many calls of a kind are made to fail, at most")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="EIO once in each kind of call: a minute")
    options = parser.parse_args()
    options.errors_only = options.quick
    if options.quick:
        options.errors, options.points = ["EIO"], 1
    table, findings, took = collections.Counter(), [], time.monotonic()
    with tempfile.TemporaryDirectory(prefix="clip-faults-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        run = Run(options, folder)
        tasks, lock = queue.Queue(), threading.Lock()

        def work(number):
            while True:
                try:
                    kind = tasks.get_nowait()
                except queue.Empty:
                    return
                place = folder / f"{number}-{kind.__name__}"
                place.mkdir()
                scenario = kind(run, place)
                for fault in plan(scenario, options):
                    scenario.restore()
                    attempt = Attempt(scenario, fault)
                    attempt.run()
                    calls = attempt.calls
                    if not calls:
                        continue
                    problems = attempt.problems()
                    with lock:
                        table[kind.name, fault.group] += 1
                        if problems:
                            findings.append((kind.name, fault, problems))
                            print(f"{kind.name}: {describe(fault)}", *(f"    {text}" for text in problems), sep="\n")
                            print(f"    {calls[0][:200]}\n    exit status {attempt.status}, {attempt.errors[:300]!r}")
                            sys.stdout.flush()

        for kind in SCENARIOS:
            if not options.only or any(kind.name.startswith(prefix) for prefix in options.only):
                tasks.put(kind)
        workers = [threading.Thread(target=work, args=(number,)) for number in range(options.jobs)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    columns = [kind.name for kind in SCENARIOS if any(scenario == kind.name for scenario, _ in table)]
    print("", "| faults that took place | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|", sep="\n")
    for group in [*GROUPS, *LIMITS]:
        row = [table[column, group] for column in columns]
        if any(row):
            print(f"| {group} | " + " | ".join(map(str, row)) + " |")
    print(f"\n{sum(table.values())} faults, {len(findings)} findings, {time.monotonic() - took:.0f} s")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
