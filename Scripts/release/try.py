#!/usr/bin/env python3
"""Installs a release in bare roots of Debian, uses it as a newcomer would, and removes it again.

  try.py [--files .build/release-files] [--suites bookworm,trixie] [--roots .build/roots] [--architecture aarch64]

In each root, made by debootstrap as small as it makes them: the tarball's install.sh and then the Debian package; the README's first example; completions, manual pages and
licences where they belong; `clip pull` of a small model from a hub on this machine's loopback, and an answer by it; removing everything, after which no file is left. lintian
reads the package, without an error or warning. Needs root, debootstrap, lintian and a mirror; for another architecture than this machine's qemu-user-static,
registered with the kernel (qemu-user-binfmt does that). Exit status 1 if anything fails.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "Scripts/oracle"))
import check_hub  # noqa: E402

DEBIAN = {"x86_64": "amd64", "aarch64": "arm64"}
# What package tools keep for themselves.
KEPT = ("var/lib/dpkg/", "var/log/", "var/cache/", "etc/ld.so.cache", "proc/", "dev/", "tmp/")


class Bare:
    """A root in which commands are run."""

    def __init__(self, path):
        self.path = path

    def run(self, command, **environment):
        variables = [f"{name}={value}" for name, value in {"PATH": "/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin", "HOME": "/root", **environment}.items()]
        done = subprocess.run(["chroot", self.path, "/usr/bin/env", "-i", *variables, "/bin/sh", "-c", command], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{command}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def files(self):
        found = set()
        for folder, folders, names in os.walk(self.path):
            place = Path(folder).relative_to(self.path)
            folders[:] = [name for name in folders if not f"{place / name}/".startswith(KEPT)]
            found |= {str(place / name) for name in folders + names}
        return {name for name in found if not name.startswith(KEPT)}


def use(bare, prefix, endpoint):
    """Everything that a newcomer does first."""
    version = bare.run("clip --version").split()[1]
    shutil.copy(ROOT / "Models/examples/cat.jpg", bare.path / "tmp/cat.jpg")
    answer = bare.run("clip classify /tmp/cat.jpg --labels 'cat,house,car'")
    assert json.loads(answer)["labels"][0]["label"] == "cat", answer
    assert "embedded" in bare.run("clip models")
    assert '"passes":true' in bare.run("clip verify")
    for name in ("share/man/man1/clip.1", "share/man/man1/clip-classify.1", "share/bash-completion/completions/clip",
                 "share/fish/vendor_completions.d/clip.fish", "share/doc/clip/THIRD_PARTY.md", "share/doc/clip/clip.spdx.json"):
        assert any((bare.path / prefix / (name + end)).exists() for end in ("", ".gz")), name
    hub = {"HF_ENDPOINT": endpoint, "HF_HUB_CACHE": "/tmp/hub"}
    pulled = json.loads(bare.run(f"clip pull {check_hub.REPOSITORY}", **hub))
    assert pulled["fetched"] > 0, pulled
    assert json.loads(bare.run(f"clip embed-text 'a cat' --model {check_hub.REPOSITORY}", **hub))["embedding"]
    shutil.rmtree(bare.path / "tmp/hub")
    return version


def attempt(bare, files, endpoint, architecture):
    before = bare.files()
    tarball = next(files.glob(f"clip-*-linux-{architecture}.tar.gz"))
    subprocess.run(["tar", "-xf", tarball, "-C", bare.path / "tmp"], check=True)
    unpacked = "/tmp/" + tarball.name.removesuffix(".tar.gz")
    bare.run(f"{unpacked}/install.sh")
    version = use(bare, "usr/local", endpoint)
    bare.run(f"{unpacked}/install.sh --uninstall")
    left = bare.files() - before
    assert not left, f"the tarball leaves {sorted(left)[:5]}"

    package = next(files.glob(f"clip_*_{DEBIAN[architecture]}.deb"))
    shutil.copy(package, bare.path / "tmp/clip.deb")
    bare.run("dpkg -i /tmp/clip.deb")
    use(bare, "usr", endpoint)
    bare.run("dpkg --purge clip")
    left = bare.files() - before
    assert not left, f"the Debian package leaves {sorted(left)[:5]}"
    shutil.rmtree(bare.path / "tmp")
    (bare.path / "tmp").mkdir(mode=0o1777)
    return version


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--files", type=Path, default=ROOT / ".build/release-files")
    parser.add_argument("--suites", default="bookworm,trixie")
    parser.add_argument("--roots", type=Path, default=ROOT / ".build/roots")
    parser.add_argument("--architecture", choices=DEBIAN, default=os.uname().machine)
    options = parser.parse_args()
    files, failures = options.files.resolve(), 0

    for package in sorted(files.glob("*.deb")):
        done = subprocess.run(["lintian", "--fail-on", "error,warning", package], capture_output=True, text=True)
        print(f"lintian {package.name}: {done.stdout.strip() or 'nothing to say'}")
        failures += done.returncode != 0
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=files, check=True)

    model = ROOT / "Tests/CLIPTests/Fixtures/models/quickgelu-f32"
    check_hub.Hub.files = {path.name: check_hub.File(path) for path in sorted(model.iterdir()) if path.is_file()}
    server = ThreadingHTTPServer(("127.0.0.1", 0), check_hub.Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    for suite in options.suites.split(","):
        path = (options.roots / f"{suite}-{DEBIAN[options.architecture]}").resolve()
        if not (path / "bin/sh").exists():
            options.roots.mkdir(parents=True, exist_ok=True)
            subprocess.run(["debootstrap", "--variant=minbase", f"--arch={DEBIAN[options.architecture]}", suite, path], check=True, stdout=subprocess.DEVNULL)
        (path / "etc/hosts").write_text("127.0.0.1 localhost\n")
        # What every system and container has.
        subprocess.run(["mount", "-t", "proc", "proc", path / "proc"], check=True)
        try:
            version = attempt(Bare(path), files, endpoint, options.architecture)
            print(f"{suite}, {options.architecture}: clip {version} installs twice, answers, pulls, and leaves nothing")
        except (AssertionError, RuntimeError, StopIteration) as error:
            failures += 1
            print(f"try.py: {suite}: {error}", file=sys.stderr)
        finally:
            subprocess.run(["umount", path / "proc"], check=True)
    server.shutdown()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
