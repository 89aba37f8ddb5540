#!/usr/bin/env python3
"""Holds `clip mcp` to the official Python client of the Model Context Protocol.

    Scripts/.venv/bin/python Scripts/oracle/check_mcp.py [--clip .build/release/clip]

The pictures are Models/examples, in an index in a temporary folder. The client negotiates by itself (which gives the newest
revision that it speaks) and in each revision that is spoken, lists the tools and checks their schemas, calls each, asks for what the
protocol's inspector asks for besides (ping, resources, prompts, unknown tools and methods), cancels calls, and sends what makes no
sense; beside it the program gets raw lines: malformed ones, a message of 40 MB, one hundred thousand requests, another revision.
Nothing outside the index is shown. At last it says what a call takes, and what the program holds after a thousand.
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
from mcp import Client, ClientSession, MCPError, StdioServerParameters, stdio_client
from mcp_types import (
    ClientCapabilities, Implementation, InitializedNotification, InitializeRequest, InitializeRequestParams, InitializeResult)
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, LATEST_PROTOCOL_VERSION
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


async def check_inspector(client):
    """What the inspector does beside calling tools."""
    tools = await client.list_tools()
    check(tools.next_cursor is None, "the tools are on one page")
    for tool in tools.tools:
        check(bool(tool.title and tool.description), f"{tool.name} has a title and a description")
        for name, value in tool.input_schema["properties"].items():
            check(bool(value.get("description")), f"{tool.name} describes {name}")
    for ask in [client.list_resources, client.list_prompts, client.list_resource_templates,
                lambda: client.read_resource("file:///etc/passwd"), lambda: client.get_prompt("x"),
                lambda: client.call_tool("no_such_tool", {})]:
        try:
            await ask()
            check(False, "what isn't there is refused")
        except MCPError as error:
            check(error.code in (-32601, -32602), f"refused with {error.code}: {error}")


async def check_client(clip, folder):
    server = StdioServerParameters(command=clip, args=["mcp", "--index", "photos"], cwd=folder)
    # As an assistant does it: the client finds out what is spoken.
    async with Client(stdio_client(server)) as client:
        check(client.protocol_version == LATEST_PROTOCOL_VERSION, f"the client speaks {client.protocol_version}")
        check(client.server_info.name == "clip" and client.instructions, "the server says who it is")
        listed = (await client.list_tools()).tools
        check(len(listed) == 6, f"{len(listed)} tools")
        for tool in listed:
            jsonschema.Draft202012Validator.check_schema(tool.input_schema)
            check(bool(tool.annotations and tool.annotations.read_only_hint), f"{tool.name} reads only")
        await check_tools(client.call_tool, folder)
        await check_inspector(client)
    for revision in HANDSHAKE_PROTOCOL_VERSIONS:
        async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
            greeting = await session.send_request(
                InitializeRequest(params=InitializeRequestParams(
                    protocol_version=revision, capabilities=ClientCapabilities(),
                    client_info=Implementation(name="check", version="1"))), InitializeResult)
            check(greeting.protocol_version == revision, f"asked for {revision}, got {greeting.protocol_version}")
            await session.send_notification(InitializedNotification())
    async with Client(stdio_client(server), mode="legacy") as client:
        check(client.protocol_version == HANDSHAKE_PROTOCOL_VERSIONS[-1], f"a greeting gives {client.protocol_version}")
        await check_tools(client.call_tool, folder)
        await check_inspector(client)
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
    other = b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2099-01-01"}}}\n'
    answers = serve(other + ping)
    check(answers[0]["error"]["code"] == -32022 and LATEST_PROTOCOL_VERSION in answers[0]["error"]["data"]["supported"],
          f"another revision is refused: {answers[0]}")


async def measure(clip, folder):
    """What calls take one after another, and what the program holds."""
    process = subprocess.Popen([clip, "mcp", "--index", "photos"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def held():
        with open(f"/proc/{process.pid}/status") as file:
            return {line.split(":")[0]: int(line.split()[1]) / 1024 for line in file if line.startswith(("RssAnon", "VmRSS"))}

    def call(number, tool, arguments):
        start = time.monotonic()
        request = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        check(json.loads(process.stdout.readline())["result"]["isError"] is False, f"{tool} answers")
        return time.monotonic() - start

    start = time.monotonic()
    call(0, "describe_index", {})
    print(f"started and described after {time.monotonic() - start:.3f} s")
    for tool, arguments in [
        ("search_pictures", {"text": "a dog", "thumbnails": False}), ("search_pictures", {"text": "a dog"}),
        ("similar_pictures", {"path": "photos/bus.png", "thumbnails": False}), ("show_picture", {"path": "photos/dog.jpg"}),
        ("classify_pictures", {"paths": ["photos"], "labels": ["dog", "cat", "bus"]}),
    ]:
        times = sorted(call(number, tool, arguments) for number in range(40))
        print(f"{tool} {json.dumps(arguments)[:60]}: median {times[20] * 1000:.1f} ms")
    early = held()
    for number in range(1000):
        call(number, "search_pictures", {"text": f"picture {number}", "top": 3})
    late = held()
    print(f"memory: {early['VmRSS']:.0f} MB, {early['RssAnon']:.0f} of it its own; after 1000 searches more "
          f"{late['VmRSS']:.0f} and {late['RssAnon']:.0f} MB")
    check(late["RssAnon"] < early["RssAnon"] + 20, "memory doesn't grow with calls")
    process.stdin.close()
    check(process.wait(timeout=60) == 0, "ends when nobody asks any more")


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
        anyio.run(measure, clip, folder)
        check(state() == before, "nothing was written")
    print(f"{len(failures)} failed" if failures else "all hold")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
