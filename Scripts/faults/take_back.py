#!/usr/bin/env python3
"""Ends the commands that change files at random instants and on full disks, and checks that `clip undo` gives everything back.

    Scripts/faults/take_back.py --clip .build/release/clip [--runs 300] [--seed 1] [--disks tmpfs|ext4]

Each acting command (dedupe by a search and by a plan, moving and linking; classify, copying, linking, moving, writing sidecars)
runs on made folders with hard links, symbolic links, names that are no UTF-8, files and folders that can't be written, and extended
attributes where the disk has them, to the same disk and to another. A run goes to its end, gets SIGKILL, SIGTERM or SIGINT while it acts,
or comes upon a full disk: that of the pictures, of where they go, or of the list of changes. `clip undo` is killed too, and meets the full
disk before there is space again. Then each byte, name, link, time, permission, owner and attribute must be as before, and nothing else be
there. At the end `index --relocate` is killed in the same way.

As root, with a namespace of its own for the disks that it mounts; half of the runs are those of an ordinary account.
"""

import argparse
import collections
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LABELS = "dog,cat,bird,bus,guitar,fruit"
# Nobody else uses it.
ACCOUNT = 54321
EVENTS = ["end", "SIGKILL", "SIGKILL", "SIGKILL", "SIGTERM", "SIGINT", "full near", "full far", "full list"]


def snapshot(folders):
    """Every name under the folders with all that it is, and which names are names of one file."""
    found, names = {}, collections.defaultdict(list)
    for folder in folders:
        for place, inner, files in os.walk(os.fsencode(folder)):
            for name in inner + files:
                path = os.path.join(place, name)
                status = os.lstat(path)
                about = [oct(status.st_mode), status.st_uid, status.st_gid]
                if os.path.islink(path):
                    about = ["->", os.readlink(path)]
                elif not os.path.isdir(path):
                    about += [hashlib.sha256(pathlib.Path(os.fsdecode(path)).read_bytes()).hexdigest(), status.st_mtime_ns]
                    about += [(key, os.getxattr(path, key)) for key in sorted(os.listxattr(path)) if key.startswith("user.")]
                    names[status.st_dev, status.st_ino].append(path)
                found[path] = about
    return found, sorted(sorted(group) for group in names.values() if len(group) > 1)


def difference(now, before, whole=True):
    """What is other than before. Names of one file may be apart now where the list, of a run that was cut short, has not all of them."""
    lines = [f"{name}: {before[0].get(name)} became {now[0].get(name)}"
             for name in sorted(now[0].keys() | before[0].keys()) if now[0].get(name) != before[0].get(name)]
    shared = [group for group in now[1] if not any(set(group) <= set(other) for other in before[1])]
    lines += [f"names of one file now: {group}" for group in shared]
    if whole:
        lines += [f"names of one file no more: {group}" for group in before[1] if group not in now[1]]
    return lines[:6]


class Box:
    """The folders, their disks, and the commands that act there."""

    def __init__(self, options, root):
        self.clip, self.root, self.rng = str(pathlib.Path(options.clip).resolve()), root, random.Random(options.seed)
        self.near, self.far, self.list = (root / name for name in ("near", "far", "list"))
        for disk in (self.near, self.far, self.list):
            disk.mkdir()
            if options.disks == "tmpfs":
                subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", disk], check=True)
            else:
                image = root / f"{disk.name}.img"
                image.write_bytes(b"")
                os.truncate(image, 16 << 20)
                subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)
                subprocess.run(["mount", "-o", "loop", image, disk], check=True)
                (disk / "lost+found").rmdir()
            (disk / "own").mkdir()
        self.photos, self.index = self.near / "own/photos", root / "pictures.index"
        self.make()
        self.run("index", self.photos, "-o", self.index, "-q")
        self.plan = root / "plan.jsonl"
        self.run("dedupe", "--index", self.index, "--exact", "-o", self.plan)
        for place, _, files in os.walk(root):
            os.chown(place, ACCOUNT, ACCOUNT)
            for name in files:
                os.chown(os.path.join(os.fsencode(place), os.fsencode(name)), ACCOUNT, ACCOUNT, follow_symlinks=False)
        os.chmod(self.photos / "locked", 0o555)
        self.before = snapshot([self.near, self.far])
        self.runs = 0

    def make(self):
        sources = sorted((ROOT / "Models/examples").glob("*.png"))[:8]
        for number in range(48):
            folder = self.photos / ["", "one", "one/two", "copies", "locked"][number % 5]
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{number:02} {sources[number * 7 % 8].name}"
            shutil.copyfile(sources[number * 7 % 8], path)
            os.utime(path, ns=(1, 10**18 + number * 1_234_567))
            os.chmod(path, [0o644, 0o444, 0o600, 0o640][number % 4])
            if number % 3 == 0:
                try:
                    os.setxattr(path, "user.note", f"note {number}".encode())
                except OSError:
                    pass
            if number % 6 == 0:
                os.link(path, self.photos / f"name of {number}.png")
            if number % 8 == 0:
                os.symlink(path.name, folder / f"link to {number}.png")
        shutil.copyfile(sources[0], os.fsencode(self.photos) + b"/no utf-8 \xff\xfe.png")
        shutil.copyfile(sources[1], self.photos / "a line\nand another.png")

    def environment(self):
        return {key: value for key, value in os.environ.items() if not key.startswith("CLIP_")} | {
            "CLIP_THREADS": "1", "TMPDIR": str(self.root), "HOME": str(self.root)}

    def start(self, *arguments, account=None):
        return subprocess.Popen(
            [self.clip, *map(str, arguments)], cwd=self.root, env=self.environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, user=account, group=account, extra_groups=account and [])

    def run(self, *arguments, account=None):
        process = self.start(*arguments, account=account)
        error = process.communicate(timeout=120)[1].decode(errors="replace")
        assert process.returncode in (0, 1), (arguments, process.returncode, error)
        return process.returncode, error

    def command(self, disk):
        """One that acts, by chance, and the disk that it puts files on."""
        goal = (self.near if disk == "near" else self.far) / "own/aside"
        classify = ["classify", "--index", self.index, "--labels", LABELS]
        sort = [*classify, "--sort-into", goal, "--sort-by"]
        return self.rng.choice([
            ["dedupe", "--index", self.index, "--exact", "--move-to", goal], ["dedupe", "--index", self.index, "--exact", "--link"],
            ["dedupe", "--apply", self.plan, "--move-to", goal], ["dedupe", "--apply", self.plan, "--link"],
            [*sort, "copy"], [*sort, "link"], [*sort, "move"], [*sort, "move", "--xmp"], [*classify, "--xmp"]])

    def fill(self, disk):
        """Leaves little space there, none at times."""
        ballast, left = disk / "ballast", self.rng.choice([0, 4096, 8192, 65536, self.rng.randrange(1 << 20)])
        free = os.statvfs(disk)
        with open(ballast, "wb") as file:
            try:
                file.write(bytes(max(0, free.f_bavail * free.f_frsize - left)))
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                pass
        return ballast

    def attempt(self):
        """One command, ended in one way, and taken back: what is wrong then."""
        event = self.rng.choice(EVENTS)
        place = self.rng.choice(["near", "far"])
        listed = (self.list / "own" if event == "full list" or self.rng.random() < 0.3 else self.root) / f"{self.runs}.undo.jsonl"
        command = [*self.command("far" if event == "full far" else place), "--undo-list", listed]
        account = self.rng.choice([None, ACCOUNT])
        self.runs += 1
        lists, told = [listed], []
        about = f"{' '.join(map(str, command[:1] + command[3:]))}; {event}; account {account or 'root'}"
        whole = False
        ballast = self.fill(getattr(self, event.split()[1])) if event.startswith("full") else None
        if event.startswith("SIG"):
            self.interrupt(self.start(*command, account=account), getattr(signal, event), listed)
        else:
            status, error = self.run(*command, account=account)
            whole = ballast is None and status == 0
            if whole and not listed.exists():
                told.append("nothing was done")
            if status == 1 and "clip: " not in error:
                told.append(f"exit status 1 without an error line: {error}")
        if self.rng.random() < 0.3:
            lists.append(pathlib.Path(f"{listed}-again"))
            self.run(*command[:-1], lists[1], account=account)
        acted = snapshot([self.near, self.far]) != self.before
        for path in reversed(lists):
            told += self.take_back(path, account, ballast)
        if ballast:
            ballast.unlink(missing_ok=True)
            for path in reversed(lists):
                told += self.take_back(path, account, None)
        for path in lists:
            path.unlink(missing_ok=True)
        now = snapshot([self.near, self.far])
        told += difference(now, self.before, whole)
        for group in self.before[1]:
            if not told and group not in now[1]:
                for name in group[1:]:
                    os.unlink(name)
                    os.link(group[0], name)
        told += [f"left behind: {path}" for path in self.root.rglob("*.tmp")]
        return about, event, acted, told

    def take_back(self, path, account, ballast):
        """Undoes by a list, killed now and then; without space it may fail."""
        if not path.exists():
            return []
        while self.rng.random() < 0.4:
            self.interrupt(self.start("undo", path, "-q", account=account), signal.SIGKILL, path)
        status, error = self.run("undo", path, "-q", account=account)
        if status and not ballast:
            return [f"undo: exit status {status}: {error}"]
        return []

    def interrupt(self, process, number, listed):
        """Ends a process while it acts: some time after its list has appeared."""
        deadline = time.monotonic() + 30
        while not (listed.exists() and listed.stat().st_size > 40) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.0005)
        time.sleep(self.rng.random() ** 2 * 0.2)
        process.send_signal(number)
        error = process.communicate(timeout=60)[1].decode(errors="replace")
        assert process.returncode in (0, 1, -number, 128 + number), (process.returncode, error)

    def relocate(self, kills):
        """Kills `index --relocate`: at the end every picture has its vector, under its new path."""
        def vectors(index):
            lines = subprocess.run(
                [self.clip, "vectors", "--index", index, "--format", "jsonl"], check=True, capture_output=True,
                env=self.environment()).stdout.splitlines()
            records = [json.loads(line) for line in lines]
            return {record["input"]: record["embedding"] for record in records}
        moved = self.root / "moved"
        subprocess.run(["cp", "-a", self.photos, moved], check=True)
        right = {name.replace(str(self.photos), str(moved)): value for name, value in vectors(self.index).items()}
        whole = self.root / "whole.index"
        cut = 0
        for _ in range(kills):
            shutil.copyfile(self.index, whole)
            command = ["index", moved, "-o", whole, "--relocate", self.photos, "-q"]
            process = self.start(*command)
            time.sleep(self.rng.random() * 0.15)
            process.kill()
            cut += process.wait() != 0
            verified = json.loads(subprocess.run(
                [self.clip, "index", "--verify", whole, "--format", "json"], capture_output=True, env=self.environment()).stdout)
            assert not verified["damaged"] and not verified["other_damage"], ("relocate", verified)
            status, error = self.run(*command)
            if status:
                status, error = self.run("index", moved, "-o", whole, "-q")
            assert status == 0 and vectors(whole) == right, ("relocate", error)
            assert not list(self.root.glob("whole.index?*")), list(self.root.glob("whole.index?*"))
        return cut


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clip", default=str(ROOT / ".build/release/clip"))
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--disks", choices=["tmpfs", "ext4"], default="tmpfs")
    options = parser.parse_args()
    if os.geteuid():
        sys.exit("mounts disks: run it as root")
    if "TAKE_BACK_MOUNTS" not in os.environ:
        os.execvpe("unshare", ["unshare", "-m", sys.executable, *sys.argv], os.environ | {"TAKE_BACK_MOUNTS": "1"})
    acted, findings = collections.Counter(), 0
    with tempfile.TemporaryDirectory(prefix="clip-take-back-") as name:
        root = pathlib.Path(name).resolve()
        root.chmod(0o777)
        box = Box(options, root)
        try:
            for _ in range(options.runs):
                about, event, did, told = box.attempt()
                acted[event] += did
                if told:
                    findings += 1
                    print(f"run {box.runs}: {about}", *(f"    {line}" for line in told), sep="\n", flush=True)
                    if difference(snapshot([box.near, box.far]), box.before):
                        sys.exit("stopped: the folders are not as they were")
            cut = box.relocate(max(3, options.runs // 10))
        finally:
            for disk in (box.near, box.far, box.list):
                subprocess.run(["umount", "-l", disk])
    events = ", ".join(f"{event} {count}" for event, count in sorted(acted.items()))
    print(f"{options.runs} runs, those that had changed something: {events}; relocations cut short: {cut}; {findings} findings")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
