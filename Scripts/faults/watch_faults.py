#!/usr/bin/env python3
"""Lets `clip index --watch` be killed, fall behind and run out of watches, and checks that the index follows its folder all the same.

    Scripts/faults/watch_faults.py --clip .build/release/clip [--kills 50] [--seed 1]

Pictures come, change, move and go all the while. A watch that was killed at a random instant leaves an index whose vectors are all
right; the next run completes it. A watch that was stopped while more happened than the system keeps for it has, once it goes on, an
index that equals the folder, and so has one that goes on undisturbed. Without watches left it says so and ends. As root: the length
of the system's queue is set for the moment in which a watch begins.
"""

import argparse
import contextlib
import json
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import time

from kill_index import Folder, check_complete, check_killed, run

QUEUE = pathlib.Path("/proc/sys/fs/inotify/max_queued_events")


@contextlib.contextmanager
def queue(length):
    """Watches that are begun meanwhile have a queue of this length."""
    before = QUEUE.read_text()
    QUEUE.write_text(str(length))
    try:
        yield
    finally:
        QUEUE.write_text(before)


def limited(name, value):
    """What goes before a command for which a limit is to hold: in a namespace of its own."""
    return ["unshare", "-Ur", "sh", "-c", f'echo {value} > /proc/sys/user/{name} && exec "$@"', "sh"]


class Watch:
    def __init__(self, clip, folder, prefix=()):
        self.clip, self.folder = clip, folder
        self.process = subprocess.Popen(
            [*prefix, clip, "index", "--watch", folder.path, "--batch-size", "4", "--format", "jsonl", "-q"], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)

    def first(self):
        """Waits for the record of the first run."""
        return json.loads(self.process.stdout.readline())

    def end(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        return self.process.communicate(timeout=30)

    def check(self, seconds=30):
        """The index comes to equal the folder, without another process that brings it up to date."""
        deadline = time.monotonic() + seconds
        while True:
            time.sleep(0.5)
            try:
                return check_complete(self.clip, self.folder)
            except (AssertionError, KeyError, subprocess.CalledProcessError):
                if time.monotonic() > deadline:
                    raise


def killed(clip, folder, rng, count):
    command = [clip, "index", folder.path, "--batch-size", "4", "-q"]
    torn = 0
    for _ in range(count):
        watch = Watch(clip, folder)
        if rng.random() < 0.7:
            watch.first()
        end = time.monotonic() + rng.random() * 2
        while time.monotonic() < end:
            folder.change(30)
            time.sleep(rng.random() * 0.3)
        watch.end()
        torn += check_killed(clip, folder, command)
    run(clip, "search", "anything", "--index", folder.path)
    run(*command)
    return f"{count} kills, {torn} times a torn end, complete afterwards with {len(check_complete(clip, folder))} pictures"


def undisturbed(clip, folder, rng):
    watch = Watch(clip, folder)
    watch.first()
    for _ in range(20):
        folder.change(20)
        time.sleep(rng.random() * 0.4)
    found = watch.check()
    watch.end(signal.SIGTERM)
    return f"after 20 bursts equal, {len(found)} pictures"


def overflown(clip, folder, rng, events):
    with queue(events):
        watch = Watch(clip, folder)
        watch.first()
    for _ in range(3):
        watch.process.send_signal(signal.SIGSTOP)
        for _ in range(40):
            folder.change(20)
        watch.process.send_signal(signal.SIGCONT)
        found = watch.check()
    watch.end(signal.SIGTERM)
    return f"a queue of {events} events, three bursts of some 400 changes while it was stopped: equal, {len(found)} pictures"


def exhausted(clip, folder):
    for number in range(40):
        os.makedirs(f"{folder.path}/folders/{number}", exist_ok=True)
    told = []
    for name, value in [("max_inotify_watches", 20), ("max_inotify_watches", 60), ("max_inotify_instances", 0)]:
        watch = Watch(clip, folder, limited(name, value))
        if value == 60:
            watch.first()
            # What comes while it watches takes the last ones.
            for number in range(60):
                os.makedirs(f"{folder.path}/more/{number}", exist_ok=True)
        out, error = watch.process.communicate(timeout=60)
        assert watch.process.returncode == 1 and name.replace("inotify", "user") in error, (watch.process.returncode, out, error)
        told.append(error.strip())
    run(clip, "index", folder.path, "-q")
    check_complete(clip, folder)
    return "\n    ".join(["", *told])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clip", required=True)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as root:
        folder = Folder(arguments.clip, [], rng, root)
        print("killed:", killed(arguments.clip, folder, rng, arguments.kills), flush=True)
        print("undisturbed:", undisturbed(arguments.clip, folder, rng), flush=True)
        for events in (1, 16, 128):
            print("fallen behind:", overflown(arguments.clip, folder, rng, events), flush=True)
        print("no watch left:", exhausted(arguments.clip, folder), flush=True)


if __name__ == "__main__":
    main()
