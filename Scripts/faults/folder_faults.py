#!/usr/bin/env python3
"""Lets folders fail under `clip index` and `clip embed-image`, and checks that no picture counts as deleted for it.

  folder_faults.py CLIP    CLIP: the program. Linux, with strace; as root it also takes another user's part and mounts a disk.

Every call of getdents64, newfstatat and openat on the folder fails once, alone, with each of several errors. What the index had
must still be there, the fault be named, and the exit status be 1.
"""
import json, os, re, shutil, subprocess, sys, tempfile
from pathlib import Path

CLIP = str(Path(sys.argv[1]).resolve())
PICTURES = Path(__file__).resolve().parents[2] / "Tests/CLIPTests/Fixtures/pictures"
ERRORS = ("EIO", "ESTALE", "EACCES", "EMFILE", "ENAMETOOLONG", "ENOMEM")
USER = 12345
checks = injections = 0


def check(truth, *about):
    global checks
    checks += 1
    if not truth:
        sys.exit(f"FAILS: {about}")


def run(*command, drop=False, **options):
    before = (lambda: (os.setgid(USER), os.setuid(USER))) if drop else None
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=120, preexec_fn=before, **options)
    return done.returncode, done.stdout, done.stderr


def index(folder, file, *more, drop=False):
    code, out, error = run(CLIP, "index", folder, "-o", file, "--format", "json", "--threads", "1", *more, drop=drop)
    return code, json.loads(out) if out.startswith("{") else {}, error


def make(folder, names):
    pictures = sorted(PICTURES.glob("*.png"))
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # A comment behind the end changes the bytes, not the picture.
        path.write_bytes(pictures[number % len(pictures)].read_bytes() + str(number).encode())


def calls(folder, file):
    """The numbers of the calls of each kind that concern the folder, from 1, in a run without a fault."""
    trace = file.parent / "trace"
    run("strace", "-f", "-o", trace, "-e", "trace=getdents64,newfstatat,openat", "-y", CLIP, "index", folder, "-o", file, "--threads", "1")
    counts, found = {}, {}
    for line in trace.read_text(errors="replace").splitlines():
        # strace counts the calls of each thread for itself.
        call = re.match(r"(\d+)\s+(getdents64|newfstatat|openat)\(", line)
        if not call:
            continue
        counts[call.groups()] = counts.get(call.groups(), 0) + 1
        if str(folder) in line and str(file) not in line:
            found.setdefault(call[2], set()).add(counts[call.groups()])
    return found


def inject(scratch):
    global injections
    folder, file = scratch / "p", scratch / "i.idx"
    make(folder, [f"{n}.png" for n in range(6)] + [f"sub/{n}.png" for n in range(5)] + ["sub/deep/a.png", "unnamed"])
    code, report, error = index(folder, file)
    check(code == 0 and report["added"] == 13, error)
    held = file.read_bytes()
    for name, numbers in calls(folder, file).items():
        for number in sorted(numbers):
            for problem in ERRORS:
                file.write_bytes(held)
                trace = scratch / "trace"
                code, out, error = run(
                    "strace", "-f", "-o", trace, "-e", f"trace={name}", "-e", f"inject={name}:error={problem}:when={number}",
                    CLIP, "index", folder, "-o", file, "--format", "json", "--threads", "1")
                if "(INJECTED)" not in trace.read_text(errors="replace"):
                    continue
                injections += 1
                about = (name, number, problem, code, out, error)
                check(code in (0, 1) and not (code == 0 and json.loads(out)["unchanged"] != 13), about)
                if code == 1:
                    check(error.strip(), about)
                if out:
                    check(json.loads(out)["deleted"] == 0, about)
                code, report, error = index(folder, file)
                check(code == 0 and report["added"] == 0 and report["unchanged"] == 13, about, report)


def other_user(scratch):
    folder, file = scratch / "q", scratch / "j.idx"
    make(folder, ["a.png", "b/x.png", "b/y.png", "b/z/w.png"])
    for path in [scratch, folder, *folder.rglob("*")]:
        os.chown(path, USER, USER)
    os.chmod(scratch, 0o777)
    check(index(folder, file, drop=True)[1]["added"] == 4)
    for mode in (0o000, 0o444, 0o111):
        os.chmod(folder / "b", mode)
        code, report, error = index(folder, file, drop=True)
        embedded = run(CLIP, "embed-image", folder, "--threads", "1", drop=True)
        os.chmod(folder / "b", 0o755)
        check(code == 1 and report["deleted"] == 0 and f"{folder}/b" in error, oct(mode), report, error)
        check(embedded[0] == 1 and f"{folder}/b" in embedded[2], oct(mode), embedded)
    check(index(folder, file, drop=True)[1]["unchanged"] == 4)


def unmounted(scratch):
    disk, file = scratch / "disk", scratch / "k.idx"
    (disk / "card").mkdir(parents=True)
    make(disk, ["own.png"])
    if run("mount", "-t", "tmpfs", "none", disk / "card")[0]:
        return print("no right to mount: left out")
    try:
        make(disk / "card", [f"{n}.png" for n in range(8)])
        check(index(disk, file)[1]["added"] == 9)
    finally:
        run("umount", disk / "card")
    code, report, error = index(disk, file)
    check(code == 1 and report["deleted"] == 0 and f"{disk}/card: holds no pictures any more" in error, report, error)
    code, report, error = index(disk / "card", file)
    check(code == 1 and report["deleted"] == 0, report, error)
    code, report, error = index(disk / "card", file, "--allow-empty")
    check(code == 0 and report["deleted"] == 8, report, error)


def below_the_limit(scratch):
    folder, file = scratch / "r", scratch / "l.idx"
    make(folder, ["a.png"])
    here, steps = os.open(folder, os.O_RDONLY), 30
    for _ in range(steps):
        os.mkdir("d" * 200, dir_fd=here)
        here = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
    target = os.open("deep.png", os.O_CREAT | os.O_WRONLY, dir_fd=here)
    os.write(target, (folder / "a.png").read_bytes() + b"deep")
    os.close(target)
    code, report, error = index(folder, file)
    check(code == 0 and report["added"] == 2, report, error)
    code, out, error = run(CLIP, "embed-image", folder)
    check(code == 0 and len(out.splitlines()) == 2, out, error)
    check(index(folder, file)[1]["unchanged"] == 2)
    os.unlink("deep.png", dir_fd=here)
    subprocess.run(["rm", "-r", folder], check=True)


with tempfile.TemporaryDirectory() as scratch:
    scratch = Path(scratch).resolve()
    below_the_limit(scratch)
    if os.geteuid() == 0:
        unmounted(scratch)
        other_user(scratch)
    if shutil.which("strace"):
        inject(scratch)
    print(f"{injections} injected faults, {checks} checks: no picture lost")
