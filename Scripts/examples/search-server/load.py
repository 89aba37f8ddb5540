#!/usr/bin/env python3
"""Clients that type, all at once: how long answers take, and what becomes of the server's memory.

    load.py [--port 8080] [--clients 64] [--seconds 60] [--pid PID]

Each client types one search after another, letter by letter, and waits for the answer to each letter; now and then it goes to the
second page, leaves something out, or hangs up before the answer. With --pictures it loads the small copies of the first hits too.
Needs Python 3 alone.
"""

import argparse
import asyncio
import json
import random
import time

SEARCHES = ["a dog on a beach", "two people cooking", "red bicycle", "mountains in snow", "a cat asleep", "city at night", "an old map",
            "a bowl of fruit", "birds over water", "a yellow bus"]


async def ask(port, method, path, body=b""):
    """The status and body of an answer. Every question has a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/json\r\n"
                     f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        answer = await reader.read(-1)
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), body


def memory(pid):
    """Of a process in MB: what it holds itself, without the files that it has mapped."""
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("RssAnon"))


async def client(options, chance, end, times, faults, counts):
    while time.monotonic() < end:
        text = chance.choice(SEARCHES)
        for length in range(1, len(text) + 1):
            if time.monotonic() >= end:
                return
            search = {"text": text[:length], "count": 60}
            if chance.random() < 0.1:
                search["offset"] = 60
            if chance.random() < 0.1:
                search["without"] = ["a person"]
            if chance.random() < 0.02:
                # As a page does when the next letter comes.
                task = asyncio.create_task(ask(options.port, "POST", "/api/search", json.dumps(search).encode()))
                await asyncio.sleep(0.005)
                task.cancel()
                counts["given up"] += 1
                continue
            start = time.monotonic()
            try:
                status, body = await ask(options.port, "POST", "/api/search", json.dumps(search).encode())
                hits = json.loads(body)["hits"] if status == 200 else []
                if len(hits) != 60:
                    faults.append(f"{status}: {body[:200]!r}")
                elif options.pictures and length == len(text):
                    for hit in hits[:6]:
                        status, body = await ask(options.port, "GET", f"/pictures/{hit['id']}/320")
                        counts["pictures"] += 1
                        if status != 200 or body[:2] != b"\xff\xd8":
                            faults.append(f"{status} for a picture")
            except (OSError, ValueError, IndexError) as error:
                faults.append(repr(error))
            times.append(time.monotonic() - start)


async def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--pid", type=int, help="of the server, whose memory is looked at")
    parser.add_argument("--pictures", action="store_true", help="load small copies too")
    options = parser.parse_args()
    times, faults, counts, held = [], [], {"given up": 0, "pictures": 0}, []
    end = time.monotonic() + options.seconds
    tasks = [asyncio.create_task(client(options, random.Random(number), end, times, faults, counts))
             for number in range(options.clients)]
    while not all(task.done() for task in tasks):
        if options.pid:
            held.append(memory(options.pid))
        await asyncio.sleep(1)
    await asyncio.gather(*tasks)
    times.sort()
    print(f"{options.clients} clients, {options.seconds:.0f} s: {len(times)} searches, {len(times) / options.seconds:.0f} a second, "
          f"p50 {times[len(times) // 2] * 1000:.0f} ms, p99 {times[len(times) * 99 // 100] * 1000:.0f} ms, "
          f"{counts['given up']} given up, {counts['pictures']} pictures, {len(faults)} errors")
    for fault in faults[:5]:
        print("error:", fault)
    if held:
        print("memory in MB, every tenth of the time:", ", ".join(f"{held[len(held) * part // 10]:.0f}" for part in range(10)),
              f"and {memory(options.pid):.0f} at the end")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
