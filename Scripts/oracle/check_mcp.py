#!/usr/bin/env python3
"""Holds `clip mcp` to the official Python client of the Model Context Protocol.

    Scripts/.venv/bin/python Scripts/oracle/check_mcp.py [--clip .build/release/clip]

The pictures are Models/examples, in an index in a temporary folder. The client negotiates by itself and in each revision that
is spoken, lists the tools and checks their schemas, calls each, cancels calls, and sends what makes no sense; beside it the
program gets raw lines: malformed ones, a message of 40 MB, one hundred thousand requests. Nothing outside the index is shown.
"""

import argparse
import base64
import hashlib
import io
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import anyio
import jsonschema
from mcp import Client, ClientSession, StdioServerParameters, stdio_client
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]
failures = []


def check(holds, what):
    if not holds:
        failures.append(what)
        print("FAILED:", what, flush=True)


def values(result):
    return result.structured_content or {}


def words(result):
    return " ".join(block.text for block in result.content if block.type == "text")


def images(result):
    return [Image.open(io.BytesIO(base64.b64decode(block.data))) for block in result.content if block.type == "image"]


async def check_tools(call, folder):
    described = values(await call("describe_index", {}))
    check(described.get("pictures") == 20, f"describe_index says {described}")
    found = await call("search_pictures", {"text": "a drawing of a teapot", "top": 5})
    hits = values(found)["hits"]
    check(len(hits) == 5 and len(images(found)) == 5, f"search_pictures finds {hits}")
    check(hits[0]["path"].endswith("teapot.png"), f"the first hit is {hits[0]}")
    check(max(max(image.size) for image in images(found)) <= 256, "small copies are small")
    check(json.loads(found.content[0].text) == values(found), "the text says what the data do")
    data = base64.b64encode((folder / "photos/bus.png").read_bytes()).decode()
    found = await call("search_by_picture", {"data": data, "thumbnails": False, "top": 2})
    check(values(found)["hits"][0]["path"].endswith("bus.png") and not images(found), "search_by_picture finds the picture")
    near = values(await call("similar_pictures", {"path": "photos/bus.png", "top": 3}))["hits"]
    check(len(near) == 3 and not any(hit["path"].endswith("bus.png") for hit in near), f"similar_pictures finds {near}")
    only = values(await call("search_pictures", {"text": "an animal", "paths": "*.jpg", "top": 50}))["hits"]
    check(only and all(hit["path"].endswith(".jpg") for hit in only), "paths choose")
    classified = values(await call("classify_pictures", {"paths": ["photos/teapot.png"], "labels": ["teapot", "bus"]}))
    check(classified["pictures"][0]["labels"][0]["label"] == "teapot", f"classify_pictures says {classified}")
    shown = images(await call("show_picture", {"path": "photos/dog.jpg", "edge": 200}))
    check(len(shown) == 1 and max(shown[0].size) <= 200, "show_picture shows")
    for path in ["../secret.png", str(folder / "secret.png"), "/etc/passwd", "photos/../secret.png", "photos/none.png"]:
        refused = await call("show_picture", {"path": path})
        check(refused.is_error and "is not in the index" in words(refused), f"{path} is refused")
    for tool, arguments in [
        ("search_pictures", {}), ("search_pictures", {"text": 1}), ("search_pictures", {"text": "a", "top": 0}),
        ("search_by_picture", {"data": "%"}), ("search_by_picture", {"data": base64.b64encode(b"x" * 1000).decode()}),
        ("classify_pictures", {"paths": ["photos"], "labels": ["a"]}), ("show_picture", {"path": "photos", "size": 3}),
    ]:
        check((await call(tool, arguments)).is_error, f"{tool} refuses {arguments}")


async def check_client(clip, folder):
    server = StdioServerParameters(command=clip, args=["mcp", "--index", "photos"], cwd=folder)
    # As an assistant does it: the client finds out what is spoken.
    async with Client(stdio_client(server)) as client:
        listed = (await client.list_tools()).tools
        check(len(listed) == 6, f"{len(listed)} tools")
        for tool in listed:
            jsonschema.Draft202012Validator.check_schema(tool.input_schema)
            check(bool(tool.annotations and tool.annotations.read_only_hint), f"{tool.name} reads only")
        await check_tools(client.call_tool, folder)
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        greeting = await session.initialize()
        check(greeting.server_info.name == "clip" and greeting.capabilities.tools is not None, "the greeting says who it is")
        check(bool(greeting.instructions), "the greeting has instructions")
        await session.send_ping()
        # Many calls of which the client gives up most: they are taken back, and the next is answered.
        given_up = 0
        for _ in range(20):
            with anyio.move_on_after(0.001):
                await session.call_tool("search_pictures", {"text": "a cat " * 30, "top": 50})
                continue
            given_up += 1
        check(given_up > 0, "calls were given up")
        start = time.monotonic()
        await session.send_ping()
        found = await session.call_tool("search_pictures", {"text": "a dog", "top": 1})
        check(not found.is_error and len(values(found)["hits"]) == 1, "the call after them is answered")
        print(f"{given_up} calls given up, the next was answered after {time.monotonic() - start:.2f} s")
        async with anyio.create_task_group() as group:
            async def one(label):
                result = await session.call_tool("search_pictures", {"text": label, "top": 1, "thumbnails": False})
                check(len(values(result)["hits"]) == 1, f"{label} among others at once")
            for number in range(30):
                group.start_soon(one, f"picture {number}")


def check_raw(clip, folder):
    def serve(data):
        result = subprocess.run([clip, "mcp", "--index", "photos"], input=data, cwd=folder, capture_output=True, timeout=300)
        check(result.returncode == 0, f"ends with {result.returncode}: {result.stderr[:300]}")
        return [json.loads(line) for line in result.stdout.splitlines()]

    ping = b'{"jsonrpc":"2.0","id":7,"method":"ping"}\n'
    answers = serve(b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"' + b"x" * (40 << 20) + b'"}}\n' + ping)
    check([answer.get("id") for answer in answers] == [None, 7], "a message of 40 MB is refused, the next served")
    answers = serve(b"\xff\xfe\n\x00\nnull\n[]\n{}\n" + b"[" * 100_000 + b"\n" + ping)
    check(len(answers) == 7 and answers[-1]["id"] == 7, f"{len(answers)} answers to malformed lines")
    check(all("error" in answer for answer in answers[:-1]), "malformed lines are errors")
    check(len(serve(ping * 100_000)) == 100_000, "100,000 pings are answered")
    check(serve(b"") == [], "no message, no answer")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clip", default=str(ROOT / ".build/release/clip"))
    clip = str(pathlib.Path(parser.parse_args().clip).resolve())
    with tempfile.TemporaryDirectory(prefix="check-mcp-") as name:
        folder = pathlib.Path(name)
        (folder / "photos").mkdir()
        for picture in sorted((ROOT / "Models/examples").glob("*.[jp][pn]g")):
            shutil.copy2(picture, folder / "photos")
        shutil.copy2(folder / "photos/bus.png", folder / "secret.png")
        subprocess.run([clip, "index", "photos", "-q"], cwd=folder, check=True, capture_output=True)
        def state():
            return {
                str(path): hashlib.sha256(path.read_bytes()).hexdigest()
                for path in sorted(folder.rglob("*")) if path.is_file()
            }
        before = state()
        anyio.run(check_client, clip, folder)
        check_raw(clip, folder)
        check(state() == before, "nothing was written")
    print(f"{len(failures)} failed" if failures else "all hold")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
