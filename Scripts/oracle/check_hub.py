#!/usr/bin/env python3
"""Hold `clip pull` to Python's huggingface_hub: each finds what the other fetched, and both leave the same cache.

    Scripts/.venv/bin/python Scripts/oracle/check_hub.py [--clip .build/debug/clip] [MODEL_FOLDER]

Serves the model's files on this machine's loopback as a hub does. Needs huggingface_hub; nothing leaves the machine.
"""

import argparse
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ROOT = pathlib.Path(__file__).resolve().parents[2]
REPOSITORY, COMMIT, LARGE = "org/model", "0123456789abcdef0123456789abcdef01234567", 20_000


class File:
    def __init__(self, path):
        self.content = path.read_bytes()
        self.size = len(self.content)
        self.is_large = self.size >= LARGE
        self.git = hashlib.sha1(b"blob %d\0" % self.size + self.content).hexdigest()
        self.sha256 = hashlib.sha256(self.content).hexdigest()
        self.etag = self.sha256 if self.is_large else self.git


class Hub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    files = {}

    def log_message(self, *_):
        pass

    def answer(self, status, headers, body=b""):
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        api = f"/api/models/{REPOSITORY}"
        if path in (api, f"{api}/revision/main", f"{api}/revision/{COMMIT}"):
            siblings = [{"rfilename": name} for name in self.files]
            return self.json({"id": REPOSITORY, "modelId": REPOSITORY, "sha": COMMIT, "siblings": siblings})
        if path.startswith(f"{api}/tree/"):
            return self.json([self.entry(name, file) for name, file in self.files.items()])
        for revision in ("main", COMMIT):
            file = self.files.get(path.removeprefix(f"/{REPOSITORY}/resolve/{revision}/"))
            if file:
                headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{file.etag}"'}
                if not file.is_large:
                    return self.answer(200, headers, file.content)
                host = self.headers["Host"].replace("127.0.0.1", "localhost")
                linked = {"X-Linked-Etag": f'"{file.etag}"', "X-Linked-Size": str(file.size)}
                return self.answer(302, headers | linked | {"Location": f"http://{host}/store/{file.sha256}"})
        for file in self.files.values():
            if path == f"/store/{file.sha256}":
                assert "Authorization" not in self.headers, "the token went to another host"
                return self.answer(200, {}, file.content)
        self.answer(404, {"X-Error-Code": "EntryNotFound"})

    do_HEAD = do_GET

    def json(self, value):
        self.answer(200, {"Content-Type": "application/json"}, json.dumps(value).encode())

    @staticmethod
    def entry(name, file):
        entry = {"type": "file", "path": name, "size": file.size, "oid": file.git}
        if file.is_large:
            entry["lfs"] = {"oid": file.sha256, "size": file.size, "pointerSize": 130}
        return entry


def tree(cache):
    """Every file and link, but for what only one of the two keeps for itself."""
    found = {}
    for path in sorted(cache.rglob("*")):
        name = str(path.relative_to(cache))
        if path.is_dir() and not path.is_symlink() or "/trees/" in name or name.endswith(".lock"):
            continue
        if name == "CACHEDIR.TAG":
            found[name] = path.read_text().splitlines()[0]
        else:
            found[name] = os.readlink(path) if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def run(command, environment):
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"{' '.join(command)}: exit status {result.returncode}\n{result.stderr}")
    return result.stdout.strip()


def python(code, environment):
    return run([sys.executable, "-c", f"from huggingface_hub import *; print({code})"], environment)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clip", default=str(ROOT / ".build/debug/clip"))
    parser.add_argument("model", nargs="?", default=str(ROOT / "Tests/CLIPTests/Fixtures/models/quickgelu-f32"))
    options = parser.parse_args()
    Hub.files = {path.name: File(path) for path in sorted(pathlib.Path(options.model).iterdir()) if path.is_file()}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = pathlib.Path(folder, "ours"), pathlib.Path(folder, "theirs")
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING"))}
        base = inherited | {
            "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "HF_TOKEN": "hf_secret", "HF_HOME": folder,
            "no_proxy": "127.0.0.1,localhost",
        }
        us, them = base | {"HF_HUB_CACHE": str(ours)}, base | {"HF_HUB_CACHE": str(theirs)}

        pulled = json.loads(run([options.clip, "pull", REPOSITORY], us))
        offline = us | {"HF_HUB_OFFLINE": "1"}
        assert python(f"snapshot_download('{REPOSITORY}')", offline) == pulled["path"]
        names = sorted(os.listdir(pulled["path"]))
        for name in names:
            found = python(f"hf_hub_download('{REPOSITORY}', '{name}')", offline)
            assert pathlib.Path(found).read_bytes() == Hub.files[name].content, name
        print(f"huggingface_hub, offline, finds all {len(names)} files that clip pulled")

        python(f"snapshot_download('{REPOSITORY}', allow_patterns={names})", them)
        for command in (["embed-text", "a cat"], ["info"]):
            run([options.clip, *command, "--model", REPOSITORY], them | {"HF_HUB_OFFLINE": "1"})
        assert json.loads(run([options.clip, "pull", REPOSITORY], them))["fetched"] == 0
        print("clip finds what huggingface_hub fetched, and fetches nothing of it again")

        left, right = tree(ours), tree(theirs)
        for name in sorted(left.keys() | right.keys()):
            if left.get(name) != right.get(name):
                sys.exit(f"{name}: clip leaves {left.get(name)}, huggingface_hub {right.get(name)}")
        print(f"both caches hold the same {len(left)} files and links")


if __name__ == "__main__":
    main()
